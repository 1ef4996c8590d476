"""The variables of a run that a workflow names in its expressions."""

from __future__ import annotations

from dataclasses import dataclass

from stigmer_tui.definition.tasks import Definition, every_task, templates_of


@dataclass(frozen=True, slots=True)
class VariableUse:
    name: str
    is_secret: bool
    """Whether some expression asks for it as `.secrets.NAME`."""
    tasks: tuple[str, ...]
    """Paths of the tasks that cannot do without it."""


def variables(definition: Definition) -> tuple[VariableUse, ...]:
    """In the order of their first use. In an export `.` is the output of the task, so nothing there is a variable."""
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
