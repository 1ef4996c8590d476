"""Tool calls that hand a task to a sub-agent, as executions of the sub-agents (`docs/compatibility.md` 78)."""

from __future__ import annotations

from stigmer_tui.api.agent_execution_pb2 import (
    ComponentMetadata,
    SubAgentExecution,
    SubAgentStatus,
    ToolCall,
    ToolCallStatus,
)
from stigmer_tui.api.structs import to_data, to_struct
from stigmer_tui.core.agent_tools import TASK
from stigmer_tui.definition.sub_agents import GENERAL_PURPOSE

STATUSES = {
    ToolCallStatus.TOOL_CALL_PENDING: SubAgentStatus.SUB_AGENT_PENDING,
    ToolCallStatus.TOOL_CALL_RUNNING: SubAgentStatus.SUB_AGENT_IN_PROGRESS,
    ToolCallStatus.TOOL_CALL_COMPLETED: SubAgentStatus.SUB_AGENT_COMPLETED,
    ToolCallStatus.TOOL_CALL_FAILED: SubAgentStatus.SUB_AGENT_FAILED,
}


def child_metadata(execution_id: str) -> ComponentMetadata:
    """Says which execution a call stands for."""
    return ComponentMetadata(metadata=to_struct({"child": execution_id}))


def is_sub_agent(call: ToolCall) -> bool:
    """Whether a call hands a task to a sub-agent; before its arguments are known, none does."""
    return call.name == TASK and "description" in call.args.fields


def sub_agent_of(call: ToolCall) -> SubAgentExecution:
    """The execution that such a call stands for, under the same id."""
    arguments = to_data(call.args)
    return SubAgentExecution(
        id=call.id,
        name=str(arguments.get("subagent_type", GENERAL_PURPOSE)),
        input=str(arguments["description"]),
        output=call.result,
        error=call.error,
        status=STATUSES.get(call.status, SubAgentStatus.SUB_AGENT_PENDING),
        started_at=call.started_at,
        completed_at=call.completed_at,
        metadata=call.component_metadata.metadata if call.HasField("component_metadata") else None,
    )
