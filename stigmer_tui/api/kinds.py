"""The kinds of resources on the wire, with the names and id prefixes that go with them."""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.message import Message

from stigmer_tui.api.agent_execution_pb2 import AgentExecution
from stigmer_tui.api.agent_instance_pb2 import AgentInstance
from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.api_resource_kind_pb2 import ApiResourceKind
from stigmer_tui.api.environment_pb2 import Environment
from stigmer_tui.api.execution_context_pb2 import ExecutionContext
from stigmer_tui.api.session_pb2 import Session
from stigmer_tui.api.skill_pb2 import Skill
from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecution
from stigmer_tui.api.workflow_instance_pb2 import WorkflowInstance
from stigmer_tui.api.workflow_pb2 import Workflow
from stigmer_tui.core.ids import Prefix

API_VERSION = "agentic.stigmer.ai/v1"


@dataclass(frozen=True, slots=True)
class Kind:
    number: ApiResourceKind.ValueType
    name: str
    """As it stands in the `kind` field."""
    noun: str
    """As people say it."""
    prefix: Prefix
    message: type[Message]


def _kind(number: ApiResourceKind.ValueType, prefix: Prefix, message: type[Message]) -> Kind:
    noun = ApiResourceKind.Name(number).replace("_", " ")
    return Kind(number, message.DESCRIPTOR.name, noun, prefix, message)


AGENT = _kind(ApiResourceKind.agent, Prefix.AGENT, Agent)
AGENT_EXECUTION = _kind(ApiResourceKind.agent_execution, Prefix.AGENT_EXECUTION, AgentExecution)
AGENT_INSTANCE = _kind(ApiResourceKind.agent_instance, Prefix.AGENT_INSTANCE, AgentInstance)
ENVIRONMENT = _kind(ApiResourceKind.environment, Prefix.ENVIRONMENT, Environment)
EXECUTION_CONTEXT = _kind(ApiResourceKind.execution_context, Prefix.EXECUTION_CONTEXT, ExecutionContext)
SESSION = _kind(ApiResourceKind.session, Prefix.SESSION, Session)
SKILL = _kind(ApiResourceKind.skill, Prefix.SKILL, Skill)
WORKFLOW = _kind(ApiResourceKind.workflow, Prefix.WORKFLOW, Workflow)
WORKFLOW_EXECUTION = _kind(ApiResourceKind.workflow_execution, Prefix.WORKFLOW_EXECUTION, WorkflowExecution)
WORKFLOW_INSTANCE = _kind(ApiResourceKind.workflow_instance, Prefix.WORKFLOW_INSTANCE, WorkflowInstance)

AUTHORED = (WORKFLOW, AGENT, WORKFLOW_INSTANCE, AGENT_INSTANCE, ENVIRONMENT, SKILL)
"""The kinds that people write, in the order of lists; executions and sessions come of using them."""
