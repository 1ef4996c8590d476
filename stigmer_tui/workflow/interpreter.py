"""Runs a definition, task after task. Deterministic: all that may differ between two runs is asked of the engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from stigmer_tui.definition.tasks import CONTINUE, END, EXIT, Definition, TaskDefinition
from stigmer_tui.workflow.failures import TaskFailure
from stigmer_tui.workflow.limits import StepLimit
from stigmer_tui.workflow.port import EnginePort
from stigmer_tui.workflow.state import RunInputs, WorkflowState
from stigmer_tui.workflow.task_run import Observer, Outcome, TaskPath, TaskRun
from stigmer_tui.workflow.tasks.kinds import run_task


class Interpreter:
    def __init__(self, definition: Definition, inputs: RunInputs, engine: EnginePort, observer: Observer) -> None:
        self._definition = definition
        self._inputs = inputs
        self._engine = engine
        self._observer = observer
        self._limit = StepLimit()

    async def run(self) -> Any:
        """The output of the last task that ran. Raises TaskFailure with the path of the task that failed."""
        state = WorkflowState(self._inputs)
        await self._run_tasks(self._definition.tasks, state, TaskPath())
        return state.output

    async def _run_tasks(self, tasks: Sequence[TaskDefinition], state: WorkflowState, place: TaskPath) -> bool:
        positions = {task.name: position for position, task in enumerate(tasks)}
        visits: Counter[str] = Counter()
        position = 0
        while position < len(tasks):
            task = tasks[position]
            visits[task.name] += 1
            outcome = await self._run_task(task, state, place.task(task.name, visits[task.name]))
            then = outcome.then or task.then or CONTINUE
            if then in (EXIT, END):
                return then == END
            position = position + 1 if then == CONTINUE else positions[then]
        return False

    async def _run_task(self, task: TaskDefinition, state: WorkflowState, place: TaskPath) -> Outcome:
        started_at = await self._engine.task_started(place.key)
        self._observer.started(place, task, started_at)
        run = TaskRun(place, state, self._engine, self._observer, self._run_tasks, task.name, started_at)
        try:
            self._limit.count()
            outcome = await run_task(task, run)
            state.data.update(outcome.data)
            state.output = outcome.output
            if task.export is not None:
                state.export(task.name, await run.evaluate_export(task.export, outcome.output))
        except TaskFailure as failure:
            failure.path = failure.path or place.path
            self._show_origin(place)
            self._observer.failed(place.path, failure, self._engine.task_ended(place.key))
            raise
        self._show_origin(place)
        self._observer.completed(place.path, outcome.output, self._engine.task_ended(place.key))
        return outcome

    def _show_origin(self, place: TaskPath) -> None:
        if execution_id := self._engine.reused_from(place.key):
            self._observer.changed(place.path, origin="reused", origin_execution=execution_id)
