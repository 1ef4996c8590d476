"""An execution that has ended as spans, by the GenAI semantic conventions of OpenTelemetry.

They are made of what runners have reported, in which secrets are redacted already.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.protobuf.struct_pb2 import Struct

from stigmer_tui.api.agent_execution_pb2 import AgentExecution, MessageType, ToolCall, ToolCallStatus
from stigmer_tui.api.model_calls import read_model_calls
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.structs import to_data
from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecution, WorkflowTask, WorkflowTaskStatus
from stigmer_tui.core.clock import parse_timestamp
from stigmer_tui.core.trace_context import span_id, task_part, trace_id
from stigmer_tui.server.execution_state import AnyExecution

UNKNOWN_ERROR = "_OTHER"
"""Of the conventions, where no class of errors is known."""

Attributes = dict[str, str | int | float]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an execution hangs in its trace."""

    root: str
    """The execution that a person started."""
    name: str
    """Of the agent or workflow."""
    parent_span: int | None = None


@dataclass(frozen=True, slots=True)
class Span:
    name: str
    trace_id: int
    span_id: int
    parent_id: int | None
    started_at: datetime
    ended_at: datetime
    attributes: Attributes
    is_client: bool = False
    """Whether something outside was asked."""
    error_type: str = ""
    """Empty for a success."""
    error: str = ""
    """Only with the content of the execution."""


def spans_of(execution: AnyExecution, origin: Origin, with_content: bool) -> Iterator[Span]:
    """The execution, then its parts that began. None where it has no times."""
    whole = _execution_span(execution, origin, with_content)
    if whole is None:
        return
    yield whole
    if isinstance(execution, WorkflowExecution):
        for task in execution.status.tasks:
            if times := _times(task.started_at, task.completed_at, whole.ended_at):
                yield _task_span(task, whole, execution.metadata.id, times, with_content)
        return
    yield from _model_spans(execution, whole)
    for call in execution.status.tool_calls:
        if times := _times(call.started_at, call.completed_at, whole.ended_at):
            yield _tool_span(call, whole, execution.metadata.id, times, with_content)


def span_that_started(parent: AnyExecution, child: str) -> int:
    """The span of the task or the tool call that a child execution belongs to; else that of the parent."""
    parent_id = parent.metadata.id
    if isinstance(parent, WorkflowExecution):
        for task in parent.status.tasks:
            if _text(task.metadata, "child") == child:
                return span_id(parent_id, task_part(task.task_id))
    else:
        for call in parent.status.tool_calls:
            if _text(call.component_metadata.metadata, "child") == child:
                return span_id(parent_id, _tool_part(call))
    return span_id(parent_id)


def _execution_span(execution: AnyExecution, origin: Origin, with_content: bool) -> Span | None:
    status, phase = execution.status, Phase(execution.status.phase)
    ended_at = parse_timestamp(status.completed_at)
    if ended_at is None:
        return None
    is_agent = isinstance(execution, AgentExecution)
    operation, noun = ("invoke_agent", "agent") if is_agent else ("invoke_workflow", "workflow")
    attributes: Attributes = {
        "gen_ai.operation.name": operation,
        f"gen_ai.{noun}.name": origin.name,
        "stigmer.execution.id": execution.metadata.id,
        "stigmer.execution.phase": phase.name.lower(),
    }
    if isinstance(execution, AgentExecution):
        attributes["gen_ai.agent.id"] = execution.spec.agent_id
        if execution.spec.session_id:
            attributes["gen_ai.conversation.id"] = execution.spec.session_id
        calls = read_model_calls(execution.metadata.annotations)
        if calls:
            attributes["gen_ai.provider.name"] = calls[-1].model.partition(" ")[0]
            attributes["gen_ai.usage.input_tokens"] = sum(call.input_tokens for call in calls)
            attributes["gen_ai.usage.output_tokens"] = sum(call.output_tokens for call in calls)
        if with_content:
            attributes |= _messages(execution)
    elif with_content and execution.status.HasField("output"):
        attributes["stigmer.workflow.output"] = _json(to_data(execution.status.output))
    return Span(
        f"{operation} {origin.name}",
        trace_id(origin.root),
        span_id(execution.metadata.id),
        origin.parent_span,
        min(parse_timestamp(status.started_at) or ended_at, ended_at),
        ended_at,
        attributes,
        error_type="" if phase is Phase.COMPLETED else phase.name.lower(),
        error=status.error if with_content else "",
    )


