"""The providers of models: what chooses a model, builds it, explains its failures or documents it walks this table.

How a provider is spoken to is the agent framework's affair, which knows it by `framework`. What stands here is what is
needed before the framework is loaded, or in processes that never load it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from stigmer_tui.core import settings


@dataclass(frozen=True, slots=True)
class ModelProvider:
    name: str
    """In the configuration."""
    framework: str
    """What the agent framework infers the classes of provider and model from; empty where no model is asked."""
    default_model: str
    key_variable: str = ""
    """Environment variable of its key; empty where none is needed."""
    base_url_variable: str = ""
    address: str = ""
    """Where it is unless a base URL says otherwise."""
    path: str = ""
    """At the end of every base URL, where the framework wants it and people leave it out."""
    pattern: str = ""
    """Regular expression for the beginning of its models' names; empty where names do not say whose they are."""
    is_gateway: bool = False
    """Whether with a base URL it is whatever speaks its API: then it needs no key, and may serve others' models."""
    when_missing: str = ""
    """What to do about a model that is not there, with `{model}` for its name."""
    when_unreachable: str = ""

    def serves(self, model: str) -> bool:
        """Whether the name of a model says that it is this provider's."""
        return bool(self.pattern) and re.match(self.pattern, model) is not None


ANTHROPIC = ModelProvider(
    name="anthropic",
    framework="anthropic",
    default_model="claude-sonnet-5-5",
    key_variable="ANTHROPIC_API_KEY",
    base_url_variable="ANTHROPIC_BASE_URL",
    address="https://api.anthropic.com",
    pattern=r"claude-",
)
OPENAI = ModelProvider(
    name="openai",
    framework="openai-chat",
    default_model="gpt-6-luna",
    key_variable="OPENAI_API_KEY",
    base_url_variable="OPENAI_BASE_URL",
    address="https://api.openai.com",
    pattern=r"gpt-(?!oss)|chatgpt-|o\d",
    is_gateway=True,
)
OLLAMA = ModelProvider(
    name="ollama",
    framework="ollama",
    default_model="qwen2.5-coder:7b",
    base_url_variable="OLLAMA_BASE_URL",
    address="http://localhost:11434",
    path="/v1",
    when_missing="get it with: stigmer-tui provider pull {model}",
    when_unreachable="start it with: ollama serve",
)
SCRIPTED = ModelProvider(name="scripted", framework="", default_model="scripted")
"""No model is asked: agents do what their scripts say."""

PROVIDERS = (ANTHROPIC, OPENAI, OLLAMA, SCRIPTED)
"""The first one that there is a key for is used where none is configured."""

COMPATIBLE = "-compatible"
"""What may stand behind the name of a provider: `openai-compatible` is `openai`, at another address."""


def find_provider(name: str) -> ModelProvider | None:
    """The provider that a configuration names, in any case of letters."""
    names = {provider.name: provider for provider in PROVIDERS}
    return names.get(name.lower().removesuffix(COMPATIBLE))


def provider_of_key(name: str) -> ModelProvider | None:
    """The provider whose key this is, by its own name or that of the variable of its key; None for all others."""
    keyed = {provider.key_variable: provider for provider in PROVIDERS if provider.key_variable}
    provider = find_provider(name)
    return provider if provider and provider.key_variable else keyed.get(name.upper())


KEY_VARIABLES = {provider.key_variable: provider.base_url_variable for provider in PROVIDERS if provider.key_variable}
"""Variables of keys, each with that of the address which the key is for."""
KEY_VARIABLES[settings.API_KEY.variable] = ""


def provider_keys(environment: Mapping[str, str]) -> dict[str, str]:
    """The keys that are there, each with the address that it is for: no key may go to another one."""
    found = {}
    for name, base_url in KEY_VARIABLES.items():
        if key := environment.get(name, "").strip():
            found[name] = key
            if base_url:
                found[base_url] = environment.get(base_url, "").strip()
    return found


def missing_keys(environment: Mapping[str, str], offered: Mapping[str, str]) -> dict[str, str]:
    """Of the keys that are offered, those that an environment has not."""
    own = provider_keys(environment)
    return provider_keys({name: value for name, value in offered.items() if name not in own})
