"""What the wire says of an execution, as deltas of its tree."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from stigmer_tui.api import agent_execution_pb2 as agents
from stigmer_tui.api import execution_pb2 as follows
from stigmer_tui.api import model_call_pb2 as model_calls
from stigmer_tui.api import workflow_execution_pb2 as workflows
from stigmer_tui.api.approvals import is_waiting
from stigmer_tui.api.call_outputs import LEFT_OUT
from stigmer_tui.api.model_calls import read_model_calls
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.structs import to_data
from stigmer_tui.core.clock import parse_timestamp
from stigmer_tui.definition.extensions import CODE, FILES, TASK, replaced_in
from stigmer_tui.definition.sub_agent_calls import is_sub_agent, sub_agent_of
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, RunState
from stigmer_tui.workbench.model_requests import SentRequest
from stigmer_tui.workbench.nodes import (
    Delta,
    GrowMessage,
    GrowOutput,
    Message,
    ModelWait,
    Node,
    NodeKey,
    NodeKind,
    Origin,
    OriginKind,
    PutMessage,
    PutNode,
    Role,
)
from stigmer_tui.workbench.translation import PHASES, moment
from stigmer_tui.workbench.usage import ModelCall, Usage

TASK_STATES = {
    workflows.WORKFLOW_TASK_IN_PROGRESS: RunState.RUNNING,
    workflows.WORKFLOW_TASK_COMPLETED: RunState.COMPLETED,
    workflows.WORKFLOW_TASK_FAILED: RunState.FAILED,
    workflows.WORKFLOW_TASK_SKIPPED: RunState.SKIPPED,
}

CALL_STATES = {
    agents.TOOL_CALL_RUNNING: RunState.RUNNING,
    agents.TOOL_CALL_COMPLETED: RunState.COMPLETED,
    agents.TOOL_CALL_FAILED: RunState.FAILED,
}

SUB_AGENT_STATES = {
    agents.SUB_AGENT_IN_PROGRESS: RunState.RUNNING,
    agents.SUB_AGENT_COMPLETED: RunState.COMPLETED,
    agents.SUB_AGENT_FAILED: RunState.FAILED,
}

ROLES = {
    agents.MESSAGE_HUMAN: Role.HUMAN,
    agents.MESSAGE_AI: Role.AGENT,
    agents.MESSAGE_TOOL: Role.TOOL,
}

TASK_TYPES = {
    workflows.WORKFLOW_TASK_API_CALL: "http",
    workflows.WORKFLOW_TASK_AGENT_INVOCATION: "agent",
    workflows.WORKFLOW_TASK_CONDITIONAL: "switch",
    workflows.WORKFLOW_TASK_PARALLEL: "fork",
    workflows.WORKFLOW_TASK_TRANSFORM: "set",
}
"""For tasks of servers that do not say it themselves."""

ORIGINS = frozenset(OriginKind)


def take_response(execution: Execution, response: follows.FollowResponse, run: NodeKey | None = None) -> None:
    """Brings a run of the execution up to the version of the response; without a key, the root."""
    for delta in deltas_of(response, run or execution.root_key, execution.node(run or execution.root_key)):
        execution.apply(delta)


def execution_of(stored: agents.AgentExecution | workflows.WorkflowExecution, resource: str) -> Execution:
    """An execution that was just created, or read; `resource` is the slug of what it runs."""
    if isinstance(stored, agents.AgentExecution):
        metadata = stored.metadata
        task = metadata.annotations.get(TASK, "")
        execution = Execution(
            ResourceKind.TASK if task else ResourceKind.AGENT,
            metadata.id,
            task or resource,
            session=stored.spec.session_id,
            code=metadata.annotations.get(CODE, ""),
            replaces=replaced_in(metadata.annotations),
            files=metadata.annotations.get(FILES, ""),
        )
        deltas = _agent_snapshot(stored, execution.root_key, execution.root)
    else:
        execution = Execution(ResourceKind.WORKFLOW, stored.metadata.id, resource)
        deltas = _workflow_snapshot(stored, execution.root_key, execution.root)
    for delta in deltas:
        execution.apply(delta)
    return execution


def deltas_of(response: follows.FollowResponse, key: NodeKey, run: Node) -> Iterator[Delta]:
    """`run` is the run that the response is about as it is known so far, at its key."""
    match response.WhichOneof("change"):
        case "agent_snapshot":
            waiting = _model_wait(response.waiting)
            yield from _agent_snapshot(response.agent_snapshot, key, replace(run, waiting=waiting))
        case "workflow_snapshot":
            yield from _workflow_snapshot(response.workflow_snapshot, key, run)
        case "agent_delta":
            yield from _agent_delta(response.agent_delta, key, run)
        case "workflow_delta":
            yield from _workflow_delta(response.workflow_delta, key, run)


def _agent_snapshot(snapshot: agents.AgentExecution, key: NodeKey, run: Node) -> Iterator[Delta]:
    status = snapshot.status
    created_at = moment(status.audit.spec_audit.created_at)
    usage = Usage(tuple(map(model_call_of, read_model_calls(snapshot.metadata.annotations))))
    run = replace(_run(run, status), input=snapshot.spec.message, created_at=created_at, usage=usage)
    yield PutNode(run, key[:-1])
    for index, message in enumerate(status.messages):
        yield PutMessage(index, _message(message), key)
    for sub_agent in status.sub_agent_executions:
        yield PutNode(_sub_agent(sub_agent), key)
    for call in status.tool_calls:
        yield PutNode(_call(call), key)


def _agent_delta(delta: follows.AgentExecutionDelta, key: NodeKey, known: Node) -> Iterator[Delta]:
    for change in delta.messages:
        if change.HasField("message"):
            yield PutMessage(change.index, _message(change.message), key)
        else:
            yield GrowMessage(change.index, change.tail.keep, change.tail.text, key)
    for sub_agent in delta.sub_agents:
        yield PutNode(_sub_agent(sub_agent), key)
    for call in delta.tool_calls:
        yield PutNode(_call(call), key)
    for output in delta.outputs:
        yield GrowOutput(output.call_id, output.before, output.text, key)
    run = known
    if delta.model_calls:
        run = replace(run, usage=run.usage.with_calls(map(model_call_of, delta.model_calls)))
    if delta.HasField("waiting"):
        run = replace(run, waiting=_model_wait(delta.waiting))
    if delta.HasField("phase"):
        run = _run(run, delta)
    if run is not known:
        yield PutNode(run, key[:-1])


def _workflow_snapshot(snapshot: workflows.WorkflowExecution, key: NodeKey, run: Node) -> Iterator[Delta]:
    status = snapshot.status
    created_at = moment(status.audit.spec_audit.created_at)
    run = replace(_run(run, status), input=snapshot.spec.trigger_message, created_at=created_at)
    yield PutNode(replace(run, output=to_data(status.output)) if status.HasField("output") else run, key[:-1])
    for task in status.tasks:
        yield PutNode(_task(task), key)


def _workflow_delta(delta: follows.WorkflowExecutionDelta, key: NodeKey, known: Node) -> Iterator[Delta]:
    for task in delta.tasks:
        yield PutNode(_task(task), key)
    run = known
    if delta.HasField("output"):
        run = replace(run, output=to_data(delta.output))
    if delta.HasField("phase"):
        run = _run(run, delta)
    if run is not known:
        yield PutNode(run, key[:-1])


def _run(run: Node, source: Any) -> Node:
    """With the state that a status or a delta has."""
    state = PHASES[Phase(source.phase)]
    return replace(
        run,
        state=state,
        error=source.error,
        started_at=parse_timestamp(source.started_at),
        completed_at=parse_timestamp(source.completed_at),
        waiting=None if state.is_final else run.waiting,
    )


def _model_wait(waiting: follows.ModelWait) -> ModelWait | None:
    if not waiting.model:
        return None
    return ModelWait(waiting.model, parse_timestamp(waiting.since), waiting.reason)


def model_call_of(call: model_calls.ModelCall) -> ModelCall:
    """An answer of a model as people see it."""
    return ModelCall(
        id=call.id,
        model=call.model,
        asked_at=parse_timestamp(call.asked_at),
        ended_at=parse_timestamp(call.ended_at),
        input_tokens=call.input_tokens,
        cached_tokens=call.cached_tokens,
        output_tokens=call.output_tokens,
        cost=call.cost if call.HasField("cost") else None,
        context_window=call.context_window,
    )


def sent_request_of(request: model_calls.ModelRequest) -> SentRequest:
    """A kept request as people see it."""
    return SentRequest(
        model_call_of(request.call),
        json.loads(request.body),
        request.body,
        request.url,
        request.key_variable,
        dict(request.headers),
    )


def _message(message: agents.AgentMessage) -> Message:
    metadata = to_data(message.metadata) if message.HasField("metadata") else {}
    return Message(
        role=ROLES.get(message.type, Role.SYSTEM),
        text=message.content,
        at=parse_timestamp(message.timestamp),
        calls=tuple(call.id for call in message.tool_calls),
        model=metadata.get("model", ""),
        is_summary="summary" in metadata,
        is_reasoning="reasoning" in metadata,
        files=tuple(map(str, metadata.get("files", ()))),
    )


def _call(call: agents.ToolCall) -> Node:
    node = _sub_agent(sub_agent_of(call)) if is_sub_agent(call) else _tool_call(call)
    return replace(node, state=RunState.WAITING) if is_waiting(call) else node


def _tool_call(call: agents.ToolCall) -> Node:
    metadata = to_data(call.component_metadata.metadata) if call.HasField("component_metadata") else {}
    return Node(
        id=call.id,
        kind=NodeKind.TOOL_CALL,
        name=call.name,
        state=CALL_STATES.get(call.status, RunState.PENDING),
        parent=_text(metadata, "parent"),
        input=to_data(call.args),
        output=call.result,
        left_out=int(metadata.get(LEFT_OUT, 0)),
        error=call.error,
        child=_text(metadata, "child"),
        origin=_origin(metadata),
        started_at=parse_timestamp(call.started_at),
        completed_at=parse_timestamp(call.completed_at),
    )


def _sub_agent(sub_agent: agents.SubAgentExecution) -> Node:
    metadata = to_data(sub_agent.metadata) if sub_agent.HasField("metadata") else {}
    return Node(
        id=sub_agent.id,
        kind=NodeKind.SUB_AGENT,
        name=sub_agent.name,
        type="agent",
        state=SUB_AGENT_STATES.get(sub_agent.status, RunState.PENDING),
        parent=_text(metadata, "parent"),
        detail=_text(metadata, "detail"),
        input=sub_agent.input or None,
        output=sub_agent.output or None,
        error=sub_agent.error,
        child=_text(metadata, "child"),
        origin=_origin(metadata),
        started_at=parse_timestamp(sub_agent.started_at),
        completed_at=parse_timestamp(sub_agent.completed_at),
    )


def _task(task: workflows.WorkflowTask) -> Node:
    metadata = to_data(task.metadata)
    state = TASK_STATES.get(task.status, RunState.PENDING)
    if metadata.get("cancelled"):
        state = RunState.CANCELLED
    elif metadata.get("waits") and state is RunState.RUNNING:
        state = RunState.WAITING
    return Node(
        id=task.task_id or task.task_name,
        kind=NodeKind.TASK,
        name=task.task_name,
        type=_text(metadata, "kind") or TASK_TYPES.get(task.task_type, "task"),
        state=state,
        parent=_text(metadata, "parent"),
        detail=_text(metadata, "detail"),
        input=to_data(task.input) if task.HasField("input") else None,
        output=to_data(task.output) if task.HasField("output") else None,
        error=task.error,
        attempt=int(metadata.get("attempt", 1)),
        child=_text(metadata, "child"),
        origin=_origin(metadata),
        started_at=parse_timestamp(task.started_at),
        completed_at=parse_timestamp(task.completed_at),
    )


def _text(metadata: Mapping[str, Any], name: str) -> str:
    return str(metadata.get(name, ""))


def _origin(metadata: Mapping[str, Any]) -> Origin | None:
    kind = _text(metadata, "origin")
    return Origin(OriginKind(kind), _text(metadata, "origin_execution")) if kind in ORIGINS else None