def _messages(execution: AgentExecution) -> Attributes:
    """What the agent was told, and its last answer. Taken from the transcript, which is redacted."""
    asked = [message for message in execution.status.messages if message.type == MessageType.MESSAGE_HUMAN]
    answers = [message for message in execution.status.messages if message.type == MessageType.MESSAGE_AI]
    attributes: Attributes = {}
    if asked:
        message: dict[str, Any] = {"role": "user", "parts": [{"type": "text", "content": asked[-1].content}]}
        attributes["gen_ai.input.messages"] = _json([message])
    if answers:
        parts = [{"type": "text", "content": answers[-1].content}]
        attributes["gen_ai.output.messages"] = _json([{"role": "assistant", "parts": parts, "finish_reason": "stop"}])
    return attributes


def _task_span(
    task: WorkflowTask, whole: Span, execution_id: str, times: tuple[datetime, datetime], with_content: bool
) -> Span:
    above = _text(task.metadata, "parent")
    kind = _text(task.metadata, "kind")
    attributes: Attributes = {"stigmer.task.path": task.task_id, "stigmer.task.kind": kind}
    method = _text(task.input, "method")
    is_request = method != ""
    if is_request:
        attributes["http.request.method"] = method
    if with_content:
        attributes["stigmer.task.input"] = _json(to_data(task.input))
        attributes["stigmer.task.output"] = _json(to_data(task.output))
    error_type = ""
    if task.status == WorkflowTaskStatus.WORKFLOW_TASK_FAILED:
        error_type = _text(task.metadata, "error_type") or UNKNOWN_ERROR
    elif task.status == WorkflowTaskStatus.WORKFLOW_TASK_SKIPPED:
        error_type = "cancelled"
    return Span(
        f"task {task.task_id}",
        whole.trace_id,
        span_id(execution_id, task_part(task.task_id)),
        span_id(execution_id, task_part(above)) if above else whole.span_id,
        *times,
        attributes,
        is_request,
        error_type,
        task.error if with_content else "",
    )


def _model_spans(execution: AgentExecution, whole: Span) -> Iterator[Span]:
    for call in read_model_calls(execution.metadata.annotations):
        times = _times(call.asked_at, call.ended_at, whole.ended_at)
        if times is None:
            continue
        provider, _, model = call.model.partition(" ")
        attributes: Attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": model or provider,
            "gen_ai.usage.input_tokens": call.input_tokens,
            "gen_ai.usage.cache_read.input_tokens": call.cached_tokens,
            "gen_ai.usage.output_tokens": call.output_tokens,
        }
        if call.HasField("cost"):
            attributes["stigmer.cost.usd"] = call.cost
        yield Span(
            f"chat {model or provider}",
            whole.trace_id,
            span_id(execution.metadata.id, f"model/{call.id}"),
            whole.span_id,
            *times,
            attributes,
            is_client=True,
        )


def _tool_span(
    call: ToolCall, whole: Span, execution_id: str, times: tuple[datetime, datetime], with_content: bool
) -> Span:
    attributes: Attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": call.name,
        "gen_ai.tool.call.id": call.id,
    }
    if with_content:
        attributes["gen_ai.tool.call.arguments"] = _json(to_data(call.args))
        attributes["gen_ai.tool.call.result"] = call.result
    has_failed = call.status == ToolCallStatus.TOOL_CALL_FAILED
    return Span(
        f"execute_tool {call.name}",
        whole.trace_id,
        span_id(execution_id, _tool_part(call)),
        whole.span_id,
        *times,
        attributes,
        error_type=UNKNOWN_ERROR if has_failed else "",
        error=call.error if with_content else "",
    )


def _tool_part(call: ToolCall) -> str:
    return f"tool/{call.id}"


def _times(started: str, ended: str, whole_ended: datetime) -> tuple[datetime, datetime] | None:
    """None for what never began; what had no end ended with the execution."""
    started_at = parse_timestamp(started)
    if started_at is None:
        return None
    ended_at = parse_timestamp(ended) or whole_ended
    return started_at, max(started_at, ended_at)


def _text(values: Struct, name: str) -> str:
    """A string of a Struct; empty where there is none."""
    return str(values.fields[name].string_value) if name in values.fields else ""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
