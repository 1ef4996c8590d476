"""What the wire says, as the faces see it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from stigmer_tui.api.agent_execution_pb2 import AgentExecution, AgentExecutionStatus
from stigmer_tui.api.execution_pb2 import AgentExecutionDelta, FollowResponse, ModelWait
from stigmer_tui.api.phases import Phase
from stigmer_tui.workbench import execution_tree as tree
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
