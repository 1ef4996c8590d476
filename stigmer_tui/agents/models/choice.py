"""Chooses the model of a run: the one that it asks for, else the configured one, else one that there is a key for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from stigmer_tui.core import model_providers, settings
from stigmer_tui.core.configuration import ModelSettings
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.known_secrets import without_credentials
from stigmer_tui.core.model_providers import PROVIDERS, ModelProvider, find_provider
from stigmer_tui.core.stored_keys import StoredKey, find_stored

HAND_OVER = "where you open the app or use `run`, which hand it to the daemon"
"""How a key reaches the daemon, which does not read the start-up files of shells."""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model, and how to reach it."""

    provider: ModelProvider
    model: str
    base_url: str = ""
    key: str = field(default="", repr=False)
    key_variable: str = ""
    """The variable that the key came from."""
    stored: StoredKey | None = None
    """What the key is to be read from, where no variable has one."""

    def __str__(self) -> str:
        return "scripted (demo)" if self.is_scripted else f"{self.provider.name} {self.model}"

    @property
    def is_scripted(self) -> bool:
        """Whether a script is played instead of a model."""
        return self.provider is model_providers.SCRIPTED


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """The models of a run, in the order in which they are asked."""

    first: ModelChoice
    others: tuple[str, ...]
    """Names of those that take its place where it is overloaded or cannot be reached."""
    choose: Callable[[str], Awaitable[ModelChoice]]
    """Raises StigmerError, with what to set, for a model that there is no key for."""


SCRIPTED = ModelChoice(model_providers.SCRIPTED, model_providers.SCRIPTED.default_model)


@dataclass(frozen=True, slots=True)
class ModelChooser:
    """Chooses models by the configuration and the environment."""

    settings: ModelSettings
    environment: Mapping[str, str]
    file: Path
    """The configuration file, for messages."""
    stored: Sequence[StoredKey] = ()
    """The keys that a person has stored; a variable wins over them."""

    def choose(self, asked: str = "", has_script: bool = False) -> ModelChoice:
        """The model for a run. `asked` is the name that the run asks for; `has_script` whether its agent has a script.

        Raises StigmerError, with what to set, when there is none.
        """
        configured = self.configured()
        if configured is SCRIPTED.provider or (configured is None and (has_script or self.settings.script)):
            return SCRIPTED
        asked = model_id(asked or ("" if self.settings.provider else self.settings.model))
        provider = self._provider_of(asked, configured)
        if provider is None:
            variables = " or ".join(known.key_variable for known in PROVIDERS if known.key_variable)
            raise StigmerError(
                f"No model: set {variables} {HAND_OVER}, or choose a provider: stigmer-tui provider use NAME"
            )
        is_configured = provider is configured
        model = asked or (model_id(self.settings.model) if is_configured else "") or provider.default_model
        base_url = self._base_url(provider, is_configured)
        variable, key = self._key(provider, configured in (None, provider))
        stored = None if key else find_stored(self.stored, provider.key_variable, base_url)
        if provider.key_variable and not key and not stored and not (provider.is_gateway and base_url):
            raise StigmerError(
                f"No key for {provider.name}, which {model} needs: set {provider.key_variable} {HAND_OVER},"
                f" or store it: stigmer-tui secrets set {provider.name}"
            )
        return ModelChoice(provider, model, base_url, key, variable, stored)

    def address(self, provider: ModelProvider) -> str:
        """The base URL of a provider; empty for its own address. Raises StigmerError for one that is not a URL."""
        return self._base_url(provider, provider is self.configured())

    def alone(self, provider: ModelProvider) -> ModelChooser:
        """As if this provider were configured. Model, address and common key of the configured one stay with that."""
        if self.settings.provider and provider is self.configured():
            return self
        environment = {name: value for name, value in self.environment.items() if name != settings.API_KEY.variable}
        return replace(self, settings=ModelSettings(provider.name), environment=environment)

    def configured(self) -> ModelProvider | None:
        """The configured provider, or one that there is a key for. Raises StigmerError for one that does not exist."""
        if not (name := self.settings.provider):
            return next(filter(self._has_key, PROVIDERS), None)
        if found := find_provider(name):
            return found
        names = ", ".join(provider.name for provider in PROVIDERS)
        raise StigmerError(f"Unknown model provider {name}: choose one of {names}")

    def describe(self) -> str:
        """The model of runs that ask for none: `anthropic claude-sonnet-5-5`, `scripted (demo)`, or `none`."""
        try:
            return str(self.choose(has_script=True))
        except StigmerError:
            return "none"

    def _provider_of(self, asked: str, configured: ModelProvider | None) -> ModelProvider | None:
        family = next((provider for provider in PROVIDERS if provider.serves(asked)), None)
        if family is None or family is configured:
            return configured
        # A base URL may be that of a gateway, which serves models of others. A key of their own provider is preferred.
        is_gateway = configured is not None and configured.is_gateway and bool(self.settings.base_url)
        return configured if is_gateway and not self._has_key(family) else family

    def _has_key(self, provider: ModelProvider) -> bool:
        """For its address where it is not configured."""
        if self.environment.get(provider.key_variable):
            return True
        address = self.environment.get(provider.base_url_variable, "").strip().rstrip("/")
        return find_stored(self.stored, provider.key_variable, address) is not None

    def _base_url(self, provider: ModelProvider, is_configured: bool) -> str:
        configured = self.settings.base_url if is_configured else ""
        url = (configured or self.environment.get(provider.base_url_variable, "")).strip().rstrip("/")
        if url and not _is_address(url):
            setting = f"{settings.BASE_URL.variable}, or {settings.BASE_URL.keys[-1]} in {self.file},"
            where = setting if configured else provider.base_url_variable
            raise StigmerError(
                f"{where} is not a URL: {without_credentials(url)}", "Expected one such as http://127.0.0.1:11434."
            )
        return f"{(url or provider.address).removesuffix(provider.path)}{provider.path}" if provider.path else url

    def _key(self, provider: ModelProvider, is_chosen: bool) -> tuple[str, str]:
        variables = (*([settings.API_KEY.variable] if is_chosen else []), provider.key_variable)
        return next(((name, key) for name in variables if (key := self.environment.get(name, "").strip())), ("", ""))


def model_id(name: str) -> str:
    """The id of a model by its common name: `claude-sonnet-4.5` is `claude-sonnet-4-5`."""
    name = name.strip()
    return name.lower().replace(".", "-") if name.lower().startswith("claude-") else name


def _is_address(url: str) -> bool:
    try:
        address = urlsplit(url)
        return address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:
        return False
