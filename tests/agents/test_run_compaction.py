"""Long runs: when results fill the window of the model, a summary takes the place of the older ones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from stigmer_tui.agents.run_compaction import HEADING
from stigmer_tui.agents.summaries import summary_in
from stigmer_tui.api.agent_execution_pb2 import AgentExecution
from stigmer_tui.api.phases import Phase
from stigmer_tui.core.configuration import ModelSettings
from stigmer_tui.runners.lease import StopReason
from tests.agents.conftest import Agents, assignment
from tests.agents.ledger import Ledger
from tests.agents.provider_server import Answer, ProviderServer, openai_events, provider_server
from tests.agents.test_resume import CutJournal

TASK = "Read all of them."


def reading(name: str) -> Answer:
    # Servers that reuse ids of calls.
    return Answer(calls=[("call_1", "read_file", {"file_path": f"/{name}.txt"})])


ANSWERS = (
    reading("a"),
    reading("b"),
    Answer(["A is long."]),
    reading("c"),
    Answer(["A and B are long."]),
    Answer(["All are long."]),
)
"""Each file takes half of the room: the third and the fifth request are for summaries."""


@asynccontextmanager
async def asked(agents: Agents, *answers: Answer) -> AsyncIterator[ProviderServer]:
    agents.folder.mkdir(parents=True)
    for name in "abc":
        (agents.folder / f"{name}.txt").write_text(f"this is {name} {'x' * 1200}")
    async with provider_server(openai_events, *answers) as provider:
        agents.settings = ModelSettings(provider="openai", base_url=provider.url)
        agents.history_tokens = 440
        yield provider


def told(provider: ProviderServer, index: int) -> list[str]:
    """What a request has, without instructions."""

    def text(message: dict[str, Any]) -> str:
        return json.dumps(message.get("tool_calls")) if message.get("tool_calls") else str(message["content"])

    return [text(message) for message in provider.bodies[index]["messages"] if message["role"] != "system"]


async def test_older_results_are_replaced_by_a_summary_and_stay_in_the_transcript(agents: Agents) -> None:
    async with asked(agents, *ANSWERS) as provider:
        ledger = await agents.run(assignment(message=TASK))
    assert ledger.phase is Phase.COMPLETED, ledger.status.error
    (to_summarize,) = told(provider, 2)
    assert f"Person: {TASK}" in to_summarize
    assert ("this is a" in to_summarize, "this is b" in to_summarize) == (True, False)
    task, call, result = told(provider, 3)
    assert TASK in task and f"{HEADING}\n\nA is long." in task
    assert "/b.txt" in call and "this is b" in result
    task, call, result = told(provider, 5)
    assert "A and B are long." in task and "A is long." not in task
    assert "/c.txt" in call and "this is c" in result
    assert ledger.kinds == ["HUMAN", "TOOL", "TOOL", "SYSTEM", "TOOL", "SYSTEM", "AI"]
    notes = [message.content for message in ledger.status.messages if "summary" in message.metadata]
    assert notes[0] == "Summary of the first turn of this run\n\nA is long."
    assert notes[1] == "Summary of the first 2 turns of this run\n\nA and B are long."
    assert all(f"this is {name}" in call.result for name, call in zip("abc", ledger.calls, strict=True))
    assert len({call.id for call in ledger.calls}) == 3
    ids = ["turn/0", "turn/1", "summary/turn/2", "turn/2", "summary/turn/3", "turn/3"]
    assert [kept.call_id for kept in ledger.requests] == [*ledger.model_calls] == ids
    # It is no summary of what was before the run.
    assert summary_in(AgentExecution(status=ledger.status)) is None


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("number", range(len(ANSWERS)))
async def test_a_run_that_is_killed_at_any_answer_asks_again_for_that_one_only(
    agents: Agents, number: int, before: bool
) -> None:
    async with asked(agents, *ANSWERS) as provider:
        cut, ledger = CutJournal(agents.journal, number, before), Ledger()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(agents, "journal", cut)
            lease = agents.start(assignment(message=TASK), ledger)
        assert lease.task is not None
        await asyncio.wait_for(cut.died.wait(), 60)
        lease.stop(StopReason.LOST)
        cut.gone.set()
        await asyncio.wait([lease.task])
        if before:
            left = provider.answers if len(provider.requests) < len(ANSWERS) else []
            provider.answers[:] = [ANSWERS[number], *left]
        lease = agents.start(assignment(message=TASK, attempt=2, status=ledger.status), ledger)
        assert lease.task is not None
        await asyncio.wait_for(lease.task, 60)
        assert (ledger.phase, ledger.answers) == (Phase.COMPLETED, ["All are long."])
        assert ledger.kinds == ["HUMAN", "TOOL", "TOOL", "SYSTEM", "TOOL", "SYSTEM", "AI"]
        assert len(provider.requests) == len(ANSWERS) + before
        assert "A and B are long." in told(provider, -1)[0]


async def test_where_no_summary_can_be_made_the_first_turns_are_left_out_and_that_is_said(agents: Agents) -> None:
    refused = Answer(status=400, error={"error": {"message": "no summaries here"}})
    async with asked(agents, reading("a"), reading("b"), refused, Answer(["Done."])) as provider:
        ledger = await agents.run(assignment(message=TASK))
    assert (ledger.phase, ledger.answers) == (Phase.COMPLETED, ["Done."])
    [note] = [message.content for message in ledger.status.messages if message.content.startswith("What was done")]
    assert "no summaries here" in note
    assert note.endswith("The model does not get the first turn of this run.")
    assert "(The first turn of this run left out, for want of room.)" in told(provider, 3)[0]


async def test_a_script_says_the_summary_offline(agents: Agents) -> None:
    agents.history_tokens = 440
    text = "x" * 1200
    calls = "".join(f"  - call: {{write_file: {{file_path: /{name}.txt, content: {text}}}}}\n" for name in "abc")
    ledger = await agents.run(assignment(f"delay: 0\nsummary: All written.\nturns:\n{calls}  - say: Done.\n"))
    assert (ledger.phase, ledger.answers) == (Phase.COMPLETED, ["Done."])
    assert "All written." in str([message.content for message in ledger.status.messages])
