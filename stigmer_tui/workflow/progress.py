"""How far a run has come, as it is reported: every task with status, times, input, output and error."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from stigmer_tui.api.execution_pb2 import WorkflowExecutionDelta
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.workflow_execution_pb2 import WorkflowTask as Report
from stigmer_tui.api.workflow_execution_pb2 import WorkflowTaskStatus as Status
from stigmer_tui.api.workflow_execution_pb2 import WorkflowTaskType as Type
from stigmer_tui.core.clock import timestamp
from stigmer_tui.definition.tasks import Definition, TaskDefinition
from stigmer_tui.workflow.display import result, shown
from stigmer_tui.workflow.failures import TaskFailure
from stigmer_tui.workflow.secrets import SecretMarks
from stigmer_tui.workflow.task_run import TaskPath

_FINAL = {Status.WORKFLOW_TASK_COMPLETED, Status.WORKFLOW_TASK_FAILED, Status.WORKFLOW_TASK_SKIPPED}


class Progress:
    """Observes a run. `take` gives what has changed since it was last asked.

    Tasks that have ended and been taken are forgotten, so that a run of many thousands stays small.
    """

    def __init__(self, definition: Definition, secrets: SecretMarks, started_at: datetime) -> None:
        self._secrets = secrets
        self.on_change: Callable[[], None] = lambda: None
        self._tasks: dict[str, Report] = {}
        self._changed: dict[str, None] = {}
        self._delta = WorkflowExecutionDelta(phase=Phase.IN_PROGRESS.for_workflow, started_at=timestamp(started_at))
        for task in definition.tasks:
            self._add(TaskPath(task.path), task)

    def take(self) -> WorkflowExecutionDelta | None:
        delta, self._delta = self._delta, WorkflowExecutionDelta()
        for path in self._changed:
            report = self._tasks[path]
            delta.tasks.append(report)
            if report.status in _FINAL:
                del self._tasks[path]
        self._changed.clear()
        return delta if delta.ByteSize() else None

    def started(self, place: TaskPath, task: TaskDefinition, at: datetime) -> None:
        report = self._add(place, task)
        report.status = Status.WORKFLOW_TASK_IN_PROGRESS
        report.started_at = timestamp(at)
        self.on_change()

    def changed(self, path: str, **what: Any) -> None:
        report = self._change(path)
        for name, value in what.items():
            if name == "input":
                report.input.CopyFrom(shown(value, self._secrets))
            elif name != "attempt" or value > 1:
                report.metadata[name] = self._secrets.hide(value)

    def completed(self, path: str, output: Any, at: datetime) -> None:
        report = self._change(path)
        report.status = Status.WORKFLOW_TASK_COMPLETED
        report.completed_at = timestamp(at)
        if output is not None:
            report.output.CopyFrom(shown(output, self._secrets))

    def failed(self, path: str, failure: TaskFailure, at: datetime) -> None:
        report = self._change(path)
        report.status = Status.WORKFLOW_TASK_FAILED
        report.completed_at = timestamp(at)
        report.error = self._secrets.hide(failure.text_for(path))
        report.metadata["error_type"] = failure.type
        if failure.status is not None:
            report.metadata["error_status"] = failure.status

    def end(self, at: datetime) -> None:
        """Of the run: tasks that were never reached are skipped, those under way are cancelled."""
        for path, report in self._tasks.items():
            if report.status not in _FINAL:
                if report.status == Status.WORKFLOW_TASK_IN_PROGRESS:
                    report.metadata["cancelled"] = True
                    report.completed_at = timestamp(at)
                report.status = Status.WORKFLOW_TASK_SKIPPED
                self._changed[path] = None

    def set_result(self, output: Any) -> None:
        """Of the run: an object in any case (`docs/compatibility.md` 20)."""
        self._delta.output.CopyFrom(result(output, self._secrets))

    def _add(self, place: TaskPath, task: TaskDefinition) -> Report:
        report = self._tasks[place.path] = Report(
            task_id=place.path,
            task_name=task.name,
            task_type=Type.Value(f"WORKFLOW_TASK_{task.report_type}"),
            status=Status.WORKFLOW_TASK_PENDING,
        )
        report.metadata["kind"] = task.label
        if task.waits:
            report.metadata["waits"] = True
        if place.parent:
            report.metadata["parent"] = place.parent
        self._changed[place.path] = None
        return report

    def _change(self, path: str) -> Report:
        self._changed[path] = None
        self.on_change()
        return self._tasks[path]
