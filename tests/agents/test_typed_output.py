"""Agents whose answers have a schema: by the provider's own means, by a final tool, and by a script."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stigmer_tui.api.phases import Phase
from stigmer_tui.core.configuration import ModelSettings
from stigmer_tui.definition import extensions
from tests.agents.conftest import Agents, assignment
from tests.agents.provider_server import Answer, anthropic_events, openai_events, provider_server

SCHEMA = {
    "type": "object",
    "properties": {"score": {"type": "integer"}, "why": {"type": "string"}},
    "required": ["score"],
}
TYPED = {extensions.OUTPUT: json.dumps(SCHEMA)}
GOOD, WRONG = {"score": 7, "why": "Clear."}, {"score": "high"}


def ask(agents: Agents, url: str, provider: str, model: str) -> None:
    agents.settings = ModelSettings(provider, model, url)
    agents.environment = {**agents.environment, "ANTHROPIC_API_KEY": "sk", "OPENAI_API_KEY": "sk"}


def final(answer: dict[str, Any], call_id: str = "call_1") -> Answer:
    return Answer(calls=[(call_id, "final_answer", answer)])


async def test_a_provider_that_can_is_given_the_schema(agents: Agents) -> None:
    async with provider_server(anthropic_events, Answer([json.dumps(GOOD)])) as provider:
        ask(agents, provider.url, "anthropic", "claude-sonnet-5-5")
        ledger = await agents.run(assignment(annotations=TYPED))
        assert "score" in json.dumps(provider.bodies[0]["output_config"])
    assert (ledger.phase, [json.loads(answer) for answer in ledger.answers]) == (Phase.COMPLETED, [GOOD])


async def test_another_one_answers_by_a_final_tool_which_is_no_call_for_people(agents: Agents) -> None:
    async with provider_server(openai_events, final(GOOD)) as provider:
        ask(agents, provider.url, "openai", "my-own")
        ledger = await agents.run(assignment(annotations=TYPED))
        assert "final_answer" in [tool["function"]["name"] for tool in provider.bodies[0]["tools"]]
    assert ledger.phase is Phase.COMPLETED
    assert ledger.kinds == ["HUMAN", "AI"]
    assert [json.loads(answer) for answer in ledger.answers] == [GOOD]
    assert ledger.calls == []


async def test_a_wrong_answer_is_sent_back_once_with_the_reason(agents: Agents) -> None:
    async with provider_server(openai_events, final(WRONG), final(GOOD, "call_2")) as provider:
        ask(agents, provider.url, "openai", "my-own")
        ledger = await agents.run(assignment(annotations=TYPED))
        assert "score: 'high' is not of type 'integer'" in json.dumps(provider.bodies[1])
    assert (ledger.phase, json.loads(ledger.answers[-1])) == (Phase.COMPLETED, GOOD)


async def test_an_answer_that_stays_wrong_fails_the_run(agents: Agents) -> None:
    async with provider_server(openai_events, final(WRONG), final(WRONG, "call_2")) as provider:
        ask(agents, provider.url, "openai", "my-own")
        ledger = await agents.run(assignment(annotations=TYPED))
        assert len(provider.requests) == 2
    assert ledger.phase is Phase.FAILED
    assert "gave no usable answer, also when asked again: it does not fit the schema: score:" in ledger.status.error


async def test_what_is_called_beside_an_answer_is_made_before_the_end(agents: Agents) -> None:
    both = Answer(calls=[("call_1", "write_file", {"file_path": "/a.txt", "content": "a"}), *final(GOOD, "c2").calls])
    async with provider_server(openai_events, both) as provider:
        ask(agents, provider.url, "openai", "my-own")
        ledger = await agents.run(assignment(annotations=TYPED))
        assert len(provider.requests) == 1
    assert (ledger.phase, json.loads(ledger.answers[-1])) == (Phase.COMPLETED, GOOD)
    assert (agents.folder / "a.txt").read_text() == "a"


async def test_an_answer_in_prose_is_sent_back(agents: Agents) -> None:
    async with provider_server(openai_events, Answer(["Seven."]), final(GOOD)) as provider:
        ask(agents, provider.url, "openai", "my-own")
        ledger = await agents.run(assignment(annotations=TYPED))
        told = provider.bodies[1]["messages"][-1]["content"]
    assert told.startswith("Your answer cannot be used: it is not JSON: ")
    assert (ledger.phase, json.loads(ledger.answers[-1])) == (Phase.COMPLETED, GOOD)


async def test_a_model_that_takes_the_place_of_another_is_asked_by_its_own_means(agents: Agents) -> None:
    busy = Answer(status=529, error={"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}})
    models = {extensions.MODEL: "claude-sonnet-5-5", extensions.FALLBACK_MODELS: '["claude-3-haiku-20240307"]'}
    async with provider_server(anthropic_events, busy, busy, busy, final(GOOD)) as provider:
        ask(agents, provider.url, "anthropic", "")
        ledger = await agents.run(assignment(annotations={**TYPED, **models}))
        native, by_tool = provider.bodies[0], provider.bodies[-1]
    assert "output_config" in native and "output_config" not in by_tool
    assert "final_answer" in [tool["name"] for tool in by_tool["tools"]]
    assert (ledger.phase, [json.loads(answer) for answer in ledger.answers]) == (Phase.COMPLETED, [GOOD])


async def test_an_empty_answer_is_asked_for_again_twice(agents: Agents) -> None:
    async with provider_server(anthropic_events, Answer(), Answer(), Answer(["Hello."])) as provider:
        ask(agents, provider.url, "anthropic", "claude-sonnet-5-5")
        assert (await agents.run(assignment(execution_id="agx_1"))).answers == ["Hello."]
        provider.answers[:] = [Answer()]
        provider.requests.clear()
        ledger = await agents.run(assignment(execution_id="agx_2"))
        assert len(provider.requests) == 3
    assert ledger.phase is Phase.FAILED
    assert ledger.status.error.endswith("it is empty; ask for something else, or another model")


@pytest.mark.parametrize(("say", "phase"), [('{"score": 3}', Phase.COMPLETED), ("Three.", Phase.FAILED)])
async def test_what_a_script_says_is_checked_too(agents: Agents, say: str, phase: Phase) -> None:
    script = f"delay: 0\nturns:\n  - say: '{say}'\n"
    ledger = await agents.run(assignment(script, annotations=TYPED))
    assert ledger.phase is phase
