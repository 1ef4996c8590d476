"""updateStatus as existing runners use it: lists replace lists, what is empty is left alone.

See `docs/compatibility.md` 126.
"""

from __future__ import annotations

import copy

from stigmer_tui.api.agent_execution_pb2 import AgentExecution, AgentExecutionStatus
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecution, WorkflowExecutionStatus


def merge_agent_status(execution: AgentExecution, sent: AgentExecutionStatus) -> AgentExecution:
    merged = copy.deepcopy(execution)
    status = merged.status
    for name in ("messages", "tool_calls", "sub_agent_executions"):
        if getattr(sent, name):
            status.ClearField(name)
            getattr(status, name).extend(getattr(sent, name))
    if sent.todos:
        status.ClearField("todos")
        for key, todo in sent.todos.items():
            status.todos[key].CopyFrom(todo)
    _merge_head(status, sent)
    return merged


def merge_workflow_status(execution: WorkflowExecution, sent: WorkflowExecutionStatus) -> WorkflowExecution:
    merged = copy.deepcopy(execution)
    status = merged.status
    if sent.tasks:
        status.ClearField("tasks")
        status.tasks.extend(sent.tasks)
    if sent.HasField("output"):
        status.output.CopyFrom(sent.output)
    if sent.temporal_workflow_id:
        status.temporal_workflow_id = sent.temporal_workflow_id
    _merge_head(status, sent)
    return merged


def _merge_head(
    status: AgentExecutionStatus | WorkflowExecutionStatus, sent: AgentExecutionStatus | WorkflowExecutionStatus
) -> None:
    # A run never goes back to waiting for its start.
    if sent.phase > Phase.PENDING:
        status.phase = sent.phase
    for name in ("error", "started_at", "completed_at"):
        if value := getattr(sent, name):
            setattr(status, name, value)
