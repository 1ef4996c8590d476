"""Long conversations: a summary takes the place of their older part."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict

import pytest

from stigmer_tui.agents import conversation
from stigmer_tui.agents.conversation import HEADING, load_history
from stigmer_tui.agents.journal import ModelTurn, SummaryStep
from stigmer_tui.api.agent_execution_pb2 import AgentExecution, AgentMessage, MessageType
from stigmer_tui.api.channel import open_channel
from stigmer_tui.api.phases import Phase
from stigmer_tui.core.configuration import ModelSettings
from stigmer_tui.core.redaction import Redactor
from tests.agents.conftest import Agents, assignment
from tests.agents.controller import controller
from tests.agents.ledger import Ledger
from tests.agents.provider_server import Answer, ProviderServer, openai_events, provider_server
from tests.agents.test_conversation import answer, execution, human

LONG = "x" * 400
"""A hundred tokens, by estimate."""


def long_session(number: int) -> list[AgentExecution]:
    return [execution(index, human(f"question {index}"), answer(f"answer {index} {LONG}")) for index in range(number)]


@asynccontextmanager
async def asked(agents: Agents, session: Sequence[AgentExecution], *answers: Answer) -> AsyncIterator[ProviderServer]:
    async with controller(session) as server, provider_server(openai_events, *answers) as provider:
        agents.channel = open_channel(server.address)
        agents.settings = ModelSettings(provider="openai", base_url=provider.url)
        agents.history_tokens = agents.history_tokens or 440
        yield provider
        await agents.channel.close()


async def run(agents: Agents, number: int, script: str = "") -> Ledger:
    return await agents.run(assignment(script, "And now?", session_id="ses_1", execution_id=f"agx_{number:04}"))


def said(provider: ProviderServer, index: int) -> list[str]:
    return [message["content"] for message in provider.bodies[index]["messages"] if message["role"] != "system"]


async def test_the_older_part_is_replaced_by_a_summary_that_counts_and_can_be_read(agents: Agents) -> None:
    async with asked(agents, long_session(5), Answer(["All is well."]), Answer(["Fine."])) as provider:
        ledger = await run(agents, 5)
    assert ledger.phase is Phase.COMPLETED
    (to_summarize,) = said(provider, 0)
    assert ("question 2" in to_summarize, "question 3" in to_summarize) == (True, False)
    assert said(provider, 1)[0] == f"{HEADING}\n\nAll is well."
    assert said(provider, 1)[2:] == ["question 3", f"answer 3 {LONG}", "question 4", f"answer 4 {LONG}", "And now?"]
    assert ledger.kinds == ["HUMAN", "SYSTEM", "AI"]
    assert ledger.status.messages[1].content == "Summary of 6 earlier messages\n\nAll is well."
    assert [*ledger.model_calls] == ["summary/0", "turn/0"]
    assert ledger.model_calls["summary/0"].input_tokens == 12
    assert [kept.call_id for kept in ledger.requests] == ["summary/0", "turn/0"]


async def test_a_later_execution_begins_with_the_summary_and_reads_no_further(
    agents: Agents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "READ_AT_ONCE", 1)
    session = long_session(5)
    async with asked(agents, session, Answer(["All is well."]), Answer(["Fine."])):
        ledger = await run(agents, 5)
    session.append(execution(5, *ledger.status.messages))
    async with controller(session) as server:
        channel = open_channel(server.address)
        history = await load_history(channel, execution(6, human("later")), Redactor([]))
        await channel.close()
    assert [kept.metadata.id for kept in history.executions] == ["agx_0003", "agx_0004", "agx_0005"]
    assert (history.summary and history.summary.text, history.turns) == ("All is well.", 6)
    # Those that are kept, the one before them, and nothing older.
    assert server.listed == ["agx_0005", "agx_0004", "agx_0003", "agx_0002"]


async def test_what_is_too_long_for_one_request_is_summarized_in_parts(agents: Agents) -> None:
    answers = [Answer([f"Summary {number}."]) for number in range(2)]
    async with asked(agents, long_session(8), *answers, Answer(["Fine."])) as provider:
        ledger = await run(agents, 8)
    assert said(provider, 1)[0].startswith("Summary of what was before:\nSummary 0.\n\nPerson: question 3")
    assert ledger.status.messages[1].content.startswith("Summary of 12 earlier messages\n\nSummary 1.")
    assert ledger.kinds == ["HUMAN", "SYSTEM", "AI"]
    assert len(provider.bodies) == len(ledger.model_calls)


async def test_a_summary_is_not_paid_again_after_an_interruption(agents: Agents) -> None:
    async with asked(agents, long_session(5), Answer(["Fine."])) as provider:
        record = {"parts": [{"part_kind": "text", "content": "From before."}], "kind": "response"}
        turn = ModelTurn("2026-11-21T10:00:00Z", "", "2026-11-21T10:00:01Z", record, "openai", "gpt-5")
        await agents.journal.execution("agx_0005").complete("summary/0", asdict(SummaryStep(turn, "agx_0002", 3, 6)))
        ledger = await run(agents, 5)
    assert said(provider, 0)[0] == f"{HEADING}\n\nFrom before."
    assert len(provider.bodies) == 1
    assert ledger.status.messages[1].timestamp == "2026-11-21T10:00:01Z"
    assert [*ledger.model_calls] == ["summary/0", "turn/0"]


async def test_where_no_summary_can_be_made_the_oldest_is_left_out_and_that_is_said(agents: Agents) -> None:
    refused = Answer(status=400, error={"message": "no summaries today"})
    async with asked(agents, long_session(5), refused, Answer(["Fine."])) as provider:
        ledger = await run(agents, 5)
    assert ledger.phase is Phase.COMPLETED
    note = ledger.status.messages[1].content
    assert note.startswith("The older part of the conversation could not be summarized: ")
    assert "no summaries today" in note
    assert note.endswith("The model does not get 2 messages of it.")
    assert said(provider, 1)[0] == "question 1"


async def test_a_script_says_a_summary_and_goes_on_where_the_conversation_is(agents: Agents) -> None:
    agents.history_tokens = 300
    messages = "[[{say: 1}], [{say: 2}], [{say: 3}], [{say: 4}], [{say: 'five, after {{previous}}'}]]"
    script = f"{{delay: 0, summary: It was long., messages: {messages}}}"
    async with controller(long_session(4)) as server:
        agents.channel = open_channel(server.address)
        ledger = await run(agents, 4, script)
        await agents.channel.close()
    assert ledger.status.messages[1].content == "Summary of 6 earlier messages\n\nIt was long."
    assert ledger.answers == ["five, after question 3"]


async def test_a_conversation_within_its_limit_is_told_whole(agents: Agents) -> None:
    agents.history_tokens = 5_000
    async with asked(agents, long_session(4), Answer(["Fine."])) as provider:
        ledger = await run(agents, 4)
    assert (ledger.kinds, len(said(provider, 0))) == (["HUMAN", "AI"], 9)


def test_a_summary_is_no_message_of_the_conversation() -> None:
    summarized = execution(1, human("hello"), AgentMessage(type=MessageType.MESSAGE_SYSTEM, content=LONG))
    assert conversation.estimated_tokens(summarized) == 1
    assert [message.content for message in conversation.spoken_messages(summarized)] == ["hello"]
