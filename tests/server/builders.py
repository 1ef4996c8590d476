"""Messages as clients send them."""

from __future__ import annotations

from collections.abc import Mapping

from stigmer_tui.api.agent_execution_pb2 import AgentExecution, AgentExecutionSpec
from stigmer_tui.api.agent_pb2 import Agent, AgentSpec
from stigmer_tui.api.api_resource_pb2 import ApiResourceMetadata, ApiResourceOwnerScope
from stigmer_tui.api.api_resource_pb2 import WorkflowTaskKind as TaskKind
from stigmer_tui.api.environment_pb2 import Environment, EnvironmentSpec, EnvironmentValue
from stigmer_tui.api.execution_context_pb2 import ExecutionValue
from stigmer_tui.api.kinds import API_VERSION
from stigmer_tui.api.session_pb2 import Session, SessionSpec
from stigmer_tui.api.structs import to_struct
from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecution, WorkflowExecutionSpec
from stigmer_tui.api.workflow_pb2 import Workflow, WorkflowDocument, WorkflowSpec, WorkflowTask

ORGANIZATION = ApiResourceOwnerScope.organization
PLATFORM = ApiResourceOwnerScope.platform


def metadata(
    name: str, org: str = "local", scope: ApiResourceOwnerScope.ValueType = ORGANIZATION, **fields: str
) -> ApiResourceMetadata:
    return ApiResourceMetadata(name=name, org=org, owner_scope=scope, **fields)  # type: ignore[arg-type]


def agent(name: str = "helper", instructions: str = "Answer in one sentence.", **fields: object) -> Agent:
    return Agent(
        api_version=API_VERSION,
        kind="Agent",
        metadata=metadata(name, **fields),  # type: ignore[arg-type]
        spec=AgentSpec(instructions=instructions),
    )


def workflow(name: str = "tally", **fields: object) -> Workflow:
    task = WorkflowTask(
        name="greet", kind=TaskKind.WORKFLOW_TASK_KIND_SET, task_config=to_struct({"variables": {"word": "hello"}})
    )
    return Workflow(
        api_version=API_VERSION,
        kind="Workflow",
        metadata=metadata(name, **fields),  # type: ignore[arg-type]
        spec=WorkflowSpec(
            document=WorkflowDocument(dsl="1.0.0", namespace="demo", name=name, version="0.1.0"), tasks=[task]
        ),
    )


def environment(name: str, data: Mapping[str, tuple[str, bool]]) -> Environment:
    values = {key: EnvironmentValue(value=value, is_secret=secret) for key, (value, secret) in data.items()}
    return Environment(
        api_version=API_VERSION, kind="Environment", metadata=metadata(name), spec=EnvironmentSpec(data=values)
    )


def agent_run(agent_id: str = "", message: str = "execute", name: str = "run", **spec: object) -> AgentExecution:
    return AgentExecution(
        api_version=API_VERSION,
        kind="AgentExecution",
        metadata=ApiResourceMetadata(name=name, org="local"),
        spec=AgentExecutionSpec(agent_id=agent_id, message=message, **spec),  # type: ignore[arg-type]
    )


def workflow_run(workflow_id: str = "", name: str = "run", **spec: object) -> WorkflowExecution:
    return WorkflowExecution(
        api_version=API_VERSION,
        kind="WorkflowExecution",
        metadata=metadata(name),
        spec=WorkflowExecutionSpec(workflow_id=workflow_id, trigger_message="execute", **spec),  # type: ignore[arg-type]
    )


def session_with(instance_id: str) -> Session:
    spec = SessionSpec(agent_instance_id=instance_id)
    return Session(api_version=API_VERSION, kind="Session", metadata=metadata(f"with {instance_id}"), spec=spec)


def values(**variables: str) -> dict[str, ExecutionValue]:
    """A name that ends in _SECRET is one."""
    return {name: ExecutionValue(value=value, is_secret=name.endswith("_SECRET")) for name, value in variables.items()}
