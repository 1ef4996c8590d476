"""What is sent without the client libraries, what is made of the response and of refusals, is what is with them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import (
    BinaryContent,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters, infer_model
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from stigmer_tui.agents.models import adapters
from stigmer_tui.agents.models.adapters import Adapters
from stigmer_tui.agents.models.choice import ModelChoice
from stigmer_tui.agents.models.direct_calls import TELEMETRY
from stigmer_tui.core.model_providers import find_provider
from tests.agents.provider_server import WIRES, Answer, ProviderServer, Request, provider_server

TOOL = ToolDefinition(
    name="read_file",
    description="Reads a file.",
    parameters_json_schema={"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
)
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
TYPED = ModelRequestParameters(
    function_tools=[TOOL], output_mode="native", output_object=OutputObjectDefinition(SCHEMA, name="answer")
)
PICTURE = BinaryContent(b"\x89PNG\r\n", media_type="image/png")
CONVERSATION: list[ModelMessage] = [
    ModelRequest([UserPromptPart(["What is “this”?", PICTURE])], instructions="Be brief."),
    ModelResponse([TextPart("I look."), ToolCallPart("read_file", {"path": "/a"}, "call_1")]),
    ModelRequest([ToolReturnPart("read_file", "ä\n<b>", "call_1")], instructions="Be brief."),
]
CALLS: list[tuple[str, str, dict[str, Any] | str]] = [
    ("call_1", "read_file", {"path": "/a"}),
    ("call_2", "read_file", "{not JSON"),
]
SETTINGS = {
    "plain": ModelSettings(),
    "all of ours": ModelSettings(cache=True, temperature=0.5, max_tokens=100, tool_choice="none"),
    "thinking": ModelSettings(thinking="high"),
    "betas": {"anthropic_betas": ["context-2026"]},
    "extra": ModelSettings(extra_headers={"x-team": "a"}, extra_body={"extra": {"a": 1}}),
}


@dataclass(frozen=True)
class Both:
    """Our model, and that of the framework with its client library, at the same server."""

    server: ProviderServer
    ours: Model
    theirs: Model


@asynccontextmanager
async def both(provider: str, *answers: Answer) -> AsyncIterator[Both]:
    async with provider_server(WIRES[provider], *answers) as server, httpx2.AsyncClient() as http:
        known = find_provider(provider)
        assert known is not None
        choice = ModelChoice(known, known.default_model, server.url, "key")
        library = adapters._provider(choice, http)
        library.client.max_retries = 0
        theirs = infer_model(f"{known.framework}:{choice.model}", lambda _: library)
        yield Both(server, await Adapters().model(choice), theirs)


async def asked(model: Model, settings: Any, parameters: ModelRequestParameters) -> ModelResponse:
    async with model.request_stream(CONVERSATION, settings, parameters) as stream:
        async for _ in stream:
            pass
        return stream.get()


def headers(request: Request) -> dict[str, str]:
    """Without what the libraries tell of themselves, and what depends on the connection."""
    own = (TELEMETRY, "accept-encoding", "content-length", "host", "connection")
    return {name: value for name, value in request.headers.items() if not name.startswith(own)}


@pytest.mark.filterwarnings("ignore:Sampling parameters")
@pytest.mark.parametrize("parameters", [ModelRequestParameters(function_tools=[TOOL]), TYPED], ids=["text", "typed"])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("provider", WIRES)
async def test_requests_are_the_same(provider: str, settings: Any, parameters: ModelRequestParameters) -> None:
    async with both(provider, Answer(["Good ", "morning."])) as it:
        for model in (it.ours, it.theirs):
            await asked(model, settings, parameters)
        ours, theirs = it.server.requests
    assert ours.path == theirs.path
    assert ours.body == theirs.body
    assert headers(ours) == headers(theirs)


@pytest.mark.parametrize(
    ("provider", "answer"),
    [
        *((provider, Answer(["Good ", "morning."])) for provider in WIRES),
        *((provider, Answer(["I look."], CALLS)) for provider in WIRES),
        ("openai", Answer(["Good "], finish="length")),
        ("anthropic", Answer(["Good "], finish="max_tokens")),
    ],
)
async def test_responses_are_the_same(provider: str, answer: Answer) -> None:
    async with both(provider, answer) as it:
        parameters = ModelRequestParameters(function_tools=[TOOL])
        ours, theirs = [await asked(model, ModelSettings(), parameters) for model in (it.ours, it.theirs)]
    assert ours.parts == theirs.parts
    assert (ours.usage, ours.finish_reason) == (theirs.usage, theirs.finish_reason)
    assert (ours.model_name, ours.provider_response_id) == (theirs.model_name, theirs.provider_response_id)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 500, 503, 529])
@pytest.mark.parametrize("provider", WIRES)
async def test_refusals_are_the_same(provider: str, status: int) -> None:
    error = {"type": "error", "error": {"type": "some_error", "message": "No.", "code": "some_code"}}
    refused = Answer(status=status, error=error, headers={"retry-after": "7"})
    failures = []
    async with both(provider, refused) as it:
        for model in (it.ours, it.theirs):
            with pytest.raises(ModelHTTPError) as failure:
                await asked(model, ModelSettings(), ModelRequestParameters())
            failures.append(failure.value)
    ours, theirs = failures
    assert type(ours) is type(theirs)
    assert (ours.status_code, ours.body, ours.retry_after) == (theirs.status_code, theirs.body, theirs.retry_after)
