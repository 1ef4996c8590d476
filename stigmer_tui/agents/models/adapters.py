"""From a choice to the framework's model. Each provider's software is loaded when the provider is first used."""

from __future__ import annotations

import asyncio

from pydantic_ai.models import Model

from stigmer_tui.agents.models.choice import ModelChoice, Provider


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

            anthropic = AnthropicProvider(api_key=key, base_url=choice.base_url or None)
            return AnthropicModel(choice.model, provider=anthropic)
        case Provider.OPENAI if choice.base_url:
            from pydantic_ai.models.openai import OpenAIChatModel
            from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

            compatible = OpenAICompatibleProvider("openai-compatible", base_url=choice.base_url, api_key=key)
            return OpenAIChatModel(choice.model, provider=compatible)
        case Provider.OPENAI:
            from pydantic_ai.models.openai import OpenAIChatModel
            from pydantic_ai.providers.openai import OpenAIProvider

            return OpenAIChatModel(choice.model, provider=OpenAIProvider(api_key=key))
        case Provider.OLLAMA:
            from pydantic_ai.models.ollama import OllamaModel
            from pydantic_ai.providers.ollama import OllamaProvider

            return OllamaModel(choice.model, provider=OllamaProvider(base_url=choice.base_url, api_key=key))
        case Provider.SCRIPTED:
            raise ValueError("a script is played, not asked")
