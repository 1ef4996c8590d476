"""From the messages of the wire to the plain data that the faces draw."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from stigmer_tui.api import agent_execution_pb2 as agents
from stigmer_tui.api import catalogue_pb2 as catalogues
from stigmer_tui.api import daemon_pb2 as daemons
from stigmer_tui.api import execution_pb2 as deltas
from stigmer_tui.api import workflow_execution_pb2 as workflows
from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.execution_pb2 import AgentExecutionDelta, FollowResponse, MessageDelta, WorkflowExecutionDelta
from stigmer_tui.api.kinds import AGENT
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.structs import to_data
from stigmer_tui.api.workflow_pb2 import Workflow
from stigmer_tui.core.clock import parse_timestamp
from stigmer_tui.core.run_variable import RunVariable
from stigmer_tui.workbench.daemon_state import Component, ComponentState, DaemonState
from stigmer_tui.workbench.model import (
    Execution,
    Message,
    ModelWait,
    Resource,
    ResourceKind,
    Role,
    Run,
    RunState,
    Task,
    ToolCall,
)

PHASES = {
    Phase.UNSPECIFIED: RunState.PENDING,
    Phase.PENDING: RunState.PENDING,
    Phase.IN_PROGRESS: RunState.RUNNING,
    Phase.COMPLETED: RunState.COMPLETED,
    Phase.FAILED: RunState.FAILED,
    Phase.CANCELLED: RunState.CANCELLED,
}

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

ROLES = {
    agents.MESSAGE_HUMAN: Role.HUMAN,
    agents.MESSAGE_AI: Role.AGENT,
    agents.MESSAGE_TOOL: Role.TOOL,
}

TASK_KINDS = {
    workflows.WORKFLOW_TASK_API_CALL: "http",
    workflows.WORKFLOW_TASK_AGENT_INVOCATION: "agent",
    workflows.WORKFLOW_TASK_CONDITIONAL: "switch",
    workflows.WORKFLOW_TASK_PARALLEL: "fork",
    workflows.WORKFLOW_TASK_TRANSFORM: "set",
}
"""For tasks of servers that do not tell the kind itself."""

COMPONENT_STATES = {
    daemons.Component.STARTING: ComponentState.STARTING,
    daemons.Component.READY: ComponentState.READY,
    daemons.Component.BUSY: ComponentState.BUSY,
    daemons.Component.RESTARTING: ComponentState.RESTARTING,
    daemons.Component.FAILED: ComponentState.FAILED,
    daemons.Component.STOPPED: ComponentState.STOPPED,
}


def take_response(execution: Execution, response: FollowResponse) -> None:
    """Brings an execution up to the version of the response."""
    match response.WhichOneof("change"):
        case "agent_snapshot":
            execution.waiting = _wait(response.waiting)
            _take_agent_snapshot(execution, response.agent_snapshot)
        case "workflow_snapshot":
            _take_workflow_snapshot(execution, response.workflow_snapshot)
        case "agent_delta":
            _take_agent_delta(execution, response.agent_delta)
        case "workflow_delta":
            _take_workflow_delta(execution, response.workflow_delta)


def execution_of(created: agents.AgentExecution | workflows.WorkflowExecution, resource: str) -> Execution:
    """An execution that was just created, or read; `resource` is the slug of what it runs."""
    if isinstance(created, agents.AgentExecution):
        execution = Execution(ResourceKind.AGENT, created.metadata.id, resource)
        _take_agent_snapshot(execution, created)
    else:
        execution = Execution(ResourceKind.WORKFLOW, created.metadata.id, resource)
        _take_workflow_snapshot(execution, created)
    return execution


def resource_of(stored: Agent | Workflow) -> Resource:
    metadata = stored.metadata
    return Resource(
        kind=ResourceKind.AGENT if isinstance(stored, Agent) else ResourceKind.WORKFLOW,
        id=metadata.id,
        slug=metadata.slug,
        name=metadata.name,
        organization=metadata.org,
        description=stored.spec.description,
    )


def listed_resource(listed: catalogues.Resource) -> Resource:
    return Resource(
        kind=_resource_kind(listed.kind),
        id=listed.id,
        slug=listed.slug,
        name=listed.name,
        organization=listed.org,
        description=listed.description,
        variables=tuple(
            RunVariable(
                name=variable.name,
                description=variable.description,
                default=variable.default_value,
                is_secret=variable.is_secret,
                has_value=variable.has_value,
                used_by=tuple(variable.used_by),
            )
            for variable in listed.variables
        ),
        updated_at=parse_timestamp(listed.updated_at),
        project=listed.project,
    )


def listed_run(listed: catalogues.Run) -> Run:
    return Run(
        kind=_resource_kind(listed.kind),
        id=listed.id,
        resource_id=listed.resource_id,
        resource=listed.resource_slug,
        state=PHASES[Phase(listed.phase)],
        message=listed.message,
        created_at=parse_timestamp(listed.created_at),
        started_at=parse_timestamp(listed.started_at),
        completed_at=parse_timestamp(listed.completed_at),
        error=listed.error,
    )


def daemon_state(status: daemons.Status) -> DaemonState:
    return DaemonState(
        connected=True,
        address=status.address,
        version=status.version,
        home=status.home,
        requires_token=status.requires_token,
        started_at=_moment(status.started_at),
        model=status.model,
        sandbox=status.sandbox,
        secrets=status.secrets,
        running=status.running,
        components=tuple(_component(component) for component in status.components),
    )


def _component(component: daemons.Component) -> Component:
    state = COMPONENT_STATES.get(component.state, ComponentState.STARTING)
    if component.detail and state in (ComponentState.READY, ComponentState.BUSY):
        state = ComponentState.WAITING
    return Component(
        name=component.name,
        state=state,
        pid=component.pid,
        memory=component.memory_bytes,
        cpu=component.cpu_percent,
        started_at=_moment(component.started_at),
        restarts=component.restarts,
        detail=component.detail,
    )


def _take_agent_snapshot(execution: Execution, snapshot: agents.AgentExecution) -> None:
    execution.message = snapshot.spec.message
    execution.created_at = _moment(snapshot.status.audit.spec_audit.created_at)
    _take_head(execution, snapshot.status)
    # A message says where its calls stand, so it comes before them.
    for index, message in enumerate(snapshot.status.messages):
        execution.put_message(index, _message(message))
    for call in snapshot.status.tool_calls:
        execution.put_call(_call(call))
    execution.touch()


def _take_agent_delta(execution: Execution, delta: AgentExecutionDelta) -> None:
    for change in delta.messages:
        _take_message(execution, change)
    for call in delta.tool_calls:
        execution.put_call(_call(call))
    if delta.HasField("waiting"):
        execution.waiting = _wait(delta.waiting)
        execution.touch()
    if delta.HasField("phase"):
        _take_head(execution, delta)
        execution.touch()


def _take_message(execution: Execution, change: MessageDelta) -> None:
    if change.HasField("message"):
        execution.put_message(change.index, _message(change.message))
    elif change.index < len(execution.messages):
        known = execution.messages[change.index]
        text = known.text[: change.tail.keep] + change.tail.text
        execution.put_message(change.index, replace(known, text=text))


def _take_workflow_snapshot(execution: Execution, snapshot: workflows.WorkflowExecution) -> None:
    execution.message = snapshot.spec.trigger_message
    execution.created_at = _moment(snapshot.status.audit.spec_audit.created_at)
    _take_head(execution, snapshot.status)
    if snapshot.status.HasField("output"):
        execution.output = to_data(snapshot.status.output)
    for task in snapshot.status.tasks:
        execution.put_task(_task(task))
    execution.touch()


def _take_workflow_delta(execution: Execution, delta: WorkflowExecutionDelta) -> None:
    for task in delta.tasks:
        execution.put_task(_task(task))
    if delta.HasField("output"):
        execution.output = to_data(delta.output)
        execution.touch()
    if delta.HasField("phase"):
        _take_head(execution, delta)
        execution.touch()


def _take_head(execution: Execution, source: Any) -> None:
    execution.state = PHASES[Phase(source.phase)]
    execution.error = source.error
    execution.started_at = parse_timestamp(source.started_at)
    execution.completed_at = parse_timestamp(source.completed_at)
    if execution.state.is_final:
        execution.waiting = None


def _wait(waiting: deltas.ModelWait) -> ModelWait | None:
    if not waiting.model:
        return None
    return ModelWait(waiting.model, parse_timestamp(waiting.since), waiting.reason)


def _message(message: agents.AgentMessage) -> Message:
    return Message(
        role=ROLES.get(message.type, Role.SYSTEM),
        text=message.content,
        at=parse_timestamp(message.timestamp),
        calls=tuple(call.id for call in message.tool_calls),
        model=to_data(message.metadata).get("model", "") if message.HasField("metadata") else "",
    )


def _call(call: agents.ToolCall) -> ToolCall:
    return ToolCall(
        id=call.id,
        name=call.name,
        arguments=to_data(call.args),
        state=CALL_STATES.get(call.status, RunState.PENDING),
        result=call.result,
        error=call.error,
        started_at=parse_timestamp(call.started_at),
        completed_at=parse_timestamp(call.completed_at),
    )


def _task(task: workflows.WorkflowTask) -> Task:
    metadata = to_data(task.metadata)
    kind = str(metadata.get("kind", "")) or TASK_KINDS.get(task.task_type, "task")
    state = TASK_STATES.get(task.status, RunState.PENDING)
    if metadata.get("cancelled"):
        state = RunState.CANCELLED
    elif kind == "wait" and state is RunState.RUNNING:
        state = RunState.WAITING
    return Task(
        id=task.task_id or task.task_name,
        name=task.task_name,
        kind=kind,
        state=state,
        parent=str(metadata.get("parent", "")),
        detail=str(metadata.get("detail", "")),
        input=to_data(task.input) if task.HasField("input") else None,
        output=to_data(task.output) if task.HasField("output") else None,
        error=task.error,
        attempt=int(metadata.get("attempt", 1)),
        child=str(metadata.get("child", "")),
        started_at=parse_timestamp(task.started_at),
        completed_at=parse_timestamp(task.completed_at),
    )


def _resource_kind(number: int) -> ResourceKind:
    return ResourceKind.AGENT if number == AGENT.number else ResourceKind.WORKFLOW


def _moment(timestamp: Timestamp) -> datetime | None:
    return timestamp.ToDatetime(UTC) if timestamp.seconds else None
