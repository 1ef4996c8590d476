"""Runs on the adapters of real providers, against a local server that speaks their wire formats."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from stigmer_tui.api.agent_execution_pb2 import ToolCallStatus
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.structs import to_data
from stigmer_tui.api.workflow_tasks_pb2 import AgentExecutionConfig
from stigmer_tui.core.configuration import AnswerSettings, ModelSettings
from stigmer_tui.definition import extensions
from tests.agents.conftest import Agents, assignment
from tests.agents.provider_server import WIRES, Answer, ProviderServer, provider_server

KEY = "sk-provider-key"
MODELS = {"anthropic": "claude-sonnet-5-5", "openai": "gpt-6-luna", "ollama": "qwen2.5-coder:7b"}
NO_RETRY = {"x-should-retry": "false"}

every_provider = pytest.mark.parametrize("provider", WIRES)


@asynccontextmanager
async def serving(agents: Agents, provider: str, *answers: Answer) -> AsyncIterator[ProviderServer]:
    """The provider's adapter talks to a server that gives these answers."""
    async with provider_server(WIRES[provider], *answers) as server:
        base_url = f"{server.url}/v1" if provider == "openai" else server.url
        agents.settings = ModelSettings(provider=provider, base_url=base_url)
        agents.environment = {**agents.environment, "STIGMER_LLM_API_KEY": KEY}
        yield server


@every_provider
async def test_text_tools_and_text_again(agents: Agents, provider: str) -> None:
    call = ("call_1", "write_file", {"file_path": "/a.txt", "content": "milk"})
    answers = Answer(["I will ", "write it down."], [call]), Answer(["Done."])
    async with serving(agents, provider, *answers) as server:
        ledger = await agents.run(assignment(message="Remember the milk"))
    assert ledger.status.error == ""
    assert ledger.kinds == ["HUMAN", "AI", "TOOL", "AI"]
    assert ledger.answers == ["I will write it down.", "Done."]
    assert (agents.folder / "a.txt").read_text() == "milk"
    metadata = {"model": MODELS[provider], "input_tokens": 12, "output_tokens": 34}
    assert to_data(ledger.status.messages[1].metadata) == metadata
    first, second = map(json.dumps, server.bodies)
    for expected in (
        "Answer in one sentence.",
        "Remember the milk",
        "read_file",
        "edit_file",
        "execute",
        MODELS[provider],
    ):
        assert expected in first
    assert "Wrote /a.txt, 1 line" in second
    assert KEY in str(server.requests[0].headers)
    assert KEY not in ledger.everything()


@every_provider
async def test_a_connection_is_used_for_all_requests(agents: Agents, provider: str) -> None:
    calls = [Answer(calls=[(f"call_{number}", "ls", {"path": f"/{number}"})]) for number in range(2)]
    async with serving(agents, provider, *calls, Answer(["Done."])) as server:
        await agents.run(assignment())
    assert (len(server.requests), server.connections) == (3, 1)


async def test_the_paths_of_the_providers(agents: Agents) -> None:
    paths = {}
    for number, provider in enumerate(WIRES):
        async with serving(agents, provider, Answer(["Hi"])) as server:
            await agents.run(assignment(execution_id=f"agx_{number}"))
            paths[provider] = server.requests[0].path.partition("?")[0]
    assert paths == {"anthropic": "/v1/messages", "openai": "/v1/chat/completions", "ollama": "/v1/chat/completions"}


@every_provider
async def test_servers_that_number_their_calls_anew_are_understood(agents: Agents, provider: str) -> None:
    answers = Answer(calls=[("call_0", "ls", {"path": "/"})]), Answer(calls=[("call_0", "ls", {})]), Answer(["Empty."])
    async with serving(agents, provider, *answers):
        ledger = await agents.run(assignment())
    assert len({call.id for call in ledger.calls}) == 2
    assert [call.result for call in ledger.calls] == ["/ is empty", "/ is empty"]


@every_provider
async def test_an_unknown_tool_is_a_failed_call(agents: Agents, provider: str) -> None:
    async with serving(agents, provider, Answer(calls=[("c1", "fly", {"to": "Rome"})]), Answer(["I cannot fly."])):
        ledger = await agents.run(assignment())
    assert "There is no tool 'fly'" in ledger.calls[0].error
    assert ledger.answers == ["I cannot fly."]
    assert ledger.phase is Phase.COMPLETED


