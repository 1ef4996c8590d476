"""The structure of a workflow: blocks of tasks, with cases and loop bodies inside.

On the wire there are only lists of tasks and jumps between them (`docs/compatibility.md` 88): a SWITCH jumps to the
first task of a case, and the last task of a case jumps to what follows the SWITCH. `flatten` turns blocks into such
lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from stigmer_tui.sdk.errors import DefinitionError, Location, near_miss

END = "end"
"""Ends the workflow."""
EXIT = "exit"
"""Ends the list: an iteration of a loop, or the workflow outside of loops."""
EXPORT_ALL = "${.}"
"""Exports the whole output of a task."""
DEFAULT_CASE = "default"
"""The name of the case for when no condition holds."""


class TaskNode:
    """A task of a block."""

    def __init__(
        self, name: str, kind: str, config: dict[str, Any], location: Location, loops: tuple[LoopNode, ...] = ()
    ) -> None:
        self.name = name
        self.kind = kind
        self.config = config
        self.location = location
        self.loops = loops
        """The loops around it, outermost first."""
        self.is_exported = False
        """Whether later tasks read its output."""


class Jump(NamedTuple):
    """`end` or `go_to`, at the end of a block."""

    target: str
    location: Location


class TaskBlock:
    """Tasks in sequence, and the jump after the last of them, if there is one."""

    def __init__(self) -> None:
        self.tasks: list[TaskNode] = []
        self.jump: Jump | None = None

    def add(self, task: TaskNode) -> None:
        """Appends a task. Raises DefinitionError after a jump, where it would never run."""
        if self.jump is not None:
            raise DefinitionError(
                f'The task "{task.name}" can never be reached',
                f"The jump in {self.jump.location} leaves these tasks. Remove it, or put it at their end.",
            )
        self.tasks.append(task)


class CaseNode(NamedTuple):
    """A case of a SWITCH."""

    when: str
    """The condition; empty for the default case."""
    block: TaskBlock


class SwitchNode(TaskNode):
    """A SWITCH. The tasks of its cases follow it in the same list."""

    def __init__(self, name: str, kind: str, location: Location, loops: tuple[LoopNode, ...]) -> None:
        super().__init__(name, kind, {}, location, loops)
        self.cases: list[CaseNode] = []


class LoopNode(TaskNode):
    """A FOR. Its body is a list of its own."""

    def __init__(
        self, name: str, kind: str, config: dict[str, Any], location: Location, loops: tuple[LoopNode, ...]
    ) -> None:
        super().__init__(name, kind, config, location, loops)
        self.element: str = config["each"]
        """The name of the element in expressions."""
        self.body = TaskBlock()


class PlacedTask(NamedTuple):
    """A task of the finished list."""

    name: str
    kind: str
    config: Mapping[str, Any]
    then: str
    """Where to go next; empty for the next task of the list."""
    is_exported: bool
    location: Location


def flatten(body: TaskBlock, end: str) -> list[PlacedTask]:
    """The tasks of a list; `end` is the directive that leaves it.

    Raises DefinitionError for a jump to a task that is not in the list, and for an empty loop or switch.
    """
    placed = list(_place(body, end))
    names = [task.name for task in placed]
    known = set(names)
    for jump in _jumps(body):
        if jump.target != END and jump.target not in known:
            raise DefinitionError(
                f'go_to("{jump.target}") leads nowhere',
                f"{near_miss(jump.target, names)} A jump cannot enter or leave a loop.",
                jump.location,
            )
    return [
        task._replace(then="") if task.then == following else task
        for task, following in zip(placed, [*names[1:], end], strict=False)
    ]


def _place(block: TaskBlock, after: str) -> Iterator[PlacedTask]:
    """The tasks of a block with their successors; that of the last one is `after`."""
    following = [task.name for task in block.tasks[1:]]
    for task, onward in zip(block.tasks, [*following, _target(block, after)], strict=False):
        if isinstance(task, SwitchNode):
            yield from _place_switch(task, onward)
        else:
            yield PlacedTask(task.name, task.kind, _config(task), onward, task.is_exported, task.location)


def _place_switch(switch: SwitchNode, following: str) -> Iterator[PlacedTask]:
    if not switch.cases:
        raise DefinitionError(
            f'The switch "{switch.name}" has no cases',
            "Write them within it: with flow.switch(…) as size, then with size.case(item.count == 0).",
            switch.location,
        )
    cases = [_case(case, following) for case in switch.cases]
    if switch.cases[-1].when:
        cases.append({"name": DEFAULT_CASE, "then": following})
    yield PlacedTask(switch.name, switch.kind, {"cases": cases}, "", switch.is_exported, switch.location)
    for case in switch.cases:
        yield from _place(case.block, following)


def _case(case: CaseNode, following: str) -> dict[str, str]:
    """A case is named after its target, because the name is what the screen shows."""
    tasks = case.block.tasks
    then = tasks[0].name if tasks else _target(case.block, following)
    written = {"name": then if case.when else DEFAULT_CASE, "then": then}
    return written | {"when": case.when} if case.when else written


def _target(block: TaskBlock, after: str) -> str:
    return block.jump.target if block.jump else after


def _config(task: TaskNode) -> Mapping[str, Any]:
    if not isinstance(task, LoopNode):
        return task.config
    if not task.body.tasks:
        raise DefinitionError(
            f'The loop "{task.name}" has no tasks',
            "Write the tasks of an iteration within it: with flow.for_each(…) as item.",
            task.location,
        )
    return task.config | {"do": [nested_task(placed) for placed in flatten(task.body, EXIT)]}


def nested_task(task: PlacedTask) -> dict[str, Any]:
    """A task inside the configuration of another (`docs/compatibility.md` 147)."""
    written: dict[str, Any] = {
        "name": task.name,
        "kind": f"WORKFLOW_TASK_KIND_{task.kind}",
        "taskConfig": dict(task.config),
    }
    if task.is_exported:
        written["export"] = {"as": EXPORT_ALL}
    if task.then:
        written["flow"] = {"then": task.then}
    return written


def _jumps(block: TaskBlock) -> Iterator[Jump]:
    """The jumps of a block and of its cases, all of which stay within one list."""
    if block.jump is not None:
        yield block.jump
    for task in block.tasks:
        if isinstance(task, SwitchNode):
            for case in task.cases:
                yield from _jumps(case.block)
