"""A workflow while its `with` block runs: where the next task goes, and what can be read there."""

from __future__ import annotations

from typing import NamedTuple

from stigmer_tui.sdk.errors import DefinitionError, Location, calling_line
from stigmer_tui.sdk.layout import END, Jump, LoopNode, PlacedTask, SwitchNode, TaskBlock, TaskNode, flatten


class AgentCall(NamedTuple):
    """An agent that a workflow calls."""

    agent: str
    is_external: bool
    """Whether the agent is deployed from elsewhere."""
    location: Location


class WorkflowBuilder:
    """What is known of a workflow so far; after `finish`, its definition."""

    def __init__(
        self, name: str, namespace: str, version: str, description: str, input_schema: str, location: Location
    ) -> None:
        """`input_schema` is JSON; empty where the input may be anything."""
        self.name = name
        self.namespace = namespace
        self.version = version
        self.description = description
        self.input_schema = input_schema
        self.location = location
        self.nodes: dict[str, TaskNode] = {}
        """All tasks, nested ones too, by name."""
        self.tasks: tuple[PlacedTask, ...] = ()
        """The finished definition."""
        self.calls: list[AgentCall] = []
        self.loops: tuple[LoopNode, ...] = ()
        """The loops around the next task, outermost first."""
        self.read_by_name: set[str] = set()
        """Tasks whose outputs handwritten expressions read."""
        self._body = TaskBlock()
        self._open_blocks: list[TaskBlock | SwitchNode] = []

    def begin(self) -> None:
        """Opens the `with` block. Raises DefinitionError for a second one."""
        if self.nodes:
            raise DefinitionError(f'Workflow "{self.name}" is finished', "Write all of its tasks in one `with` block.")
        self.enter(self._body)

    def close(self) -> None:
        """Ends the `with` block: from now on nothing can be added."""
        self._open_blocks.clear()

    def finish(self) -> None:
        """Sets `tasks`. Raises DefinitionError for problems that show only at the end, such as an unknown target."""
        for name in self.read_by_name & self.nodes.keys():
            self.nodes[name].is_exported = True
        self.tasks = tuple(flatten(self._body, END))

    def add(self, task: TaskNode) -> None:
        """Appends a task to the current block. Raises DefinitionError where it cannot stand."""
        if other := self.nodes.get(task.name):
            raise DefinitionError(
                f'There is a task "{task.name}" already, in {other.location}',
                "Every task of a workflow has a name of its own.",
            )
        self.check_hides_no_element(task.name, f'The task "{task.name}"')
        self._block(f'The task "{task.name}"').add(task)
        self.nodes[task.name] = task

    def jump(self, target: str) -> None:
        """Ends the current block with a jump. Raises DefinitionError where it cannot stand."""
        block = self._block("A jump")
        if block.jump is not None:
            raise DefinitionError(
                "This jump can never be reached", f"The one in {block.jump.location} leaves these tasks."
            )
        block.jump = Jump(target, calling_line())

    def enter(self, block: TaskBlock | SwitchNode) -> None:
        """The next tasks belong to this block, until `leave`."""
        self._open_blocks.append(block)

    def leave(self) -> None:
        """The next tasks belong to the block around the current one."""
        self._open_blocks.pop()

    def enter_loop(self, loop: LoopNode) -> None:
        """The next tasks belong to the body of this loop, until `leave_loop`."""
        self.loops = (*self.loops, loop)
        self.enter(loop.body)

    def leave_loop(self) -> None:
        """The next tasks belong to the block around the current loop."""
        self.loops = self.loops[:-1]
        self.leave()

    def check_open(self, what: str, open_workflow: WorkflowBuilder | None) -> None:
        """Raises DefinitionError where nothing of this workflow can be read."""
        if open_workflow is not self:
            where = f'in workflow "{open_workflow.name}"' if open_workflow else "outside of its `with` block"
            raise DefinitionError(
                f'{what} of workflow "{self.name}" cannot be read {where}',
                "Workflows share no data: do the work in one of them, or pass values on in the message of a run.",
            )

    def check_visible(self, task: TaskNode) -> None:
        """Raises DefinitionError where the output of this task cannot be read."""
        if task in self.loops:
            raise DefinitionError(
                f'The output of the loop "{task.name}" is there when the loop has ended, not within it',
                "For the element of this iteration, use the name after `as`.",
            )
        for loop in task.loops:
            if loop not in self.loops:
                raise DefinitionError(
                    f'"{task.name}" is a task of the loop "{loop.name}", outside of which its output cannot be read',
                    "Keep the loop, which is the list of the outputs of its iterations: results = flow.for_each(…), "
                    "then `with results as item`.",
                )

    def check_hides_no_element(self, name: str, what: str) -> None:
        """Raises DefinitionError for a name that the element of a loop has.

        Outputs of tasks, SET variables and elements of loops share one namespace (`docs/compatibility.md` 84).
        """
        for loop in self.loops:
            if name == loop.element:
                raise DefinitionError(
                    f'{what} hides the element of the loop "{loop.name}", which has the same name',
                    f'Choose another name, or give the element one: flow.for_each("{loop.name}", …, each="…").',
                )

    def _block(self, what: str) -> TaskBlock:
        if not self._open_blocks:
            raise DefinitionError(
                f'{what} stands outside of workflow "{self.name}"',
                f'Write it within: with Workflow("{self.name}") as flow.',
            )
        block = self._open_blocks[-1]
        if isinstance(block, SwitchNode):
            raise DefinitionError(
                f'{what} stands in the switch "{block.name}", but in none of its cases',
                "Write it within: with size.case(condition), or after the switch.",
            )
        return block


class TaskOutput(NamedTuple):
    """The output of a task, as the source of a reference."""

    workflow: WorkflowBuilder
    task: TaskNode

    def check(self, open_workflow: WorkflowBuilder | None) -> None:
        """Raises DefinitionError where it cannot be read."""
        self.workflow.check_open(f'The output of "{self.task.name}"', open_workflow)
        self.workflow.check_visible(self.task)

    def use(self, open_workflow: WorkflowBuilder | None) -> None:
        """Exports the output. Raises DefinitionError where it cannot be read."""
        self.check(open_workflow)
        self.task.is_exported = True


class LoopElement(NamedTuple):
    """The element of an iteration, as the source of a reference. It can be read within the loop."""

    workflow: WorkflowBuilder
    loop: LoopNode

    def check(self, open_workflow: WorkflowBuilder | None) -> None:
        """Raises DefinitionError outside of the loop."""
        what = f'The element of the loop "{self.loop.name}"'
        self.workflow.check_open(what, open_workflow)
        if self.loop not in self.workflow.loops:
            raise DefinitionError(
                f"{what} cannot be read outside of the loop", "Move this task into the loop's `with` block."
            )

    def use(self, open_workflow: WorkflowBuilder | None) -> None:
        """Raises DefinitionError outside of the loop."""
        self.check(open_workflow)


class WorkflowInput(NamedTuple):
    """The input of a run, as the source of a reference. It can be read anywhere in its workflow."""

    workflow: WorkflowBuilder

    def check(self, open_workflow: WorkflowBuilder | None) -> None:
        """Raises DefinitionError outside of the workflow."""
        self.workflow.check_open("The input", open_workflow)

    def use(self, open_workflow: WorkflowBuilder | None) -> None:
        """Raises DefinitionError outside of the workflow."""
        self.check(open_workflow)