@every_provider
async def test_a_model_that_repeats_itself_is_told_and_then_not_allowed_to_call(agents: Agents, provider: str) -> None:
    again = Answer(calls=[("c", "ls", {"path": "/"})])
    async with serving(agents, provider, *[again] * 5, Answer(["I give up."])) as server:
        ledger = await agents.run(assignment())
    told = ["You have called ls" in json.dumps(body) for body in server.bodies]
    assert told == [False, False, False, True, True, True]
    assert server.bodies[5].get("tool_choice") in ("none", {"type": "none"})
    assert ledger.answers == ["I give up."]


async def test_a_model_that_goes_on_repeating_itself_has_failed(agents: Agents) -> None:
    async with serving(agents, "openai", Answer(calls=[("c", "ls", {"path": "/"})])):
        ledger = await agents.run(assignment())
    assert ledger.phase is Phase.FAILED
    assert ledger.status.error.startswith("helper did not finish: ls was called 5 times in a row")


async def test_temperature_and_model_of_a_task_are_passed_on(agents: Agents) -> None:
    async with serving(agents, "openai", Answer(["Hi"])) as server:
        config = AgentExecutionConfig(model="local-model", temperature=0.5)
        await agents.run(assignment(config=config))
    assert server.bodies[0]["temperature"] == 0.5
    assert server.bodies[0]["model"] == "local-model"


ASKS = {extensions.MODEL: "agents-model", extensions.TEMPERATURE: "0.3"}


@every_provider
@pytest.mark.parametrize(
    ("annotations", "model", "config", "expected"),
    [
        (ASKS, "", AgentExecutionConfig(), ("agents-model", 0.3)),
        (ASKS, "runs-model", AgentExecutionConfig(), ("runs-model", 0.3)),
        (ASKS, "runs-model", AgentExecutionConfig(model="tasks-model", temperature=0.5), ("tasks-model", 0.5)),
        ({extensions.TEMPERATURE: "0"}, "runs-model", AgentExecutionConfig(), ("runs-model", 0)),
        ({}, "runs-model", AgentExecutionConfig(), ("runs-model", None)),
    ],
)
async def test_the_provider_is_asked_for_what_the_task_else_the_run_else_the_agent_asks_for(
    agents: Agents,
    provider: str,
    annotations: dict[str, str],
    model: str,
    config: AgentExecutionConfig,
    expected: tuple[str, float | None],
) -> None:
    async with serving(agents, provider, Answer(["Hi"])) as server:
        ledger = await agents.run(assignment(annotations=annotations, model=model, config=config))
    assert ledger.status.error == ""
    assert (server.bodies[0]["model"], server.bodies[0].get("temperature")) == expected


@every_provider
async def test_the_configured_answers_count_where_nobody_else_says(agents: Agents, provider: str) -> None:
    agents.answers = AnswerSettings(temperature=0.2, max_tokens=321)
    async with serving(agents, provider, Answer(["Hi"]), Answer(["Hi"])) as server:
        await agents.run(assignment(model="a-model"))
        warm = {extensions.TEMPERATURE: "0.3"}
        await agents.run(assignment(model="a-model", annotations=warm, execution_id="agx_2"))
    assert [body["temperature"] for body in server.bodies] == [0.2, 0.3]
    limits = [body.get("max_tokens") or body.get("max_completion_tokens") for body in server.bodies]
    assert limits == [321, 321]


@pytest.mark.parametrize("temperature", ["warm", "nan", "1.5", "-1"])
async def test_a_temperature_that_is_none_is_an_error_of_the_agent(agents: Agents, temperature: str) -> None:
    async with serving(agents, "openai", Answer(["Hi"])) as server:
        ledger = await agents.run(assignment(annotations={extensions.TEMPERATURE: temperature}))
    assert ledger.status.error == f"The temperature of the agent is '{temperature}', which is not a number from 0 to 1"
    assert server.bodies == []


@every_provider
async def test_half_characters_do_not_stop_a_run(agents: Agents, provider: str) -> None:
    call = ("c1", "write_file", {"file_path": "/a.txt", "content": "\ud83d"})
    async with serving(agents, provider, Answer(["a\ud83d", "\ude00 \ud83d."], [call]), Answer(["Done."])):
        ledger = await agents.run(assignment())
    assert ledger.status.error == ""
    assert ledger.answers == ["a😀 �.", "Done."]
    assert ledger.phase is Phase.COMPLETED


