"""What the wire says, as the faces see it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from stigmer_tui.api.agent_execution_pb2 import (
    MESSAGE_AI,
    MESSAGE_HUMAN,
    SUB_AGENT_FAILED,
    TOOL_CALL_COMPLETED,
    TOOL_CALL_RUNNING,
    AgentExecution,
    AgentExecutionStatus,
    AgentMessage,
    ComponentMetadata,
    SubAgentExecution,
    ToolCall,
)
from stigmer_tui.api.execution_pb2 import (
    AgentExecutionDelta,
    FollowResponse,
    MessageDelta,
    ModelWait,
    TextTail,
    WorkflowExecutionDelta,
)
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.structs import to_struct
from stigmer_tui.api.workflow_execution_pb2 import (
    WORKFLOW_TASK_COMPLETED,
    WORKFLOW_TASK_FAILED,
    WORKFLOW_TASK_IN_PROGRESS,
    WORKFLOW_TASK_SKIPPED,
    WORKFLOW_TASK_TRANSFORM,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowTask,
)
from stigmer_tui.workbench import nodes as tree
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.wire_deltas import execution_of, take_response

WAIT = ModelWait(model="openai gpt-6-luna", since="2026-11-21T10:00:00Z", reason="rate limited (429), retry in 2 s")
SEEN = tree.ModelWait("openai gpt-6-luna", datetime(2026, 11, 21, 10, tzinfo=UTC), "rate limited (429), retry in 2 s")
RUNNING = AgentExecution(status=AgentExecutionStatus(phase=Phase.IN_PROGRESS.for_agent))


def taken(*responses: FollowResponse) -> tree.ModelWait | None:
    execution = execution_of(RUNNING, "helper")
    for response in responses:
        take_response(execution, response)
    return execution.waiting


def delta(**fields: Any) -> FollowResponse:
    return FollowResponse(agent_delta=AgentExecutionDelta(**fields))


def test_24_a_model_is_waited_for_until_it_speaks_or_the_run_ends() -> None:
    asked = FollowResponse(agent_snapshot=RUNNING, waiting=WAIT)
    assert taken() is None
    assert taken(asked) == taken(delta(waiting=WAIT)) == SEEN
    assert taken(asked, delta(waiting=ModelWait())) is None
    assert taken(asked, delta(phase=Phase.CANCELLED.for_agent)) is None
    assert taken(asked, FollowResponse(agent_snapshot=RUNNING)) is None


AT = "2026-11-21T10:00:0{}.000Z"
START, END = (datetime(2026, 11, 21, 10, 0, second, tzinfo=UTC) for second in (1, 2))
TIMES: dict[str, Any] = {"started_at": AT.format(1), "completed_at": AT.format(2)}


def nodes(execution: Execution) -> dict[str, tree.Node]:
    return {node.id: node for key, node in execution.nodes() if len(key) > 1}


def workflow_of(*tasks: WorkflowTask, **status: Any) -> WorkflowExecution:
    stored = WorkflowExecution(status=WorkflowExecutionStatus(tasks=tasks, **status))
    stored.metadata.id = "wfx_1"
    stored.spec.trigger_message = "count"
    stored.status.audit.spec_audit.created_at.FromDatetime(START)
    return stored


def test_a_workflow_is_read_with_all_that_is_known_of_it() -> None:
    stored = workflow_of(phase=Phase.FAILED.for_workflow, error="late", output=to_struct({"n": 1}), **TIMES)
    execution = execution_of(stored, "tally")
    root = execution.root
    assert (root.id, root.name, root.type, root.input) == ("wfx_1", "tally", "workflow", "count")
    assert (root.state, root.error, root.output) == (RunState.FAILED, "late", {"n": 1})
    assert (root.created_at, root.started_at, root.completed_at) == (START, START, END)
    assert execution_of(workflow_of(), "tally").root.output is None


def test_a_task_is_read_with_all_that_is_known_of_it() -> None:
    metadata = {
        "kind": "http",
        "parent": "/each",
        "detail": "GET a",
        "attempt": 3,
        "child": "agx_1",
        "origin": "reused",
        "origin_execution": "wfx_0",
    }
    told = WorkflowTask(
        task_id="/each/0/fetch",
        task_name="fetch",
        status=WORKFLOW_TASK_COMPLETED,
        error="late",
        metadata=to_struct(metadata),
        input=to_struct({"a": 1}),
        output=to_struct({"b": 2}),
        **TIMES,
    )
    each = WorkflowTask(task_id="/each", task_name="each", status=WORKFLOW_TASK_IN_PROGRESS)
    found = nodes(execution_of(workflow_of(each, told), "tally"))
    assert found["/each/0/fetch"] == tree.Node(
        "/each/0/fetch",
        tree.NodeKind.TASK,
        "fetch",
        "http",
        RunState.COMPLETED,
        "/each",
        "GET a",
        {"a": 1},
        {"b": 2},
        "late",
        3,
        "agx_1",
        tree.Origin(tree.OriginKind.REUSED, "wfx_0"),
        started_at=START,
        completed_at=END,
    )
    assert found["/each"] == tree.Node("/each", tree.NodeKind.TASK, "each", "task", RunState.RUNNING)


@pytest.mark.parametrize(
    ("status", "metadata", "type_", "state"),
    [
        (WORKFLOW_TASK_IN_PROGRESS, {"kind": "wait", "waits": True}, "wait", RunState.WAITING),
        (WORKFLOW_TASK_COMPLETED, {"kind": "wait"}, "wait", RunState.COMPLETED),
        (WORKFLOW_TASK_IN_PROGRESS, {"cancelled": True}, "set", RunState.CANCELLED),
        (WORKFLOW_TASK_FAILED, {}, "set", RunState.FAILED),
        (WORKFLOW_TASK_SKIPPED, {}, "set", RunState.SKIPPED),
        (0, {"origin": "odd"}, "set", RunState.PENDING),
    ],
)
def test_the_state_of_a_task(status: Any, metadata: dict[str, Any], type_: str, state: RunState) -> None:
    told = WorkflowTask(
        task_name="step", status=status, metadata=to_struct(metadata), task_type=WORKFLOW_TASK_TRANSFORM
    )
    node = nodes(execution_of(workflow_of(told), "tally"))["step"]
    assert (node.type, node.state, node.origin, node.attempt) == (type_, state, None, 1)


def agent_with(**status: Any) -> AgentExecution:
    stored = AgentExecution(status=AgentExecutionStatus(**status))
    stored.metadata.id = "agx_1"
    stored.spec.message = "look"
    return stored


def test_an_agent_is_read_with_messages_calls_and_sub_agents() -> None:
    call = ToolCall(
        id="c1",
        name="grep",
        args=to_struct({"a": 1}),
        result="found",
        error="late",
        status=TOOL_CALL_COMPLETED,
        component_metadata=ComponentMetadata(metadata=to_struct({"parent": "s1", "child": "wfx_9"})),
        **TIMES,
    )
    sub_agent = SubAgentExecution(
        id="s1",
        name="helper",
        status=SUB_AGENT_FAILED,
        input="ask",
        output="answer",
        error="late",
        metadata=to_struct({"detail": "reads", "child": "agx_9", "origin": "pinned", "origin_execution": "agx_0"}),
        **TIMES,
    )
    said = AgentMessage(
        type=MESSAGE_AI,
        content="Hello",
        timestamp=AT.format(1),
        metadata=to_struct({"model": "gpt"}),
        tool_calls=[ToolCall(id="c1")],
    )
    stored = agent_with(
        phase=Phase.COMPLETED.for_agent,
        messages=[AgentMessage(type=MESSAGE_HUMAN, content="look"), said, AgentMessage(content="system")],
        tool_calls=[call],
        sub_agent_executions=[sub_agent],
    )
    execution = execution_of(stored, "reviewer")
    assert (execution.root.type, execution.root.input, execution.state) == ("agent", "look", RunState.COMPLETED)
    assert list(execution.messages()) == [
        tree.Message(tree.Role.HUMAN, "look"),
        tree.Message(tree.Role.AGENT, "Hello", START, ("c1",), "gpt"),
        tree.Message(tree.Role.SYSTEM, "system"),
    ]
    found = nodes(execution)
    times: dict[str, Any] = {"started_at": START, "completed_at": END}
    assert found["c1"] == tree.Node(
        "c1",
        tree.NodeKind.TOOL_CALL,
        "grep",
        state=RunState.COMPLETED,
        parent="s1",
        input={"a": 1},
        output="found",
        error="late",
        child="wfx_9",
        **times,
    )
    assert found["s1"] == tree.Node(
        "s1",
        tree.NodeKind.SUB_AGENT,
        "helper",
        "agent",
        RunState.FAILED,
        detail="reads",
        input="ask",
        output="answer",
        error="late",
        child="agx_9",
        origin=tree.Origin(tree.OriginKind.PINNED, "agx_0"),
        **times,
    )


def test_deltas_change_what_they_name_and_nothing_else() -> None:
    execution = execution_of(agent_with(phase=Phase.IN_PROGRESS.for_agent), "reviewer")
    whole = FollowResponse(
        agent_delta=AgentExecutionDelta(
            messages=[MessageDelta(index=0, message=AgentMessage(type=MESSAGE_AI, content="Hel"))],
            tool_calls=[ToolCall(id="c1", name="grep", status=TOOL_CALL_RUNNING)],
            sub_agents=[SubAgentExecution(id="s1", name="helper")],
        )
    )
    take_response(execution, whole)
    assert (execution.state, [message.text for message in execution.messages()]) == (RunState.RUNNING, ["Hel"])
    assert {id_: node.state for id_, node in nodes(execution).items()} == {
        "c1": RunState.RUNNING,
        "s1": RunState.PENDING,
    }
    grown = AgentExecutionDelta(messages=[MessageDelta(index=0, tail=TextTail(keep=2, text="llo"))])
    take_response(execution, FollowResponse(agent_delta=grown))
    assert [message.text for message in execution.messages()] == ["Hello"]
    ended = AgentExecutionDelta(phase=Phase.FAILED.for_agent, error="late", **TIMES)
    take_response(execution, FollowResponse(agent_delta=ended))
    root = execution.root
    assert (root.state, root.error, root.started_at, root.completed_at) == (RunState.FAILED, "late", START, END)
    assert root.input == "look"


def test_deltas_of_a_workflow() -> None:
    execution = execution_of(workflow_of(phase=Phase.IN_PROGRESS.for_workflow), "tally")
    told = WorkflowTask(task_id="/a", task_name="a", status=WORKFLOW_TASK_IN_PROGRESS)
    take_response(execution, FollowResponse(workflow_delta=WorkflowExecutionDelta(tasks=[told])))
    assert (execution.state, list(nodes(execution))) == (RunState.RUNNING, ["/a"])
    output = WorkflowExecutionDelta(output=to_struct({"n": 1}))
    take_response(execution, FollowResponse(workflow_delta=output))
    assert (execution.state, execution.root.output) == (RunState.RUNNING, {"n": 1})
    ended = WorkflowExecutionDelta(phase=Phase.COMPLETED.for_workflow)
    take_response(execution, FollowResponse(workflow_delta=ended))
    assert (execution.state, execution.root.output, execution.root.input) == (RunState.COMPLETED, {"n": 1}, "count")
