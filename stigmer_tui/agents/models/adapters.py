"""Makes the framework's model for a choice. The client library of a provider is loaded when it is first used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx2
from pydantic_ai.models import Model, infer_model
from pydantic_ai.providers import Provider, infer_provider_class

from stigmer_tui.agents.models.checked_stream import FIRST_OUTPUT_LIMIT
from stigmer_tui.agents.models.choice import ModelChoice
from stigmer_tui.agents.models.known_tools import convert_tools_once
from stigmer_tui.core.model_providers import ANTHROPIC
from stigmer_tui.runners.outgoing import OutgoingTransport

CONNECT_LIMIT = 10.0
"""Seconds."""


def provider_client() -> httpx2.AsyncClient:
    """An HTTP client for one provider."""
    return httpx2.AsyncClient(
        transport=OutgoingTransport(httpx2.Limits(max_connections=1000, max_keepalive_connections=100)),
        timeout=httpx2.Timeout(FIRST_OUTPUT_LIMIT, connect=CONNECT_LIMIT),
        # Compression delays a stream.
        headers={"accept-encoding": "identity"},
    )


class Adapters:
    """Keeps the model of each choice, so that its connections are reused."""

    def __init__(self) -> None:
        self._models: dict[ModelChoice, Model] = {}

    async def model(self, choice: ModelChoice) -> Model:
        """The model for a choice. The first one of a provider takes about a second."""
        if choice not in self._models:
            self._models[choice] = await asyncio.to_thread(_build, choice)
        return self._models[choice]

    async def load(self, choice: ModelChoice) -> None:
        """Loads what a model of this provider needs; the key may be missing."""
        if choice.key:
            await self.model(choice)
        else:
            await asyncio.to_thread(_build, replace(choice, key="none"))


def _build(choice: ModelChoice) -> Model:
    http = provider_client()
    provider = _provider(choice, http)
    if choice.provider is ANTHROPIC:
        from stigmer_tui.agents.models.anthropic_message import call_directly as call_messages_directly

        call_messages_directly(provider.client, http)
    else:
        from stigmer_tui.agents.models.chat_completion import call_directly as call_completions_directly

        call_completions_directly(provider.client, http)
    model = infer_model(f"{choice.provider.framework}:{choice.model}", lambda _: provider)
    convert_tools_once(model)
    # Looked up now, because it takes 10 ms.
    _ = model.profile
    return model


def _provider(choice: ModelChoice, client: httpx2.AsyncClient) -> Provider[Any]:
    key, url = choice.key or None, choice.base_url or None
    if url and choice.provider.is_gateway:
        from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

        return OpenAICompatibleProvider("openai-compatible", base_url=url, api_key=key, http_client=client)
    provider: Callable[..., Provider[Any]] = infer_provider_class(choice.provider.framework)
    return provider(api_key=key, base_url=url, http_client=client)