@pytest.mark.parametrize("raw", ['{"path": ', "[1]", "ls /"])
async def test_41_arguments_that_are_no_json_object_are_recorded_as_the_model_wrote_them(
    agents: Agents, raw: str
) -> None:
    async with serving(agents, "openai", Answer(calls=[("c1", "ls", raw)]), Answer(["Never mind."])):
        ledger = await agents.run(assignment(secrets={"TOKEN": "unrelated-secret"}))
    (call,) = ledger.calls
    assert to_data(call.args) == {"": raw}
    assert call.status == ToolCallStatus.TOOL_CALL_FAILED
    assert ledger.answers == ["Never mind."]


async def test_an_answer_at_the_limit_of_the_output_says_so(agents: Agents) -> None:
    async with serving(agents, "openai", Answer(["Once upon"], finish="length")):
        ledger = await agents.run(assignment())
    assert ledger.kinds == ["HUMAN", "AI", "SYSTEM"]
    assert ledger.phase is Phase.COMPLETED


def refused(status: int, message: str) -> Answer:
    return Answer(status=status, error={"type": "error", "error": {"message": message}}, headers=NO_RETRY)


ERRORS: dict[int, tuple[str, str]] = {
    401: ("invalid x-api-key", " was refused: the provider does not accept the key; check STIGMER_LLM_API_KEY"),
    404: ("no such model", " does not exist"),
    429: ("slow down", ": rate limited (429)"),
    500: ("oops", ": provider error 500"),
    503: ("overloaded", ": provider error 503"),
    400: ("temperature is out of range", " rejected the request"),
}


@every_provider
@pytest.mark.parametrize("status", ERRORS)
async def test_what_the_provider_refuses_is_told_in_words(agents: Agents, provider: str, status: int) -> None:
    said, meant = ERRORS[status]
    async with serving(agents, provider, refused(status, said)):
        ledger = await agents.run(assignment())
    assert ledger.phase is Phase.FAILED
    if (provider, status) == ("ollama", 404):
        meant = " is not there"
    assert ledger.status.error.startswith(f"{provider} {MODELS[provider]}{meant}")
    assert f"({status}: {said})" in ledger.status.error
    assert KEY not in ledger.everything()


async def test_a_model_that_ollama_does_not_have_comes_with_the_command_to_get_it(agents: Agents) -> None:
    async with serving(agents, "ollama", refused(404, "model not found")):
        ledger = await agents.run(assignment())
    assert "get it with: stigmer-tui provider pull qwen2.5-coder:7b" in ledger.status.error


async def test_a_rate_limit_says_how_long(agents: Agents) -> None:
    answer = Answer(status=429, error={"error": {"message": "slow"}}, headers={**NO_RETRY, "retry-after": "20"})
    async with serving(agents, "anthropic", answer):
        ledger = await agents.run(assignment())
    assert "rate limited (429), retry in 20 s" in ledger.status.error


@every_provider
async def test_a_broken_stream_keeps_what_was_said(agents: Agents, provider: str) -> None:
    async with serving(agents, provider, Answer(["Once ", "upon ", "a ", "time", " there", " was"], breaks_off=True)):
        ledger = await agents.run(assignment())
    assert ledger.phase is Phase.FAILED
    assert ledger.answers[0].startswith("Once upon")
    assert "was cut off in the middle of an answer" in ledger.status.error


@every_provider
async def test_a_provider_that_cannot_be_reached_is_named_with_its_address(agents: Agents, provider: str) -> None:
    async with serving(agents, provider, Answer(["Hi"])) as server:
        pass
    ledger = await agents.run(assignment())
    assert ledger.phase is Phase.FAILED
    assert f"{provider} {MODELS[provider]} cannot be reached at {server.url}" in ledger.status.error


async def test_34_a_proxy_that_does_not_answer_is_named_by_its_variable(
    agents: Agents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    agents.settings = ModelSettings(provider="openai", base_url="http://models.example/v1")
    ledger = await agents.run(assignment())
    assert "at http://models.example/v1, through the proxy that http_proxy names" in ledger.status.error


async def test_34_a_proxy_that_is_none_is_named_by_its_variable(
    agents: Agents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "ftp://nowhere")
    agents.settings = ModelSettings(provider="openai", base_url="http://models.example/v1")
    ledger = await agents.run(assignment())
    assert "http_proxy names a proxy of a kind that is not supported: ftp" in ledger.status.error


async def test_34_a_model_on_this_machine_is_asked_without_a_proxy(
    agents: Agents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with serving(agents, "openai", Answer(["Hi"])):
        ledger = await agents.run(assignment())
    assert ledger.answers == ["Hi"]
