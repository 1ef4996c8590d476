"""What a run can be given: the variables that an agent or a workflow declares, and those that it only uses."""

from __future__ import annotations

from dataclasses import dataclass

from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.workflow_pb2 import Workflow
from stigmer_tui.definition.declarations import read_declarations
from stigmer_tui.definition.reading import read
from stigmer_tui.definition.variables import VariableUse, variables


@dataclass(frozen=True, slots=True)
class RunVariable:
    name: str
    description: str
    default: str
    """Empty for secrets."""
    is_secret: bool
    has_value: bool
    """Whether a value or a default is there already, secret or not."""
    used_by: tuple[str, ...]
    """Tasks that cannot do without it."""


def run_variables(resource: Agent | Workflow) -> tuple[RunVariable, ...]:
    """As the code has them, else as the tasks use them; a map of the wire has no order."""
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
