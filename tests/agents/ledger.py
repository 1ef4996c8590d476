"""What a server keeps of an agent execution: the reports, and the status that they add up to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from stigmer_tui.api.agent_execution_pb2 import AgentExecutionStatus, AgentMessage, MessageType, ToolCall
from stigmer_tui.api.execution_pb2 import AgentExecutionDelta
from stigmer_tui.api.model_call_pb2 import KeptRequest, ModelCall, RequestField
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import ReportRequest


class Ledger:
    def __init__(self) -> None:
        self.status = AgentExecutionStatus()
        self.reports: list[AgentExecutionDelta] = []
        self.changed = asyncio.Condition()
        self.model_calls: dict[str, ModelCall] = {}
        """By their ids."""
        self.requests: list[KeptRequest] = []
        """Those to models that were kept."""
        self.pieces: dict[str, str] = {}

    async def receive(self, report: ReportRequest) -> None:
        async with self.changed:
            assert not Phase(self.status.phase).is_final, "nothing can be reported after the end"
            self.reports.append(report.agent)
            self._apply(report.agent)
            for request in report.requests:
                self.requests.append(request)
                self.pieces.update(request.pieces)
            self.changed.notify_all()

    def body(self, index: int) -> dict[str, Any]:
        """Of a request that was kept."""

        def value(field: RequestField) -> Any:
            pieces = [json.loads(self.pieces[piece]) for piece in field.pieces]
            return pieces if field.is_list else pieces[0]

        return {field.name: value(field) for field in self.requests[index].fields}

    async def until(self, reached: Callable[[Ledger], bool]) -> None:
        async with asyncio.timeout(60), self.changed:
            await self.changed.wait_for(lambda: reached(self))

    @property
    def phase(self) -> Phase:
        return Phase(self.status.phase)

    @property
    def kinds(self) -> list[str]:
        """`HUMAN`, `AI`, `TOOL`, `SYSTEM`, in the order of the transcript."""
        return [MessageType.Name(message.type).removeprefix("MESSAGE_") for message in self.status.messages]

    @property
    def answers(self) -> list[str]:
        return [message.content for message in self.status.messages if message.type == MessageType.MESSAGE_AI]

    @property
    def calls(self) -> list[ToolCall]:
        return list(self.status.tool_calls)

    def everything(self) -> str:
        """All that was ever reported."""
        return "\n".join(map(str, self.reports))

    def _apply(self, delta: AgentExecutionDelta) -> None:
        for field in ("phase", "error", "started_at", "completed_at"):
            if delta.HasField(field):
                setattr(self.status, field, getattr(delta, field))
        for change in delta.messages:
            assert change.index <= len(self.status.messages), "a report leaves a gap in the conversation"
            if change.index == len(self.status.messages):
                self.status.messages.append(AgentMessage())
            message = self.status.messages[change.index]
            if change.WhichOneof("change") == "message":
                message.CopyFrom(change.message)
            else:
                assert change.tail.keep <= len(message.content)
                message.content = message.content[: change.tail.keep] + change.tail.text
        self.model_calls.update({call.id: call for call in delta.model_calls})
        if delta.HasField("todos"):
            self.status.todos.clear()
            for item in delta.todos.items:
                self.status.todos[item.id].CopyFrom(item)
        parts = {part.id: part for part in self.status.sub_agent_executions}
        for part in delta.sub_agents:
            if part.id in parts:
                parts[part.id].CopyFrom(part)
            else:
                self.status.sub_agent_executions.append(part)
        known = {call.id: call for call in self.status.tool_calls}
        for call in delta.tool_calls:
            if call.id in known:
                known[call.id].CopyFrom(call)
            else:
                self.status.tool_calls.append(call)
