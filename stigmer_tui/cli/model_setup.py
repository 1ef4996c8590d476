"""What the commands `secrets` and `provider` work with: settings, stored keys, and the daemon where one runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from stigmer_tui.agents.models.choice import ModelChooser
from stigmer_tui.agents.models.current import CurrentModels
from stigmer_tui.client.connection import Connection, connected
from stigmer_tui.client.daemon import offer_keys
from stigmer_tui.client.endpoint import Endpoint
from stigmer_tui.core.configuration import load_configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.model_providers import PROVIDERS, ModelProvider, find_provider
from stigmer_tui.core.paths import Home
from stigmer_tui.core.stored_keys import KeyStore
from stigmer_tui.daemon.running import running_endpoint


@dataclass(frozen=True, slots=True)
class ModelSetup:
    home: Home
    environment: Mapping[str, str]
    keys: KeyStore

    @classmethod
    def of_this_process(cls) -> ModelSetup:
        home = load_configuration(os.environ).home
        return cls(home, os.environ, KeyStore(home))

    def models(self) -> CurrentModels:
        return CurrentModels(self.home, self.environment, self.keys)

    def chooser(self) -> ModelChooser:
        """Raises StigmerError for a configuration that cannot be read."""
        return self.models().chooser()


def provider_named(name: str) -> ModelProvider:
    """Raises StigmerError for a name that no provider has."""
    if provider := find_provider(name):
        return provider
    raise StigmerError(f"There is no provider {name}", f"Providers: {', '.join(known.name for known in PROVIDERS)}")


def inform_daemon(home: Home, variables: Mapping[str, str], forgotten: Sequence[str] = ()) -> bool:
    """Gives the daemon keys, and lets it look again which model is configured. Returns whether one runs."""

    async def inform() -> bool:
        async with _daemon(home) as connection:
            if connection is None:
                return False
            await offer_keys(connection, variables, forgotten)
        return True

    return asyncio.run(inform())


@asynccontextmanager
async def _daemon(home: Home) -> AsyncIterator[Connection | None]:
    """A connection to the daemon; None where none runs."""
    endpoint = await running_endpoint(home)
    if endpoint is None:
        yield None
        return

    async def located() -> Endpoint:
        return endpoint

    async with connected(located) as connection:
        yield connection
