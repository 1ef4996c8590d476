"""What a plain subscriber is shown of an execution under way: existing clients print each message and each task once,
by its index, so one is shown when nothing will change in it any more (`docs/compatibility.md` 109).
"""

from __future__ import annotations

from stigmer_tui.api.agent_execution_pb2 import AgentExecution, AgentMessage, MessageType, ToolCallStatus
from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecution, WorkflowTask, WorkflowTaskStatus
from stigmer_tui.server.execution_state import AgentExecutionState, AnyState, WorkflowExecutionState

ENDED_CALLS = (ToolCallStatus.TOOL_CALL_COMPLETED, ToolCallStatus.TOOL_CALL_FAILED)
ENDED_TASKS = (
    WorkflowTaskStatus.WORKFLOW_TASK_COMPLETED,
    WorkflowTaskStatus.WORKFLOW_TASK_FAILED,
    WorkflowTaskStatus.WORKFLOW_TASK_SKIPPED,
)


class AgentView:
    """The messages up to the first that may still change: the text that the model is saying, a call under way."""

    def show(self, state: AgentExecutionState) -> AgentExecution:
        """As it is to be sent. Everything, once the execution has ended."""
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
    """The tasks that have ended, in the order in which this subscriber learned of it: an index never means another."""

    def __init__(self) -> None:
        self._shown: dict[str, WorkflowTask] = {}

    def show(self, state: WorkflowExecutionState) -> WorkflowExecution:
        """As it is to be sent. Every task, once the execution has ended."""
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
            # What follows it was begun when its text was complete.
            return not is_last
        case MessageType.MESSAGE_TOOL:
            return all(call.status in ENDED_CALLS for call in message.tool_calls)
        case _:
            return True
