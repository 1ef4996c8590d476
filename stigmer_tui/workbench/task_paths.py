"""What the id of a task says: it is the path to it in the definition, with the iteration where there is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stigmer_tui.workbench.model import Task


def branch_of(task: Task) -> str:
    """What stands between a task and the one around it: `2` in `/each/2/charge`. Empty where ids are no paths."""
    around = f"{task.parent}/"
    if not task.parent or not task.id.startswith(around):
        return ""
    branch, _, name = task.id[len(around) :].rpartition("/")
    return branch if name == task.name else ""


def ancestors(task: Task, tasks: Mapping[str, Task]) -> Iterator[Task]:
    """The tasks around a task, the nearest first."""
    while task.parent and (parent := tasks.get(task.parent)) is not None and parent is not task:
        yield parent
        task = parent
