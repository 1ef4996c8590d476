"""Progress for programs: a JSON object a line, each with `event` and `time`. Texts for people go to standard error."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TextIO

from stigmer_tui.core.clock import Clock, timestamp
from stigmer_tui.core.control_text import json_text
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.workbench.model import Execution, Message, Resource, Role, RunState, Task, ToolCall
from stigmer_tui.workbench.state import ApplySummary


class JsonOutput:
    def __init__(self, out: TextIO, err: TextIO, redactor: Redactor, clock: Clock) -> None:
        self._out = out
        self._err = err
        self._redactor = redactor
        self._clock = clock
        self._seen: dict[str, int] = {}
        self._texts: dict[tuple[str, int], str] = {}

    def project_detected(self) -> None:
        """The events that follow say so."""

    def project_loaded(self, name: str) -> None:
        self._tell("project", name=name)

    def synthesis_output(self, line: str, is_error: bool) -> None:
        self._err.write(f"{line}\n")
        self._err.flush()

    def manifests_loaded(self, resources: int) -> None:
        self._tell("manifests", resources=resources)

    def deployed(self, applied: ApplySummary, agents: int, workflows: int) -> None:
        self._tell(
            "deployed",
            created=applied.created,
            updated=applied.updated,
            unchanged=applied.unchanged,
            orphaned=applied.orphaned,
        )

    def warned(self, text: str) -> None:
        self._tell("warning", message=text)

    def handed_over(self, names: Sequence[str]) -> None:
        self._tell("keys_handed_over", names=list(names))

    def started(self, resource: Resource, execution: Execution) -> None:
        self._tell("started", execution_id=execution.id, kind=resource.kind, resource=resource.slug)

    def changed(self, execution: Execution) -> None:
        self._changed(execution, {})
        for task_id, child in execution.children.items():
            self._changed(child, {"task": task_id})

    def connection_lost(self) -> None:
        self._tell("connection_lost")

    def ended(self, execution: Execution) -> None:
        self.changed(execution)
        self._tell(
            execution.state.value,
            execution_id=execution.id,
            output=_output(execution),
            error=execution.error,
            started_at=_text(execution.started_at),
            completed_at=_text(execution.completed_at),
        )

    def left_running(self, execution: Execution) -> None:
        self._tell("detached", execution_id=execution.id)

    def failed(self, message: str, advice: str) -> None:
        self._tell("error", message=message)
        self._err.write(self._redactor.text(f"Error: {message}\n" + (f"\n{advice}\n" if advice else "")))

    def _changed(self, execution: Execution, where: dict[str, str]) -> None:
        seen = self._seen.get(execution.id, -1)
        self._seen[execution.id] = execution.revision
        for index, message in enumerate(execution.messages):
            done = execution.state.is_final or index < len(execution.messages) - 1
            if message.revision > seen or (done and (execution.id, index) in self._texts):
                self._message(execution.id, index, message, done, where)
        for call in execution.calls.values():
            if call.revision > seen:
                self._tell("tool_call", **_call(call), **where)
        for task in execution.tasks.values():
            if task.revision > seen:
                self._tell("task", **_task(task))

    def _message(self, execution_id: str, index: int, message: Message, done: bool, where: dict[str, str]) -> None:
        """The text as it grows, and the whole message once it is complete."""
        if message.role is Role.TOOL:
            return
        key = (execution_id, index)
        told = self._texts.get(key, "")
        if not message.text.startswith(told):
            told = ""
        if message.text != told:
            self._tell("text", index=index, keep=len(told), text=message.text[len(told) :], **where)
        if done:
            self._texts.pop(key, None)
            self._tell("message", index=index, role=message.role.name.lower(), text=message.text, **where)
        else:
            self._texts[key] = message.text

    def _tell(self, event: str, **data: Any) -> None:
        line = {"event": event, "time": timestamp(self._clock.now()), **data}
        self._out.write(json_text(self._redactor.data(line)) + "\n")
        self._out.flush()


def _output(execution: Execution) -> Any:
    """Of an agent, what it said last."""
    if execution.output is not None:
        return execution.output
    for message in reversed(execution.messages):
        if message.role is Role.AGENT and message.text:
            return message.text
    return None


def _call(call: ToolCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "name": call.name,
        "arguments": dict(call.arguments),
        "state": call.state,
        "result": call.result,
        "error": call.error,
    }


def _task(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "name": task.name,
        "kind": task.kind,
        "state": task.state,
        "output": task.output if task.state is RunState.COMPLETED else None,
        "error": task.error,
    }


def _text(moment: datetime | None) -> str:
    return timestamp(moment) if moment else ""
