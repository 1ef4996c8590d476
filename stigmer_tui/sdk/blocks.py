"""The shape of a workflow while it is being written: blocks of tasks, with cases and loop bodies inside.

On the wire there are only lists of tasks and jumps between them (`docs/compatibility.md` 88): a SWITCH jumps to the
first task of a case, and the last task of a case jumps to what comes after the SWITCH. `flatten` turns one into the
other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from stigmer_tui.sdk.mistakes import DefinitionError, Location, near_miss

if TYPE_CHECKING:
    from stigmer_tui.sdk.drafts import WorkflowBuilder

END = "end"
"""Ends the workflow."""
EXIT = "exit"
"""Ends the list: an iteration of a loop, or the workflow where there is none."""


class TaskNode:
    """A task that has been written down; where its output is read, it is exported."""

    def __init__(
        self, draft: WorkflowBuilder, name: str, kind: str, config: dict[str, Any], location: Location
    ) -> None:
        self.draft = draft
        self.name = name
        self.kind = kind
        self.config = config
        self.location = location
        self.loops = draft.loops
        self.is_exported = False

    def check(self) -> None:
        self.draft.check_visible(self)

    def use(self) -> None:
        self.check()
        self.is_exported = True


class Jump(NamedTuple):
    target: str
    location: Location


class TaskBlock:
    """Tasks one after another, and where to go after the last of them when that is not simply further on."""

    def __init__(self) -> None:
        self.tasks: list[TaskNode] = []
        self.jump: Jump | None = None

    def add(self, task: TaskNode) -> None:
        if self.jump is not None:
            raise DefinitionError(
                f'The task "{task.name}" can never be reached',
                f"The jump in line {self.jump.location.line} leaves these tasks. Remove it, or put it at their end.",
            )
        self.tasks.append(task)


class CaseNode(NamedTuple):
    when: str
    """Empty for the case of everything else."""
    block: TaskBlock


class SwitchNode(TaskNode):
    """A SWITCH with the tasks of its cases, which stand behind it in the same list."""

    def __init__(
        self, draft: WorkflowBuilder, name: str, kind: str, config: dict[str, Any], location: Location
    ) -> None:
        super().__init__(draft, name, kind, config, location)
        self.cases: list[CaseNode] = []


class LoopNode(TaskNode):
    """A FOR; its body is a list of its own."""

    def __init__(
        self, draft: WorkflowBuilder, name: str, kind: str, config: dict[str, Any], location: Location
    ) -> None:
        super().__init__(draft, name, kind, config, location)
        self.each: str = config["each"]
        self.body = TaskBlock()


class PlacedTask(NamedTuple):
    """A task of the finished definition."""

    name: str
    kind: str
    config: Mapping[str, Any]
    then: str
    """Where to go next; empty for the next task of the list."""
    is_exported: bool
    location: Location


def flatten(body: TaskBlock, end: str) -> list[PlacedTask]:
    """The tasks of one list; `end` is the directive that leaves it.

    Raises DefinitionError for a jump to a task that is not in the list, and for a loop or a switch without content.
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
    """The tasks of a block, each with where it goes on: the last one to `after`."""
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
        cases.append({"name": "otherwise", "then": following})
    yield PlacedTask(switch.name, switch.kind, {"cases": cases}, "", switch.is_exported, switch.location)
    for case in switch.cases:
        yield from _place(case.block, following)


def _case(case: CaseNode, following: str) -> dict[str, str]:
    """Named after what it leads to, which is what a screen shows of it."""
    tasks = case.block.tasks
    then = tasks[0].name if tasks else _target(case.block, following)
    written = {"name": then if case.when else "otherwise", "then": then}
    return written | {"when": case.when} if case.when else written


def _target(block: TaskBlock, after: str) -> str:
    return block.jump.target if block.jump else after


def _config(task: TaskNode) -> Mapping[str, Any]:
    if not isinstance(task, LoopNode):
        return task.config
    if not task.body.tasks:
        raise DefinitionError(
            f'The loop "{task.name}" has no tasks',
            "Write what is done in each turn within it: with flow.for_each(…) as item.",
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


EXPORT_ALL = "${.}"
"""The whole output."""


def _jumps(block: TaskBlock) -> Iterator[Jump]:
    """Those that stay within one list."""
    if block.jump is not None:
        yield block.jump
    for task in block.tasks:
        if isinstance(task, SwitchNode):
            for case in task.cases:
                yield from _jumps(case.block)
