"""subscribe: an existing client prints each message and task once, by index, and must print what it came to be."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from stigmer_tui.api.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionId,
    AgentMessage,
    MessageType,
    ToolCall,
    ToolCallStatus,
)
from stigmer_tui.api.execution_pb2 import AgentExecutionDelta, MessageDelta, TextTail, WorkflowExecutionDelta
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import Hello
from stigmer_tui.api.workflow_execution_pb2 import (
    SubscribeWorkflowExecutionRequest,
    WorkflowExecution,
    WorkflowTask,
    WorkflowTaskStatus,
)
from stigmer_tui.server.compatibility import AgentView, WorkflowView
from stigmer_tui.server.execution_state import AgentExecutionState, WorkflowExecutionState
from tests.server.builders import agent, agent_run, workflow, workflow_run
from tests.server.conftest import Api
from tests.server.runner import attached

RUNNING, DONE, FAILED, SKIPPED = (
    WorkflowTaskStatus.WORKFLOW_TASK_IN_PROGRESS,
    WorkflowTaskStatus.WORKFLOW_TASK_COMPLETED,
    WorkflowTaskStatus.WORKFLOW_TASK_FAILED,
    WorkflowTaskStatus.WORKFLOW_TASK_SKIPPED,
)


@dataclass
class ExistingClient:
    """Prints as `stigmer run` does: by index, once."""

    lines: list[str] = field(default_factory=list)

    def take_agent(self, execution: AgentExecution) -> None:
        for message in execution.status.messages[len(self.lines) :]:
            calls = "".join(ToolCallStatus.Name(call.status) for call in message.tool_calls)
            self.lines.append(message.content or calls)

    def take_workflow(self, execution: WorkflowExecution) -> None:
        for task in execution.status.tasks[len(self.lines) :]:
            self.lines.append(f"{task.task_name} {WorkflowTaskStatus.Name(task.status)[14:]}")


def said(index: int, text: str, kind: MessageType.ValueType = MessageType.MESSAGE_AI) -> AgentExecutionDelta:
    return AgentExecutionDelta(messages=[MessageDelta(index=index, message=AgentMessage(type=kind, content=text))])


def more(index: int, keep: int, text: str) -> AgentExecutionDelta:
    return AgentExecutionDelta(messages=[MessageDelta(index=index, tail=TextTail(keep=keep, text=text))])


def called(index: int, status: ToolCallStatus.ValueType) -> AgentExecutionDelta:
    call = ToolCall(id="call-1", name="ls", status=status)
    message = AgentMessage(type=MessageType.MESSAGE_TOOL, tool_calls=[call])
    return AgentExecutionDelta(messages=[MessageDelta(index=index, message=message)], tool_calls=[call])


def task(name: str, status: WorkflowTaskStatus.ValueType) -> WorkflowExecutionDelta:
    return WorkflowExecutionDelta(tasks=[WorkflowTask(task_id=f"/{name}", task_name=name, status=status)])


def test_a_message_is_shown_when_it_is_complete() -> None:
    """Point 30: the text that grows, and the call under way, are held back; what is complete is not."""
    state, view, client = AgentExecutionState(AgentExecution(), 1), AgentView(), ExistingClient()
    seen = []
    for delta in (
        said(0, "hello", MessageType.MESSAGE_HUMAN),
        said(1, "I look"),
        more(1, 6, " at the folder"),
        called(2, ToolCallStatus.TOOL_CALL_PENDING),
        called(2, ToolCallStatus.TOOL_CALL_RUNNING),
        called(2, ToolCallStatus.TOOL_CALL_COMPLETED),
        said(3, "There is"),
        more(3, 8, " nothing"),
        AgentExecutionDelta(phase=Phase.COMPLETED.for_agent),
    ):
        state.apply(delta)
        client.take_agent(view.show(state))
        seen.append(len(client.lines))
    assert client.lines == ["hello", "I look at the folder", "TOOL_CALL_COMPLETED", "There is nothing"]
    assert seen == [1, 1, 1, 2, 2, 3, 3, 3, 4]
    assert view.show(state) == state.execution


def test_a_task_is_shown_when_it_has_ended() -> None:
    """Point 30: in the order of their ends, so that one that takes long holds none of the others up."""
    state, view, client = WorkflowExecutionState(WorkflowExecution(), 1), WorkflowView(), ExistingClient()
    for delta in (
        task("all", RUNNING),
        task("first", RUNNING),
        task("second", RUNNING),
        task("second", DONE),
        task("first", FAILED),
        task("third", SKIPPED),
        task("all", FAILED),
        task("stopped", RUNNING),
        WorkflowExecutionDelta(phase=Phase.CANCELLED.for_workflow),
    ):
        state.apply(delta)
        client.take_workflow(view.show(state))
    assert client.lines == [
        "second COMPLETED",
        "first FAILED",
        "third SKIPPED",
        "all FAILED",
        "stopped IN_PROGRESS",
    ]
    assert len(view.show(state).status.tasks) == len(state.execution.status.tasks)


def test_a_runner_that_reports_one_task_at_a_time_moves_no_index() -> None:
    """Point 30: existing runners replace the list by one of one task (`docs/compatibility.md` B30)."""
    state, view, client = WorkflowExecutionState(WorkflowExecution(), 1), WorkflowView(), ExistingClient()
    for name in ("first", "second", "third"):
        for status in (RUNNING, DONE):
            execution = WorkflowExecution()
            execution.status.tasks.add(task_id=name, task_name=name, status=status)
            state.replace(execution)
            client.take_workflow(view.show(state))
    assert client.lines == ["first COMPLETED", "second COMPLETED", "third COMPLETED"]


async def test_an_existing_client_prints_whole_answers(api: Api) -> None:
    """Point 30, over the wire."""
    stored = await api.agents.apply(agent())
    execution_id = (await api.agent_runs.create(agent_run(stored.metadata.id))).metadata.id
    client = ExistingClient()

    async def read() -> None:
        async for execution in api.agent_run_queries.subscribe(AgentExecutionId(value=execution_id)):
            client.take_agent(execution)

    async with attached(api, Hello.AGENTS) as runner:
        lease = (await runner.assignment()).lease_id
        reading = asyncio.create_task(read())
        await runner.report(lease, said(0, "hello", MessageType.MESSAGE_HUMAN))
        await runner.report(lease, said(1, "half"))
        await runner.report(lease, more(1, 4, " and half"))
        await runner.report(lease, AgentExecutionDelta(phase=Phase.COMPLETED.for_agent))
        await asyncio.wait_for(reading, 60)
    assert client.lines == ["hello", "half and half"]


async def test_an_existing_client_prints_ended_tasks(api: Api) -> None:
    """Point 30, over the wire."""
    stored = await api.workflows.apply(workflow())
    execution_id = (await api.workflow_runs.create(workflow_run(stored.metadata.id))).metadata.id
    client = ExistingClient()

    async def read() -> None:
        request = SubscribeWorkflowExecutionRequest(execution_id=execution_id)
        async for execution in api.workflow_run_queries.subscribe(request):
            client.take_workflow(execution)

    async with attached(api, Hello.WORKFLOWS) as runner:
        lease = (await runner.assignment()).lease_id
        reading = asyncio.create_task(read())
        await runner.report(lease, task("first", RUNNING))
        await runner.report(lease, task("first", DONE))
        await runner.report(lease, WorkflowExecutionDelta(phase=Phase.COMPLETED.for_workflow))
        await asyncio.wait_for(reading, 60)
    assert client.lines == ["first COMPLETED"]
