"""How existing runners write an execution, and how existing clients read one (`docs/compatibility.md` 109, 126)."""

from __future__ import annotations

import copy

from stigmer_tui.api.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionStatus,
    AgentMessage,
    MessageType,
    ToolCallStatus,
)
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.workflow_execution_pb2 import (
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowTask,
    WorkflowTaskStatus,
)
from stigmer_tui.server.execution_state import AgentExecutionState, AnyState, WorkflowExecutionState


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
    # A phase never goes back to PENDING.
    if sent.phase > Phase.PENDING:
        status.phase = sent.phase
    for name in ("error", "started_at", "completed_at"):
        if value := getattr(sent, name):
            setattr(status, name, value)


ENDED_CALLS = (ToolCallStatus.TOOL_CALL_COMPLETED, ToolCallStatus.TOOL_CALL_FAILED)
ENDED_TASKS = (
    WorkflowTaskStatus.WORKFLOW_TASK_COMPLETED,
    WorkflowTaskStatus.WORKFLOW_TASK_FAILED,
    WorkflowTaskStatus.WORKFLOW_TASK_SKIPPED,
)


class AgentView:
    """Shows messages up to the first that may still change, such as streaming text or a running call."""

    def show(self, state: AgentExecutionState) -> AgentExecution:
        """The execution to send; complete once it has ended."""
        messages = state.unfinished.status.messages
        settled = 0 if not state.phase.is_final else len(messages)
        while settled < len(messages) and _is_settled(messages[settled], is_last=settled == len(messages) - 1):
            settled += 1
        if settled == len(messages):
            return state.execution
        execution = AgentExecution()
        execution.CopyFrom(state.unfinished)
        del execution.status.messages[settled:]
        return execution


class WorkflowView:
    """Shows ended tasks in the order in which they ended, so that the index of a task never changes."""

    def __init__(self) -> None:
        self._shown: dict[str, WorkflowTask] = {}

    def show(self, state: WorkflowExecutionState) -> WorkflowExecution:
        """The execution to send; with every task once it has ended."""
        for task in state.execution.status.tasks:
            key = task.task_id or task.task_name
            if key in self._shown or task.status in ENDED_TASKS or state.phase.is_final:
                self._shown[key] = task
        execution = WorkflowExecution()
        execution.CopyFrom(state.execution)
        execution.status.ClearField("tasks")
        execution.status.tasks.extend(self._shown.values())
        return execution


def settled_view(state: AnyState) -> AgentView | WorkflowView:
    return AgentView() if isinstance(state, AgentExecutionState) else WorkflowView()


def _is_settled(message: AgentMessage, is_last: bool) -> bool:
    match message.type:
        case MessageType.MESSAGE_AI:
            # The next message begins only after this text is complete.
            return not is_last
        case MessageType.MESSAGE_TOOL:
            return all(call.status in ENDED_CALLS for call in message.tool_calls)
        case _:
            return True
