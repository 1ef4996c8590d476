"""What happens in a run of a task, as the server is told it: parts of an execution, each with its place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from stigmer_tui.agent_clis.events import Called, CliEvent, Failed, Printed, Returned, Said, Usage
from stigmer_tui.agent_clis.records import RunRecord
from stigmer_tui.api.agent_execution_pb2 import (
    MESSAGE_AI,
    MESSAGE_HUMAN,
    MESSAGE_SYSTEM,
    MESSAGE_TOOL,
    TOOL_CALL_COMPLETED,
    TOOL_CALL_FAILED,
    TOOL_CALL_RUNNING,
    AgentMessage,
    MessageType,
    ToolCall,
)
from stigmer_tui.api.execution_pb2 import AgentExecutionDelta, MessageDelta, TextTail
from stigmer_tui.api.model_call_pb2 import ModelCall
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.structs import to_struct
from stigmer_tui.core.clock import timestamp
from stigmer_tui.workbench.changed_files import CHANGES

MAX_MESSAGES = 5000
MAX_TEXT = 100_000
"""Characters of one text."""
LEFT_OUT = "What the agent says from here on stands in its records alone: "


class TaskReports:
    """Deltas of one run, in their order. Each may be told again: what it says has a place of its own."""

    def __init__(self, agent: str, model: str, prompt: str, run_folder: str) -> None:
        self._agent = agent
        self._model = f"{agent} {model}".strip()
        self._prompt = prompt
        self._run_folder = run_folder
        self._messages = 0
        self._printed = -1
        """Length of the last message, if it is made of lines that are no events."""
        self._usage = Usage()
        self._calls: dict[str, ToolCall] = {}

    def begun(self, at: datetime) -> AgentExecutionDelta:
        delta = AgentExecutionDelta(started_at=timestamp(at), phase=Phase.IN_PROGRESS.for_agent)
        delta.messages.extend(self._said(MESSAGE_HUMAN, self._prompt, at))
        return delta

    def happened(self, event: CliEvent, at: datetime) -> AgentExecutionDelta:
        match event:
            case Said(text, is_reasoning):
                kind = MESSAGE_SYSTEM if is_reasoning else MESSAGE_AI
                return AgentExecutionDelta(messages=self._said(kind, text, at))
            case Called(call_id, tool, arguments):
                call = ToolCall(id=call_id, name=tool, status=TOOL_CALL_RUNNING, started_at=timestamp(at))
                call.args.CopyFrom(to_struct(arguments))
                return self._called(call, at)
            case Returned(call_id, output, is_error):
                return self._returned(call_id, output, is_error, at)
            case Failed(message):
                return AgentExecutionDelta(messages=self._said(MESSAGE_SYSTEM, message, at))
            case Printed(text) if text.strip():
                return AgentExecutionDelta(messages=self._print(text, at))
            case Usage():
                self._usage += event
                return AgentExecutionDelta(model_calls=[self._spent(at)])
            case _:
                return AgentExecutionDelta()

    def ended(self, record: RunRecord, patch: str, at: datetime) -> AgentExecutionDelta:
        delta = self._changes(record, patch, at) if record.commits else AgentExecutionDelta()
        phase = Phase.COMPLETED if record.exit_code == 0 else Phase.FAILED
        delta.phase = (Phase.CANCELLED if record.is_cancelled else phase).for_agent
        delta.error = record.error
        delta.completed_at = record.end_time or timestamp(at)
        return delta

    def _called(self, call: ToolCall, at: datetime) -> AgentExecutionDelta:
        self._calls[call.id] = call
        message = AgentMessage(type=MESSAGE_TOOL, timestamp=timestamp(at), tool_calls=[ToolCall(id=call.id)])
        return AgentExecutionDelta(messages=self._put(message), tool_calls=[call])

    def _returned(self, call_id: str, output: str, is_error: bool, at: datetime) -> AgentExecutionDelta:
        call = self._calls.pop(call_id, None)
        if call is None:
            return AgentExecutionDelta()
        call.status = TOOL_CALL_FAILED if is_error else TOOL_CALL_COMPLETED
        call.completed_at = timestamp(at)
        if is_error:
            call.error = output[:MAX_TEXT]
        else:
            call.result = output[:MAX_TEXT]
        return AgentExecutionDelta(tool_calls=[call])

    def _changes(self, record: RunRecord, patch: str, at: datetime) -> AgentExecutionDelta:
        call = ToolCall(id=CHANGES, name=CHANGES, status=TOOL_CALL_COMPLETED, started_at=timestamp(at))
        call.completed_at, call.result = timestamp(at), patch[:MAX_TEXT]
        told = {
            "commits": [f"{commit.commit[:10]} {commit.subject}" for commit in record.commits],
            "files": record.files_changed,
            "insertions": record.insertions,
            "deletions": record.deletions,
        }
        call.args.CopyFrom(to_struct(told | ({"branch": record.branch} if record.branch else {})))
        return self._called(call, at)

    def _spent(self, at: datetime) -> ModelCall:
        call = ModelCall(
            id=self._agent,
            model=self._model,
            ended_at=timestamp(at),
            input_tokens=self._usage.tokens_in,
            cached_tokens=self._usage.tokens_cached,
            output_tokens=self._usage.tokens_out,
        )
        if self._usage.cost is not None:
            call.cost = self._usage.cost
        return call

    def _print(self, text: str, at: datetime) -> Iterator[MessageDelta]:
        """Lines that follow each other are one message."""
        if self._printed < 0:
            yield from self._said(MESSAGE_SYSTEM, text, at)
            self._printed = min(len(text), MAX_TEXT)
        elif self._printed + len(text) < MAX_TEXT:
            tail = TextTail(keep=self._printed, text=f"\n{text}")
            self._printed += len(tail.text)
            yield MessageDelta(index=self._messages - 1, tail=tail)

    def _said(self, kind: MessageType.ValueType, text: str, at: datetime) -> Iterator[MessageDelta]:
        message = AgentMessage(type=kind, content=text[:MAX_TEXT], timestamp=timestamp(at))
        if kind == MESSAGE_AI:
            message.metadata.update({"model": self._agent})
        return self._put(message)

    def _put(self, message: AgentMessage) -> Iterator[MessageDelta]:
        self._printed = -1
        if self._messages == MAX_MESSAGES:
            message = AgentMessage(type=MESSAGE_SYSTEM, content=f"{LEFT_OUT}{self._run_folder}")
        if self._messages <= MAX_MESSAGES:
            self._messages += 1
            yield MessageDelta(index=self._messages - 1, message=message)
