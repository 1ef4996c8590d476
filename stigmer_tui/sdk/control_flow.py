"""Loops and switches, which are entered with `with`."""

from __future__ import annotations

from typing import cast

from stigmer_tui.sdk.builder import LoopElement, TaskOutput, WorkflowBuilder
from stigmer_tui.sdk.errors import DefinitionError
from stigmer_tui.sdk.expressions import Expression, JqProgram, Reference, output_of, task_text
from stigmer_tui.sdk.layout import CaseNode, LoopNode, SwitchNode, TaskBlock


class Loop(Reference):
    """A loop, and the list of the outputs of its iterations; see `Workflow.for_each`.

    In a `with` block it gives the element of the iteration, after the block the list:

        charges = flow.for_each("charge-all", shop.orders)
        with charges as order:
            flow.http_post("charge", url, body={"id": order.id})
        flow.set("result", first=charges[0].receipt)
    """

    __slots__ = ()

    def __init__(self, workflow: WorkflowBuilder, task: LoopNode) -> None:
        super().__init__(JqProgram(output_of(task.name), True, (TaskOutput(workflow, task),)))

    def __enter__(self) -> Reference:
        workflow, task = _output(self)
        loop = cast(LoopNode, task)
        if loop.body.tasks:
            raise DefinitionError(f'The loop "{loop.name}" has its tasks already', "Enter it once.")
        workflow.enter_loop(loop)
        return Reference(JqProgram(f"$data.{loop.element}", True, (LoopElement(workflow, loop),)))

    def __exit__(self, *details: object) -> None:
        _output(self).workflow.leave_loop()


class Switch:
    """A choice between cases; see `Workflow.switch`."""

    def __init__(self, workflow: WorkflowBuilder, task: SwitchNode) -> None:
        self._workflow = workflow
        self._task = task

    def case(self, condition: Expression) -> Case:
        """The tasks for when this condition holds and none before it did: `with size.case(item.count == 0):`."""
        if not isinstance(condition, Expression):
            raise DefinitionError(
                f"A case needs a condition, not {condition!r}", "Compare a reference: with size.case(item.count == 0)."
            )
        return self._add(task_text(condition))

    def default(self) -> Case:
        """The tasks for when no condition holds: `with size.default():`. It is the last case.

        Without it, the run goes on with what follows the switch.
        """
        return self._add("")

    def __enter__(self) -> Switch:
        self._workflow.enter(self._task)
        return self

    def __exit__(self, *details: object) -> None:
        self._workflow.leave()

    def _add(self, when: str) -> Case:
        cases = self._task.cases
        if cases and not cases[-1].when:
            raise DefinitionError("The default case has been written already", "It is the last case, and there is one.")
        case = CaseNode(when, TaskBlock())
        cases.append(case)
        return Case(self._workflow, case.block)


class Case:
    """The tasks of a case, written in its `with` block; see `Switch.case`."""

    def __init__(self, workflow: WorkflowBuilder, block: TaskBlock) -> None:
        self._workflow = workflow
        self._block = block

    def __enter__(self) -> None:
        self._workflow.enter(self._block)

    def __exit__(self, *details: object) -> None:
        self._workflow.leave()


def task_of(reference: Reference) -> str:
    """The name of the task whose output this is. Raises DefinitionError for anything else."""
    program = reference.__stigmer__
    match program.sources:
        case (TaskOutput(task=task),) if program.text == output_of(task.name):
            return task.name
        case _:
            raise DefinitionError(f"{program.text} is not a task", "Pass the output of the task: flow.go_to(job).")


def _output(loop: Loop) -> TaskOutput:
    # Kept among its sources, because every attribute of a reference is data.
    return cast(TaskOutput, loop.__stigmer__.sources[0])
