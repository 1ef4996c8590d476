"""What models were asked and what that cost, the limits that end a run, and the requests that are kept."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from stigmer_tui.api.phases import Phase
from stigmer_tui.core.configuration import ModelSettings
from stigmer_tui.definition import extensions
from tests.agents.conftest import Agents, assignment
from tests.agents.ledger import Ledger
from tests.agents.provider_server import Answer, anthropic_events, openai_events, provider_server

KEY = "sk-of-the-provider"
SECRET = "s3cret-of-the-run"
LOOK = ("call_1", "ls", {"path": "/"})


def ask(agents: Agents, url: str, model: str = "claude-sonnet-5-5", provider: str = "anthropic") -> None:
    agents.settings = ModelSettings(provider, model, url)
    variable = "ANTHROPIC_API_KEY" if provider == "anthropic" else "OPENAI_API_KEY"
    agents.environment = {**agents.environment, variable: KEY}


def limited(**limits: object) -> Mapping[str, str]:
    return {extensions.LIMITS: json.dumps(limits)}


async def test_each_answer_is_counted_with_its_price_and_context(agents: Agents) -> None:
    async with provider_server(anthropic_events, Answer(calls=[LOOK]), Answer(["Done."])) as provider:
        ask(agents, provider.url)
        ledger = await agents.run(assignment())
    first, second = ledger.model_calls.values()
    assert [first.id, second.id] == ["turn/0", "turn/1"]
    assert (first.model, first.input_tokens, first.output_tokens) == ("anthropic claude-sonnet-5-5", 12, 34)
    assert first.cost == pytest.approx((12 * 2 + 34 * 10) / 1_000_000)
    assert first.context_window == 1_000_000
    assert first.asked_at < first.ended_at < second.ended_at


async def test_the_cost_of_an_unknown_model_is_not_known(agents: Agents) -> None:
    async with provider_server(openai_events, Answer(["Hi"])) as provider:
        ask(agents, provider.url, "my-own", "openai")
        ledger = await agents.run(assignment())
    [call] = ledger.model_calls.values()
    assert (call.input_tokens, call.output_tokens, call.HasField("cost")) == (12, 34, False)


async def test_a_resumed_run_counts_nothing_twice(agents: Agents) -> None:
    async with provider_server(anthropic_events, Answer(calls=[LOOK]), Answer(["Done."])) as provider:
        ask(agents, provider.url)
        first = Ledger()
        lease = agents.start(assignment(), first)
        await first.until(lambda ledger: len(ledger.model_calls) == 1)
        assert lease.task is not None
        lease.task.cancel()
        second = await agents.run(assignment(attempt=2))
    assert second.model_calls["turn/0"] == first.model_calls["turn/0"]
    assert list(second.model_calls) == ["turn/0", "turn/1"]


@pytest.mark.parametrize(
    ("limits", "reached"),
    [
        ({"steps": 1}, "its limit of 1 step;"),
        ({"tokens": 40}, "its limit of 40 tokens: it has used 46;"),
        ({"cost": 0.0001}, "its limit of $0.0001: it has cost $0.0004;"),
    ],
)
async def test_a_limit_ends_the_run_with_what_was_done(agents: Agents, limits: dict[str, float], reached: str) -> None:
    async with provider_server(anthropic_events, Answer(["Let me look."], calls=[LOOK]), Answer(["No."])) as provider:
        ask(agents, provider.url)
        ledger = await agents.run(assignment(annotations=limited(**limits)))
        assert len(provider.requests) == 1
    assert ledger.phase is Phase.FAILED
    assert reached in ledger.status.error
    assert ledger.answers == ["Let me look."]
    assert [call.name for call in ledger.calls] == ["ls"]


async def test_a_limit_that_the_last_answer_exceeds_ends_nothing(agents: Agents) -> None:
    async with provider_server(anthropic_events, Answer(["Done."])) as provider:
        ask(agents, provider.url)
        ledger = await agents.run(assignment(annotations=limited(tokens=40, steps=1)))
    assert ledger.phase is Phase.COMPLETED


async def test_time_ends_a_run_in_the_middle_of_an_answer(agents: Agents) -> None:
    script = "turns: [{say: One two, delay: 60}]"
    ledger = await agents.run(assignment(script, annotations=limited(time=0.05)))
    assert ledger.phase is Phase.FAILED
    assert ledger.status.error.startswith("helper has reached its limit of 50 ms;")


async def test_requests_are_kept_as_they_were_sent_and_each_piece_once(agents: Agents) -> None:
    async with provider_server(openai_events, Answer(calls=[LOOK]), Answer(["Done."])) as provider:
        ask(agents, provider.url, "gpt-6-luna", "openai")
        ledger = await agents.run(assignment(message="Look around"))
        assert [ledger.body(0), ledger.body(1)] == provider.bodies
    first, second = ledger.requests
    assert (first.call_id, second.call_id) == ("turn/0", "turn/1")
    assert (first.url, first.key_variable) == (f"{provider.url}/chat/completions", "OPENAI_API_KEY")
    assert not first.pieces.keys() & second.pieces.keys()


async def test_a_kept_request_has_neither_the_key_nor_secrets(agents: Agents) -> None:
    async with provider_server(openai_events, Answer(["Done."])) as provider:
        ask(agents, provider.url, "gpt-6-luna", "openai")
        ledger = await agents.run(assignment(message=f"Use {SECRET} and {KEY}", secrets={"TOKEN": SECRET}))
        assert KEY in json.dumps(provider.bodies)
    kept = str(ledger.requests)
    assert SECRET not in kept
    assert KEY not in kept


async def test_what_a_script_got_is_kept_too(agents: Agents) -> None:
    ledger = await agents.run(assignment("turns: [{say: Hi, delay: 0}]", message="Good morning"))
    body = ledger.body(0)
    assert body["messages"] == [{"kind": "request", "parts": [{"part_kind": "user-prompt", "content": "Good morning"}]}]
    assert body["instructions"].startswith("Answer in one sentence.")
    assert "read_file" in [tool["name"] for tool in body["tools"]]
    [call] = ledger.model_calls.values()
    assert (call.model, call.input_tokens, call.HasField("cost")) == ("scripted (demo)", 0, False)


def both(agents: Agents, anthropic: str, openai: str) -> Mapping[str, str]:
    """An agent that falls back from one provider to the other."""
    agents.environment = {
        **agents.environment,
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": anthropic,
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": openai,
    }
    return {extensions.MODEL: "claude-sonnet-5-5", extensions.FALLBACK_MODELS: '["gpt-6-luna"]'}


OVERLOADED = Answer(status=529, error={"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}})


async def test_another_model_takes_the_place_of_an_overloaded_one(agents: Agents) -> None:
    async with (
        provider_server(anthropic_events, OVERLOADED) as first,
        provider_server(openai_events, Answer(calls=[LOOK]), Answer(["Done."])) as second,
    ):
        ledger = await agents.run(assignment(annotations=both(agents, first.url, second.url)))
        assert (len(first.requests), len(second.requests)) == (3, 2)
    assert (ledger.phase, ledger.answers) == (Phase.COMPLETED, ["Done."])
    [note] = [message.content for message in ledger.status.messages if message.type == 4]
    assert note == (
        "anthropic claude-sonnet-5-5: provider error 529, retried twice (529: Busy); "
        "openai gpt-6-luna is asked instead."
    )
    assert {call.model for call in ledger.model_calls.values()} == {"openai gpt-6-luna"}


async def test_another_model_takes_the_place_of_one_that_cannot_be_reached(agents: Agents) -> None:
    async with provider_server(openai_events, Answer(["Done."])) as second:
        ledger = await agents.run(assignment(annotations=both(agents, "http://127.0.0.1:9", second.url)))
    assert (ledger.phase, ledger.answers) == (Phase.COMPLETED, ["Done."])


@pytest.mark.parametrize("status", [400, 401, 404])
async def test_a_refused_request_is_not_sent_to_another_model(agents: Agents, status: int) -> None:
    refused = Answer(status=status, error={"type": "error", "error": {"type": "invalid", "message": "No"}})
    async with (
        provider_server(anthropic_events, refused) as first,
        provider_server(openai_events, Answer(["Done."])) as second,
    ):
        ledger = await agents.run(assignment(annotations=both(agents, first.url, second.url)))
        assert second.requests == []
    assert ledger.phase is Phase.FAILED


async def test_a_model_without_a_key_cannot_take_the_place(agents: Agents) -> None:
    async with provider_server(anthropic_events, OVERLOADED) as first:
        annotations = both(agents, first.url, "")
        agents.environment = {**agents.environment, "OPENAI_API_KEY": ""}
        ledger = await agents.run(assignment(annotations=annotations))
    assert ledger.phase is Phase.FAILED
    assert "gpt-6-luna cannot take its place: No key for openai, which gpt-6-luna needs" in ledger.status.error
