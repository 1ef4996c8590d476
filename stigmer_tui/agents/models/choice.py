"""Which model an agent uses: what its run asks for, else what is configured, else what there is a key for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from stigmer_tui.core.configuration import ModelSettings
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.known_secrets import without_credentials


class Provider(StrEnum):
    ANTHROPIC = "anthropic"
    OPENAI = "openai"
    """OpenAI itself, or with a base URL whatever speaks its chat completions."""
    OLLAMA = "ollama"
    SCRIPTED = "scripted"


DEFAULT_MODELS = {
    Provider.ANTHROPIC: "claude-sonnet-5-5",
    Provider.OPENAI: "gpt-6-luna",
    Provider.OLLAMA: "qwen2.5-coder:7b",
    Provider.SCRIPTED: "scripted",
}
KEY_VARIABLES = {Provider.ANTHROPIC: "ANTHROPIC_API_KEY", Provider.OPENAI: "OPENAI_API_KEY"}
COMMON_KEY_VARIABLE = "STIGMER_LLM_API_KEY"
"""Key of the configured provider, whichever that is."""
BASE_URL_VARIABLES = {
    Provider.ANTHROPIC: "ANTHROPIC_BASE_URL",
    Provider.OPENAI: "OPENAI_BASE_URL",
    Provider.OLLAMA: "OLLAMA_BASE_URL",
}
HAND_OVER = "hand it to the daemon"
"""What becomes of a key that the daemon has not; it is not looked for in files of the shell."""
DEFAULT_OLLAMA = "http://localhost:11434"

_FAMILIES = (
    (re.compile(r"claude-"), Provider.ANTHROPIC),
    (re.compile(r"gpt-(?!oss)|chatgpt-|o\d"), Provider.OPENAI),
)


@dataclass(frozen=True, slots=True)
class ModelChoice:
    provider: Provider
    model: str
    base_url: str = ""
    key: str = field(default="", repr=False)
    key_variable: str = ""
    """Where the key came from."""

    def __str__(self) -> str:
        return "scripted (demo)" if self.provider is Provider.SCRIPTED else f"{self.provider} {self.model}"


SCRIPTED = ModelChoice(Provider.SCRIPTED, DEFAULT_MODELS[Provider.SCRIPTED])


@dataclass(frozen=True, slots=True)
class ModelChooser:
    settings: ModelSettings
    environment: Mapping[str, str]
    file: Path
    """The configuration file, for messages."""

    def choose(self, asked: str = "", has_script: bool = False) -> ModelChoice:
        """The model for a run that may ask for one by name, of an agent that may carry a script.

        Raises StigmerError, saying what to set, when there is none.
        """
        configured = self._configured()
        if configured is Provider.SCRIPTED or (configured is None and (has_script or self.settings.script)):
            return SCRIPTED
        asked = model_id(asked or ("" if self.settings.provider else self.settings.model))
        provider = self._provider_of(asked, configured)
        if provider is None:
            raise StigmerError(
                "No model: set ANTHROPIC_API_KEY or OPENAI_API_KEY where you open the app or use `run`, which"
                f" {HAND_OVER}, or configure a provider in {self.file}"
            )
        is_configured = provider is configured
        model = asked or (model_id(self.settings.model) if is_configured else "") or DEFAULT_MODELS[provider]
        base_url = self._base_url(provider, is_configured)
        variable, key = self._key(provider, configured in (None, provider))
        if not key and provider in KEY_VARIABLES and not (provider is Provider.OPENAI and base_url):
            raise StigmerError(
                f"No key for {provider}, which {model} needs: set {KEY_VARIABLES[provider]} where you open the app or"
                f" use `run`, which {HAND_OVER}"
            )
        return ModelChoice(provider, model, base_url, key, variable)

    def describe(self) -> str:
        """What agents use that ask for nothing: `anthropic claude-sonnet-5-5`, `scripted (demo)`, or `none`."""
        try:
            return str(self.choose(has_script=True))
        except StigmerError:
            return "none"

    def _configured(self) -> Provider | None:
        """The provider that is configured, or that there is a key for."""
        if name := self.settings.provider:
            try:
                return Provider(name.removesuffix("-compatible"))
            except ValueError as error:
                raise StigmerError(f"Unknown model provider {name}: choose one of {', '.join(Provider)}") from error
        return next((provider for provider, variable in KEY_VARIABLES.items() if self.environment.get(variable)), None)

    def _provider_of(self, asked: str, configured: Provider | None) -> Provider | None:
        family = _family(asked)
        if family is None or family is configured:
            return configured
        # Behind a base URL may be a gateway that serves the models of others; one's own key is the better way.
        is_gateway = configured is Provider.OPENAI and bool(self.settings.base_url)
        return configured if is_gateway and not self.environment.get(KEY_VARIABLES[family]) else family

    def _base_url(self, provider: Provider, is_configured: bool) -> str:
        configured = self.settings.base_url if is_configured else ""
        url = (configured or self.environment.get(BASE_URL_VARIABLES[provider], "")).strip().rstrip("/")
        if url and not _is_address(url):
            where = f"STIGMER_LLM_BASE_URL, or base_url in {self.file}," if configured else BASE_URL_VARIABLES[provider]
            raise StigmerError(
                f"{where} is not a URL: {without_credentials(url)}", "Expected one such as http://127.0.0.1:11434."
            )
        if provider is not Provider.OLLAMA:
            return url
        # Ollama's own API is at the root, the one that we speak below /v1.
        return f"{(url or DEFAULT_OLLAMA).removesuffix('/v1')}/v1"

    def _key(self, provider: Provider, is_chosen: bool) -> tuple[str, str]:
        variables = [COMMON_KEY_VARIABLE] if is_chosen else []
        if provider in KEY_VARIABLES:
            variables.append(KEY_VARIABLES[provider])
        return next(((name, key) for name in variables if (key := self.environment.get(name, "").strip())), ("", ""))


def model_id(name: str) -> str:
    """The id of a model by the name that people use: `claude-sonnet-4.5` is `claude-sonnet-4-5`."""
    name = name.strip()
    return name.lower().replace(".", "-") if name.lower().startswith("claude-") else name


def _is_address(url: str) -> bool:
    try:
        address = urlsplit(url)
        return address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:
        return False


def _family(model: str) -> Provider | None:
    """Whose model it is, where its name tells."""
    return next((provider for pattern, provider in _FAMILIES if pattern.match(model_id(model))), None)
