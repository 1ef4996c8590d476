"""A session that is forked from another goes on from a place in that one's conversation."""

from __future__ import annotations

import grpc
import pytest
from grpc.aio import AioRpcError

from stigmer_tui.api.agent_execution_pb2 import AgentExecution, ListAgentExecutionsBySessionRequest
from stigmer_tui.api.kinds import API_VERSION
from stigmer_tui.api.session_pb2 import Session, SessionId, SessionSpec
from stigmer_tui.definition.extensions import CODE, FOLDER, FORK
from tests.server.builders import agent, agent_run, metadata
from tests.server.conftest import Api


async def turn(api: Api, session: str) -> AgentExecution:
    return await api.agent_runs.create(agent_run("", session_id=session))


async def fork(api: Api, before: AgentExecution, name: str = "fork") -> Session:
    origin = await api.session_queries.get(SessionId(value=before.spec.session_id))
    spec = SessionSpec(agent_instance_id=origin.spec.agent_instance_id)
    spec.metadata[FORK] = f"{origin.metadata.id} {before.metadata.id}"
    return await api.sessions.create(
        Session(api_version=API_VERSION, kind="Session", metadata=metadata(name), spec=spec)
    )


async def conversation(api: Api, session: str, page_token: str = "") -> list[str]:
    request = ListAgentExecutionsBySessionRequest(session_id=session, page_token=page_token)
    return [entry.metadata.id for entry in (await api.agent_run_queries.listBySession(request)).entries]


async def test_a_fork_begins_with_what_was_before_it(api: Api) -> None:
    stored = await api.agents.apply(agent())
    first = await api.agent_runs.create(agent_run(stored.metadata.id))
    session = first.spec.session_id
    second, third = await turn(api, session), await turn(api, session)
    forked = (await fork(api, before=third)).metadata.id
    other = await turn(api, forked)
    again = (await fork(api, before=other, name="again")).metadata.id
    last = await turn(api, again)
    ids = {run.metadata.id for run in (first, second)}
    assert await conversation(api, session) == [run.metadata.id for run in (third, second, first)]
    assert await conversation(api, forked) == [run.metadata.id for run in (other, second, first)]
    assert await conversation(api, again) == [run.metadata.id for run in (last, second, first)]
    assert set(await conversation(api, again, page_token=last.metadata.id)) == ids
    # A fork of a fork that lies before the place of the first one takes nothing from after its own.
    early = (await fork(api, before=second, name="early")).metadata.id
    assert await conversation(api, early) == [first.metadata.id]


async def test_a_fork_works_in_the_folder_of_the_first_session(api: Api) -> None:
    stored = await api.agents.apply(agent())
    first = await api.agent_runs.create(agent_run(stored.metadata.id))
    second = await turn(api, first.spec.session_id)
    other = await turn(api, (await fork(api, before=second)).metadata.id)
    assert FOLDER not in second.metadata.annotations
    assert other.metadata.annotations[FOLDER] == first.spec.session_id


async def test_a_session_that_was_forked_is_kept_and_the_refusal_names_the_fork(api: Api) -> None:
    stored = await api.agents.apply(agent())
    first = await api.agent_runs.create(agent_run(stored.metadata.id))
    forked = await fork(api, before=first)
    with pytest.raises(AioRpcError, match=f"holds the beginning of session {forked.metadata.id}") as refusal:
        await api.sessions.delete(SessionId(value=first.spec.session_id))
    assert refusal.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    await api.sessions.delete(SessionId(value=forked.metadata.id))
    await api.sessions.delete(SessionId(value=first.spec.session_id))


async def test_a_turn_notes_which_version_of_the_agent_it_runs(api: Api) -> None:
    stored = await api.agents.apply(agent())
    first = await api.agent_runs.create(agent_run(stored.metadata.id))
    second = await turn(api, first.spec.session_id)
    await api.agents.apply(agent(instructions="Answer in two sentences."))
    third = await turn(api, first.spec.session_id)
    codes = [run.metadata.annotations[CODE] for run in (first, second, third)]
    assert codes[0] == codes[1] != codes[2]
