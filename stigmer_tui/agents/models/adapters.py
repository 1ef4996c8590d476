"""From a choice to the framework's model, over one HTTP client. A provider's software is loaded when it is used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
from pydantic_ai.models import Model, infer_model
from pydantic_ai.providers import Provider, infer_provider_class

from stigmer_tui.agents.models.anthropic_message import AnthropicMessage
from stigmer_tui.agents.models.chat_completion import ChatCompletion
from stigmer_tui.agents.models.checked_stream import FIRST_WORD, Answer, CheckedStream
from stigmer_tui.agents.models.choice import ModelChoice
from stigmer_tui.runners.outgoing import OutgoingTransport

CONNECT_LIMIT = 10.0
"""Seconds."""

ANSWERS: dict[str, Callable[[], Answer]] = {"anthropic": AnthropicMessage}
"""What reads the stream of an answer, by what the framework calls the provider; all others send chat completions."""


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
    framework = choice.provider.framework
    provider = _provider(choice, provider_client(ANSWERS.get(framework, ChatCompletion)))
    # What is asked again, and when, is decided where people can see it.
    provider.client.max_retries = 0
    return infer_model(f"{framework}:{choice.model}", lambda _: provider)


def _provider(choice: ModelChoice, client: httpx2.AsyncClient) -> Provider[Any]:
    key, url = choice.key or None, choice.base_url or None
    if url and choice.provider.is_gateway:
        from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

        return OpenAICompatibleProvider("openai-compatible", base_url=url, api_key=key, http_client=client)
    provider: Callable[..., Provider[Any]] = infer_provider_class(choice.provider.framework)
    return provider(api_key=key, base_url=url, http_client=client)
