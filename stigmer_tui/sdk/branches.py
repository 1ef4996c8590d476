"""What stands around tasks: loops and the cases of switches. They are entered with `with`."""

from __future__ import annotations

from typing import NamedTuple, cast

from stigmer_tui.sdk.blocks import CaseNode, LoopNode, SwitchNode, TaskBlock
from stigmer_tui.sdk.drafts import WorkflowBuilder
from stigmer_tui.sdk.expressions import Expression, Reference, ReferenceSource, output_text, written
from stigmer_tui.sdk.mistakes import DefinitionError


class Loop(Reference):
    """The list of the outputs of a loop's turns; as the context of a `with`, the loop itself."""

    __slots__ = ()

    def __init__(self, task: LoopNode) -> None:
        super().__init__(ReferenceSource(output_text(task.name), True, (task,)))

    def __enter__(self) -> Reference:
        """The element of the turn."""
        task = _loop_task(self)
        if task.body.tasks:
            raise DefinitionError(f'The loop "{task.name}" has its tasks already', "Enter it once.")
        task.draft.enter_loop(task)
        return Reference(ReferenceSource(f"$data.{task.each}", True, (LoopItem(task),)))

    def __exit__(self, *details: object) -> None:
        _loop_task(self).draft.leave_loop()


class LoopItem(NamedTuple):
    """The element of a loop's turn, which can be read within that loop."""

    loop: LoopNode

    def check(self) -> None:
        self.loop.draft.check_open(f'The element of the loop "{self.loop.name}"')
        if self.loop not in self.loop.draft.loops:
            raise DefinitionError(
                f'The element of the loop "{self.loop.name}" cannot be read outside of the loop',
                "Move this task into the loop's `with` block.",
            )

    def use(self) -> None:
        self.check()


class Switch:
    """A choice between cases; see `Workflow.switch`."""

    def __init__(self, task: SwitchNode) -> None:
        self._task = task

    def case(self, condition: Expression) -> Branch:
        """The tasks to go on with if the condition holds and none before did."""
        if not isinstance(condition, Expression):
            raise DefinitionError(
                f"A case needs a condition, not {condition!r}", "Compare a reference: with size.case(item.count == 0)."
            )
        return self._branch(written(condition))

    def otherwise(self) -> Branch:
        """The tasks to go on with if no condition holds. Without them, what follows the switch is next."""
        return self._branch("")

    def __enter__(self) -> Switch:
        self._task.draft.enter(self._task)
        return self

    def __exit__(self, *details: object) -> None:
        self._task.draft.leave()

    def _branch(self, when: str) -> Branch:
        cases = self._task.cases
        if cases and not cases[-1].when:
            raise DefinitionError("`otherwise` has been written already", "It is the last case, and there is one.")
        case = CaseNode(when, TaskBlock())
        cases.append(case)
        return Branch(self._task.draft, case.block)


class Branch:
    """The tasks of one case."""

    def __init__(self, draft: WorkflowBuilder, block: TaskBlock) -> None:
        self._draft = draft
        self._block = block

    def __enter__(self) -> None:
        self._draft.enter(self._block)

    def __exit__(self, *details: object) -> None:
        self._draft.leave()


def _loop_task(loop: Loop) -> LoopNode:
    return cast(LoopNode, loop.__stigmer__.origins[0])
