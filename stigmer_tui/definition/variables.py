"""The variables of a run: those that a resource declares, and those that its expressions name."""

from __future__ import annotations

from dataclasses import dataclass

from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.workflow_pb2 import Workflow
from stigmer_tui.core.run_variable import RunVariable
from stigmer_tui.definition.extensions import read_declarations
from stigmer_tui.definition.reading import read
from stigmer_tui.definition.tasks import Definition, every_task, templates_of


@dataclass(frozen=True, slots=True)
class VariableUse:
    """A variable that expressions of a workflow name."""

    name: str
    is_secret: bool
    """Whether an expression names it as `.secrets.NAME`."""
    tasks: tuple[str, ...]
    """The paths of the tasks that need it."""


def variables(definition: Definition) -> tuple[VariableUse, ...]:
    """The variables in the order of first use. Exports have none, because `.` is the output of the task there."""
    secret: dict[str, bool] = {}
    users: dict[str, dict[str, None]] = {}
    for task in every_task(definition.tasks):
        for template in templates_of(task):
            if template is task.export:
                continue
            for where, name in (found for expression in template.expressions for found in expression.variables):
                secret[name] = secret.get(name, False) or where == "secrets"
                users.setdefault(name, {})[task.path] = None
    return tuple(VariableUse(name, secret[name], tuple(users[name])) for name in users)


def run_variables(resource: Agent | Workflow) -> tuple[RunVariable, ...]:
    """The variables in the order of the code, or else of their use, because a map of the wire has no order."""
    uses: dict[str, VariableUse] = {}
    if isinstance(resource, Workflow):
        uses = {use.name: use for use in variables(read(resource.spec).definition)}
    declared, said = resource.spec.env_spec.data, read_declarations(resource.metadata.annotations)
    found = []
    for name in dict.fromkeys((*(name for name in said if name in declared), *uses, *sorted(declared))):
        variable, use = declared.get(name, None), uses.get(name)
        is_secret = bool((variable and variable.is_secret) or (use and use.is_secret))
        found.append(
            RunVariable(
                name=name,
                description=variable.description if variable else "",
                default=variable.value if variable and not is_secret else "",
                is_secret=is_secret,
                has_value=bool(variable and variable.value) or said.get(name) is not None,
                used_by=use.tasks if use else (),
            )
        )
    return tuple(found)
