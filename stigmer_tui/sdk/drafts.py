"""A workflow while it is being written: which block a task goes into, and what can be read at this place."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stigmer_tui.sdk.blocks import END, Jump, LoopNode, PlacedTask, SwitchNode, TaskBlock, TaskNode, flatten
from stigmer_tui.sdk.mistakes import DefinitionError, Location, calling_line

if TYPE_CHECKING:
    from stigmer_tui.sdk.collection import Registry


class AgentCall(NamedTuple):
    agent: str
    is_external: bool
    """Whether the agent is deployed from elsewhere."""
    location: Location


class WorkflowBuilder:
    def __init__(self, name: str, collection: Registry) -> None:
        self.name = name
        self.loops: tuple[LoopNode, ...] = ()
        """Those that the place where the next task goes is in, the outermost first."""
        self.calls: list[AgentCall] = []
        self._collection = collection
        self._body = TaskBlock()
        self._places: list[TaskBlock | SwitchNode] = []
        self.tasks: dict[str, TaskNode] = {}
        """By name."""
        self.named: set[str] = set()
        """Tasks whose outputs expressions read that were written by hand."""

    def begin(self) -> None:
        if (other := self._collection.open_draft) is not None:
            raise DefinitionError(
                f'Workflow "{other.name}" is not finished', f'Begin "{self.name}" after its `with` block, not within.'
            )
        if self.tasks:
            raise DefinitionError(f'Workflow "{self.name}" is finished', "Write all of its tasks in one `with` block.")
        self._collection.open_draft = self
        self._places.append(self._body)

    def close(self) -> None:
        """Nothing can be added or read any more."""
        self._collection.open_draft = None
        self._places.clear()

    def finish(self) -> tuple[PlacedTask, ...]:
        """The definition. Raises DefinitionError for what only shows at the end, such as a jump that leads nowhere."""
        for name in self.named & self.tasks.keys():
            self.tasks[name].is_exported = True
        return tuple(flatten(self._body, END))

    def add(self, task: TaskNode) -> None:
        if other := self.tasks.get(task.name):
            raise DefinitionError(
                f'There is a task "{task.name}" already, in line {other.location.line}',
                "Every task of a workflow has a name of its own.",
            )
        self.check_hides_no_loop(task.name, f'The task "{task.name}"')
        self._block(f'The task "{task.name}"').add(task)
        self.tasks[task.name] = task

    def jump(self, target: str) -> None:
        block = self._block("A jump")
        if block.jump is not None:
            raise DefinitionError(
                "This jump can never be reached", f"The one in line {block.jump.location.line} leaves these tasks."
            )
        block.jump = Jump(target, calling_line())

    def enter(self, place: TaskBlock | SwitchNode) -> None:
        self._places.append(place)

    def enter_loop(self, loop: LoopNode) -> None:
        self.loops = (*self.loops, loop)
        self.enter(loop.body)

    def leave(self) -> None:
        self._places.pop()

    def leave_loop(self) -> None:
        self.loops = self.loops[:-1]
        self.leave()

    def check_open(self, what: str) -> None:
        """Raises DefinitionError where nothing of this workflow can be read."""
        other = self._collection.open_draft
        if other is not self:
            where = f'in workflow "{other.name}"' if other else "outside of its `with` block"
            raise DefinitionError(
                f'{what} of workflow "{self.name}" cannot be read {where}',
                "Workflows share no data: do the work in one of them, or pass values on in the message of a run.",
            )

    def check_visible(self, task: TaskNode) -> None:
        """Raises DefinitionError where the output of a task cannot be read."""
        self.check_open(f'The output of "{task.name}"')
        if task in self.loops:
            raise DefinitionError(
                f'The output of the loop "{task.name}" is there when the loop has ended, not within it',
                "For the element of this turn, use the name after `as`.",
            )
        for loop in task.loops:
            if loop not in self.loops:
                raise DefinitionError(
                    f'"{task.name}" is a task of the loop "{loop.name}", outside of which its output cannot be read',
                    "Keep the loop, which is the list of its turns' outputs: turns = flow.for_each(…), "
                    "then `with turns as item`.",
                )

    def check_hides_no_loop(self, name: str, what: str) -> None:
        """Results of tasks and SET variables share their names with the elements of loops.

        See `docs/compatibility.md` 84.
        """
        for loop in self.loops:
            if name == loop.each:
                raise DefinitionError(
                    f'{what} hides the element of the loop "{loop.name}", which has the same name',
                    f'Choose another name, or give the element one: flow.for_each("{loop.name}", …, each="…").',
                )

    def _block(self, what: str) -> TaskBlock:
        if not self._places:
            raise DefinitionError(
                f'{what} stands outside of workflow "{self.name}"',
                f'Write it within: with Workflow("{self.name}") as flow.',
            )
        place = self._places[-1]
        if isinstance(place, SwitchNode):
            raise DefinitionError(
                f'{what} stands in the switch "{place.name}", but in none of its cases',
                "Write it within: with size.case(condition), or after the switch.",
            )
        return place
