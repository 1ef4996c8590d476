"""Conversations are read whole, whatever fits into one message."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import aclosing
from pathlib import Path

from stigmer_tui.api import pages
from stigmer_tui.api.agent_execution_pb2 import AgentExecutionStatus, AgentExecutionUpdateStatusInput, AgentMessage
from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.client import sessions
from tests.client.test_creation import at_server
from tests.server.builders import agent, agent_run

LARGE = "x" * 1_900_000
"""Two such messages fit into a response, three do not."""


async def test_a_conversation_of_large_executions_is_read_whole(tmp_path: Path) -> None:
    """Where all were on one page by their number, what did not fit into the response was taken for not there."""
    async with at_server(tmp_path) as (api, connection):
        stored = await api.agents.apply(agent())
        runs = [await api.agent_runs.create(agent_run(stored.metadata.id))]
        session = runs[0].spec.session_id
        for _ in range(2):
            following = agent_run(stored.metadata.id)
            following.spec.session_id = session
            runs.append(await api.agent_runs.create(following))
        for run in runs:
            status = AgentExecutionStatus(messages=[AgentMessage(content=LARGE)])
            update = AgentExecutionUpdateStatusInput(execution_id=run.metadata.id, status=status)
            await api.agent_runs.updateStatus(update)
        found = await sessions.conversation(connection, session)
        assert [run.metadata.id for run in found] == [run.metadata.id for run in runs]
        newest = await sessions.newest_execution(connection, session)
        assert newest is not None
        assert newest.metadata.id == runs[-1].metadata.id


async def test_a_server_that_gives_the_same_page_again_is_not_asked_for_ever() -> None:
    def named(name: str) -> Agent:
        entry = Agent()
        entry.metadata.id = name
        return entry

    asked: list[str] = []

    async def fetch(token: str) -> Iterable[Agent]:
        asked.append(token)
        return [named("b"), named("a")]

    async with aclosing(pages.pages(fetch)) as found:
        assert [[entry.metadata.id for entry in page] async for page in found] == [["b", "a"]]
    assert asked == ["", "a"]
