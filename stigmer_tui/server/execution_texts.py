"""What there is to read in an execution, for whoever searches it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from stigmer_tui.api.agent_execution_pb2 import (
    MESSAGE_AI,
    MESSAGE_HUMAN,
    MESSAGE_TOOL,
    AgentExecution,
    SubAgentExecution,
    ToolCall,
)
from stigmer_tui.api.structs import to_data
from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecution

SPEAKERS = {MESSAGE_HUMAN: "You", MESSAGE_AI: "Agent"}


class SourcedText(NamedTuple):
    source: str
    """Who said it, or which tool or task it is of."""
    text: str


def texts_of(execution: AgentExecution | WorkflowExecution) -> Iterator[SourcedText]:
    """In the order in which a person reads them."""
    if isinstance(execution, AgentExecution):
        yield from _agent_texts(execution)
    else:
        yield from _workflow_texts(execution)
    yield SourcedText("error", execution.status.error)


def _agent_texts(execution: AgentExecution) -> Iterator[SourcedText]:
    status = execution.status
    if not any(message.type == MESSAGE_HUMAN for message in status.messages):
        yield SourcedText("You", execution.spec.message)
    for message in status.messages:
        # That of a tool stands for its call.
        if message.type != MESSAGE_TOOL:
            yield SourcedText(SPEAKERS.get(message.type, ""), message.content)
    for call in status.tool_calls:
        yield from _call_texts(call)
    for sub_agent in status.sub_agent_executions:
        yield from _sub_agent_texts(sub_agent)
    for todo in status.todos.values():
        yield SourcedText("to do", todo.content)


def _call_texts(call: ToolCall) -> Iterator[SourcedText]:
    yield SourcedText("", call.name)
    for text in (*_strings(to_data(call.args)), call.result, call.error):
        yield SourcedText(call.name, text)


def _sub_agent_texts(sub_agent: SubAgentExecution) -> Iterator[SourcedText]:
    for text in (sub_agent.input, sub_agent.output, sub_agent.error):
        yield SourcedText(sub_agent.name, text)


def _workflow_texts(execution: WorkflowExecution) -> Iterator[SourcedText]:
    yield SourcedText("You", execution.spec.trigger_message)
    for task in execution.status.tasks:
        yield SourcedText("", task.task_name)
        for text in (*_strings(to_data(task.input)), *_strings(to_data(task.output)), task.error):
            yield SourcedText(task.task_name, text)
    for text in _strings(to_data(execution.status.output)):
        yield SourcedText("output", text)


def _strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for key, item in value.items():
                yield key
                yield from _strings(item)
        case list():
            for item in value:
                yield from _strings(item)
