"""From a choice to the framework's model, over one HTTP client. A provider's software is loaded when it is used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx2
from pydantic_ai.models import Model

from stigmer_tui.agents.models.anthropic_message import AnthropicMessage
from stigmer_tui.agents.models.chat_completion import ChatCompletion
from stigmer_tui.agents.models.checked_stream import FIRST_WORD, Answer, CheckedStream
from stigmer_tui.agents.models.choice import ModelChoice, Provider
from stigmer_tui.runners.outgoing import OutgoingTransport

CONNECT_LIMIT = 10.0
"""Seconds."""


def provider_client(answer: Callable[[], Answer]) -> httpx2.AsyncClient:
    """A client whose answers are checked, each by a new `answer`."""

    async def check(response: httpx2.Response) -> None:
        if response.is_success and isinstance(response.stream, httpx2.AsyncByteStream):
            encoding = response.headers.pop("content-encoding", "")
            response.headers.pop("content-length", None)
            response.headers["content-type"] = "text/event-stream"
            response.stream = CheckedStream(response.stream, encoding, answer())

    return httpx2.AsyncClient(
        transport=OutgoingTransport(httpx2.Limits(max_connections=1000, max_keepalive_connections=100)),
        timeout=httpx2.Timeout(FIRST_WORD, connect=CONNECT_LIMIT),
        # Compression makes a stream wait for itself.
        headers={"accept-encoding": "identity"},
        event_hooks={"response": [check]},
    )


class Adapters:
    """Gives the same model for the same choice, so that its connections are used again."""

    def __init__(self) -> None:
        self._models: dict[ModelChoice, Model] = {}

    async def model(self, choice: ModelChoice) -> Model:
        """Takes about a second the first time that a provider is used."""
        if choice not in self._models:
            self._models[choice] = await asyncio.to_thread(_build, choice)
        return self._models[choice]


def _build(choice: ModelChoice) -> Model:
    key = choice.key or None
    match choice.provider:
        case Provider.ANTHROPIC:
            from pydantic_ai.models.anthropic import AnthropicModel
            from pydantic_ai.providers.anthropic import AnthropicProvider

            client = provider_client(AnthropicMessage)
            anthropic = AnthropicProvider(api_key=key, base_url=choice.base_url or None, http_client=client)
            # What is asked again, and when, is decided where people can be told of it.
            anthropic.client.max_retries = 0
            return AnthropicModel(choice.model, provider=anthropic)
        case Provider.OPENAI | Provider.OLLAMA:
            return _chat_model(choice, key)
        case Provider.SCRIPTED:
            raise ValueError("a script is played, not asked")


def _chat_model(choice: ModelChoice, key: str | None) -> Model:
    from pydantic_ai.models.ollama import OllamaModel
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.ollama import OllamaProvider
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    url, client = choice.base_url, provider_client(ChatCompletion)
    model: OpenAIChatModel
    if choice.provider is Provider.OLLAMA:
        model = OllamaModel(choice.model, provider=OllamaProvider(base_url=url, api_key=key, http_client=client))
    elif url:
        compatible = OpenAICompatibleProvider("openai-compatible", base_url=url, api_key=key, http_client=client)
        model = OpenAIChatModel(choice.model, provider=compatible)
    else:
        model = OpenAIChatModel(choice.model, provider=OpenAIProvider(api_key=key, http_client=client))
    model.client.max_retries = 0
    return model
