"""What the id of a task says: it is the path to it in the definition, with the iteration where there is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stigmer_tui.workbench.model import Execution, RunState, Task


def branch_of(task: Task) -> str:
    """What stands between a task and the one around it: `2` in `/each/2/charge`. Empty where ids are no paths."""
    around = f"{task.parent}/"
    if not task.parent or not task.id.startswith(around):
        return ""
    branch, _, name = task.id[len(around) :].rpartition("/")
    return branch if name == task.name else ""


def ancestors(task: Task, tasks: Mapping[str, Task]) -> Iterator[Task]:
    """The tasks around a task, the nearest first; none of them twice, whatever a server says of their parents."""
    seen = {task.id}
    while (parent := tasks.get(task.parent)) is not None and parent.id not in seen:
        yield parent
        seen.add(parent.id)
        task = parent


def place_of(task: Task, execution: Execution) -> tuple[int, ...]:
    """Sorts tasks as they follow each other: the positions of those around it from outside in, then its own."""
    around = [execution.positions[other.id] for other in ancestors(task, execution.tasks)]
    return (*reversed(around), execution.positions[task.id])


class Failures:
    """Which failed tasks stand below a failed one, so that an error is told where it happened and nowhere else."""

    def __init__(self) -> None:
        self._below: dict[str, dict[str, None]] = {}

    def note(self, task: Task) -> None:
        if task.state is RunState.FAILED and task.error and task.parent:
            self._below.setdefault(task.parent, {})[task.id] = None

    def are_told_below(self, task: Task, tasks: Mapping[str, Task]) -> bool:
        """Whether the error of a task is that of one below it."""
        if task.state is not RunState.FAILED or not task.error:
            return False
        below = (tasks[name] for name in self._below.get(task.id, ()))
        return any(other.state is RunState.FAILED and other.error in task.error for other in below)
