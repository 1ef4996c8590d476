"""Executions on a server: create, get, cancel and delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stigmer_tui.api.agent_execution_pb2 import AgentExecution, AgentExecutionId, AgentExecutionSpec
from stigmer_tui.api.agent_execution_pb2_grpc import (
    AgentExecutionCommandControllerStub,
    AgentExecutionQueryControllerStub,
)
from stigmer_tui.api.api_resource_pb2 import ApiResourceId, ApiResourceMetadata, ApiResourceOwnerScope
from stigmer_tui.api.execution_context_pb2 import ExecutionValue
from stigmer_tui.api.execution_pb2 import CancelRequest
from stigmer_tui.api.execution_pb2_grpc import ExecutionControllerStub
from stigmer_tui.api.kinds import AGENT_EXECUTION, API_VERSION, WORKFLOW, WORKFLOW_EXECUTION, Kind
from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecution, WorkflowExecutionId, WorkflowExecutionSpec
from stigmer_tui.api.workflow_execution_pb2_grpc import (
    WorkflowExecutionCommandControllerStub,
    WorkflowExecutionQueryControllerStub,
)
from stigmer_tui.client.connection import Connection, optional
from stigmer_tui.client.errors import ServerGone
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.ids import Prefix, parse_id

DEFAULT_MESSAGE = "execute"

AnyExecution = AgentExecution | WorkflowExecution


@dataclass(frozen=True, slots=True)
class RuntimeValue:
    """A variable of a run."""

    value: str
    is_secret: bool = False


async def create(
    connection: Connection,
    kind: Kind,
    resource_id: str,
    name: str,
    message: str,
    environment: Mapping[str, RuntimeValue],
    org: str,
    session: str = "",
    annotations: Mapping[str, str] | None = None,
    tags: Sequence[str] = (),
    instance: str = "",
) -> AnyExecution:
    """Creates an execution of an agent or a workflow. `name` must be unique on an existing server, not on ours.

    `session` is the one that an agent's execution continues; empty for a new one. `instance` is that of a workflow, and
    empty for its default one; an agent's follows from the session.

    See `docs/compatibility.md` 115, 130. Raises StigmerError, and OutcomeUnknown as `Connection.create`.
    """
    runtime_env = {
        key: ExecutionValue(value=variable.value, is_secret=variable.is_secret) for key, variable in environment.items()
    }
    if kind is WORKFLOW:
        return await connection.create(
            lambda channel: WorkflowExecutionCommandControllerStub(channel).create,
            WorkflowExecution(
                api_version=API_VERSION,
                kind=WORKFLOW_EXECUTION.name,
                metadata=ApiResourceMetadata(
                    name=name,
                    org=org,
                    owner_scope=ApiResourceOwnerScope.organization,
                    annotations=annotations,
                    tags=tags,
                ),
                spec=WorkflowExecutionSpec(
                    workflow_id=resource_id,
                    workflow_instance_id=instance,
                    trigger_message=message or DEFAULT_MESSAGE,
                    runtime_env=runtime_env,
                ),
            ),
        )
    return await connection.create(
        lambda channel: AgentExecutionCommandControllerStub(channel).create,
        AgentExecution(
            api_version=API_VERSION,
            kind=AGENT_EXECUTION.name,
            # Agent executions belong to their session's owner and must not name one (`docs/compatibility.md` 113–117).
            metadata=ApiResourceMetadata(name=name, org=org, annotations=annotations, tags=tags),
            spec=AgentExecutionSpec(
                session_id=session,
                agent_id=resource_id,
                message=message or DEFAULT_MESSAGE,
                runtime_env=runtime_env,
            ),
        ),
    )


async def get(connection: Connection, execution_id: str) -> AnyExecution:
    """Reads an execution. Raises NotFound."""
    if is_agent_execution(execution_id):
        return await connection.call(
            lambda channel: AgentExecutionQueryControllerStub(channel).get, AgentExecutionId(value=execution_id)
        )
    return await connection.call(
        lambda channel: WorkflowExecutionQueryControllerStub(channel).get, WorkflowExecutionId(value=execution_id)
    )


async def cancel(connection: Connection, execution_id: str, reason: str) -> bool:
    """Requests the cancellation of an execution; False from a server that cannot cancel."""
    request = CancelRequest(execution_id=execution_id, reason=reason)
    call = connection.call(lambda channel: ExecutionControllerStub(channel).cancel, request)
    return await optional(call) is not None


async def delete(connection: Connection, execution_id: str) -> None:
    """Deletes an execution; one that is under way is cancelled first. Raises NotFound."""
    request = ApiResourceId(value=execution_id)
    if is_agent_execution(execution_id):
        await connection.call(lambda channel: AgentExecutionCommandControllerStub(channel).delete, request)
    else:
        await connection.call(lambda channel: WorkflowExecutionCommandControllerStub(channel).delete, request)


async def can_cancel(connection: Connection) -> bool:
    """Whether the server can cancel: one that can refuses an empty request."""
    call = connection.call(lambda channel: ExecutionControllerStub(channel).cancel, CancelRequest())
    try:
        return await optional(call) is not None
    except ServerGone:
        raise
    except StigmerError:
        return True


def resource_of(execution: AnyExecution) -> str:
    """The id of an execution's agent or workflow."""
    return execution.spec.agent_id if isinstance(execution, AgentExecution) else execution.spec.workflow_id


def is_execution(reference: str) -> bool:
    """Whether a reference is the id of an execution, not the name or id of a resource."""
    parsed = parse_id(reference)
    return parsed is not None and parsed[0] in (Prefix.AGENT_EXECUTION, Prefix.WORKFLOW_EXECUTION)


def is_session(reference: str) -> bool:
    """Whether a reference is the id of a session."""
    parsed = parse_id(reference)
    return parsed is not None and parsed[0] is Prefix.SESSION


def is_agent_execution(execution_id: str) -> bool:
    """Whether it is the execution of an agent, not of a workflow."""
    parsed = parse_id(execution_id)
    return parsed is not None and parsed[0] is Prefix.AGENT_EXECUTION
