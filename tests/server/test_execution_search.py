"""Executions are found by what was said and done in them."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from grpc.aio import AioRpcError

from stigmer_tui.api.agent_execution_pb2 import (
    MESSAGE_AI,
    TOOL_CALL_FAILED,
    AgentExecution,
    AgentExecutionStatus,
    AgentExecutionUpdateStatusInput,
    AgentMessage,
    ExecutionPhase,
    ToolCall,
)
from stigmer_tui.api.catalogue_pb2 import FoundRun, SearchRequest
from stigmer_tui.api.structs import to_struct
from stigmer_tui.api.workflow_execution_pb2 import ExecutionPhase as WorkflowPhase
from stigmer_tui.api.workflow_execution_pb2 import (
    WorkflowExecutionStatus,
    WorkflowExecutionUpdateStatusInput,
    WorkflowTask,
)
from stigmer_tui.server import execution_search
from stigmer_tui.server.execution_search import EXCERPT, MAX_EXCERPTS, spellings
from stigmer_tui.server.execution_store import Candidates
from tests.server.builders import agent, agent_run, workflow, workflow_run
from tests.server.conftest import Api


async def found(api: Api, text: str = "", **fields: Any) -> list[FoundRun]:
    request = SearchRequest(org="local", text=text, **fields)
    return [each async for response in api.catalogue.search(request) for each in response.found]


async def ids(api: Api, text: str = "", **fields: Any) -> list[str]:
    return [each.run.id for each in await found(api, text, **fields)]


async def excerpts(api: Api, text: str) -> list[tuple[str, str]]:
    (only,) = await found(api, text)
    return [(excerpt.source, excerpt.text) for excerpt in only.excerpts]


async def run_of(
    api: Api, *said: str, phase: ExecutionPhase.ValueType = ExecutionPhase.EXECUTION_COMPLETED, **status: Any
) -> str:
    stored = await api.agents.apply(agent())
    execution: AgentExecution = await api.agent_runs.create(agent_run(stored.metadata.id, message="count all leaves"))
    messages = [AgentMessage(type=MESSAGE_AI, content=text) for text in said]
    reported = AgentExecutionStatus(phase=phase, messages=messages, **status)
    update = AgentExecutionUpdateStatusInput(execution_id=execution.metadata.id, status=reported)
    await api.agent_runs.updateStatus(update)
    return execution.metadata.id


async def test_the_lines_that_tell_are_found_whatever_their_case(api: Api) -> None:
    first = await run_of(api, "There is Assam.\nAnd Darjeeling,\nand more ASSAM")
    await run_of(api, "There is none")
    assert await ids(api, "assam") == [first]
    assert await excerpts(api, "aSSam") == [("Agent", "There is Assam."), ("Agent", "and more ASSAM")]


async def test_what_a_call_took_and_gave_is_found(api: Api) -> None:
    call = ToolCall(id="1", name="fetch", args=to_struct({"urls": ["https://tea.example"]}), status=TOOL_CALL_FAILED)
    call.error = "refused by the shop"
    await run_of(api, tool_calls=[call], error="the call has failed")
    assert await excerpts(api, "tea.example") == [("fetch", "https://tea.example")]
    assert await excerpts(api, "BY THE SHOP") == [("fetch", "refused by the shop")]
    assert await excerpts(api, "has failed") == [("error", "the call has failed")]
    assert await excerpts(api, "all leaves") == [("You", "count all leaves")]


async def test_what_a_task_of_a_workflow_took_and_gave_is_found(api: Api) -> None:
    stored = await api.workflows.apply(workflow())
    run = await api.workflow_runs.create(workflow_run(stored.metadata.id))
    task = WorkflowTask(task_id="/greet", task_name="greet", output=to_struct({"word": {"spoken": "Bonjour"}}))
    status = WorkflowExecutionStatus(phase=WorkflowPhase.EXECUTION_COMPLETED, tasks=[task])
    update = WorkflowExecutionUpdateStatusInput(execution_id=run.metadata.id, status=status)
    await api.workflow_runs.updateStatus(update)
    assert await excerpts(api, "bonjour") == [("greet", "Bonjour")]
    assert await ids(api, "spoken", resource_slug="tally") == [run.metadata.id]


async def test_letters_beyond_ascii_have_two_cases_too(api: Api) -> None:
    run = await run_of(api, "Ein GRÜNER Tee")
    assert await ids(api, "grüner") == [run]
    assert await ids(api, "Tée") == []
    assert spellings("Grüner") == ["grüner", "grÜner"]


async def test_a_run_that_goes_on_is_found_by_its_newest_words(api: Api) -> None:
    run = await run_of(api, "still counting", phase=ExecutionPhase.EXECUTION_IN_PROGRESS)
    assert await ids(api, "counting") == [run]


async def test_fields_narrow_it_down(api: Api) -> None:
    done = await run_of(api, "one tea")
    failed = await run_of(api, "two teas", phase=ExecutionPhase.EXECUTION_FAILED)
    assert await ids(api) == [failed, done]
    assert await ids(api, phases=[ExecutionPhase.EXECUTION_FAILED]) == [failed]
    assert await ids(api, "one", phases=[ExecutionPhase.EXECUTION_FAILED]) == []
    assert await ids(api, resource_slug="other") == []
    assert await ids(api, since="2999-01-01T00:00:00Z") == []
    assert await ids(api, limit=1) == [failed]
    with pytest.raises(AioRpcError) as error:
        await ids(api, since="yesterday")
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_all_there_are_are_read_a_few_at_a_time(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution_search, "STRETCH", 2)
    runs = [await run_of(api, "tea" if number % 2 else "coffee") for number in range(7)]
    assert await ids(api, "tea", limit=10) == [runs[5], runs[3], runs[1]]


async def test_what_is_older_than_what_is_wanted_is_not_read(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [await run_of(api, "tea") for _ in range(3)]
    read: list[str] = []
    store = api.server.executions.store
    known = store.candidates

    def candidates(org: str, spellings: list[str], before: str, number: int) -> Candidates:
        read.append(before)
        return known(org, spellings, before, 1)

    monkeypatch.setattr(store, "candidates", candidates)
    assert await ids(api, "tea", since="2999-01-01T00:00:00Z") == []
    assert read == [""]
    assert await ids(api, "tea", since="1970-01-01T00:00:00Z") == runs[::-1]


async def test_an_excerpt_is_short_and_has_the_text(api: Api) -> None:
    await run_of(api, "\n".join(f"{'a' * 300} needle {number} {'b' * 300}" for number in range(9)))
    lines = [text for _, text in await excerpts(api, "needle")]
    assert len(lines) == MAX_EXCERPTS
    assert all("needle" in line and len(line) <= EXCERPT + 2 for line in lines)
