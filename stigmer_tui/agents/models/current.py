"""The models as they are configured at this moment: another provider is used by the next run, without a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from stigmer_tui.agents.models.choice import ModelChoice, ModelChooser, ModelPlan
from stigmer_tui.core.configuration import configuration_of
from stigmer_tui.core.configuration_file import ConfigurationFile
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home
from stigmer_tui.core.stored_keys import KeyPlace, KeyStore

KEYRING_LIMIT = 10.0
"""Seconds. A locked keyring may ask the person for a password, on another screen."""


@dataclass(frozen=True, slots=True)
class CurrentModels:
    home: Home
    environment: Mapping[str, str]
    """That of the process, with the keys that it was given later."""
    keys: KeyStore

    def chooser(self) -> ModelChooser:
        """Raises StigmerError for a configuration that cannot be read."""
        return self.chooser_of(ConfigurationFile.read(self.home.configuration))

    def chooser_of(self, file: ConfigurationFile) -> ModelChooser:
        """By another configuration file. Raises StigmerError for values that cannot be used."""
        settings = configuration_of(self.home, self.environment, file).model
        return ModelChooser(settings, self.environment, self.home.configuration, self.keys.list())

    async def plan(self, chooser: ModelChooser, asked: Sequence[str], has_script: bool) -> ModelPlan:
        """The models for a run that asks for these, the first one first. Raises StigmerError as `choose` does."""

        async def choose(name: str) -> ModelChoice:
            return await with_key(chooser.choose(name), self.keys)

        first = await with_key(chooser.choose(next(iter(asked), ""), has_script), self.keys)
        return ModelPlan(first, tuple(asked[1:]), choose)

    def describe(self) -> str:
        """The model of runs that ask for none, or `none`."""
        try:
            return self.chooser().describe()
        except StigmerError:
            return "none"


async def with_key(choice: ModelChoice, keys: KeyStore) -> ModelChoice:
    """With the key that it needs from where it is stored. Raises StigmerError."""
    stored = choice.stored
    if stored is None:
        return choice
    mend = f"stigmer-tui secrets set {choice.provider.name}"
    if stored.place is KeyPlace.FILE:
        raise StigmerError(
            f"The key for {choice.provider.name} is in a file that is still locked: run stigmer-tui secrets unlock"
        )
    try:
        key = await asyncio.wait_for(asyncio.to_thread(keys.read, stored), KEYRING_LIMIT)
    except TimeoutError as error:
        raise StigmerError(f"The keyring did not answer within {KEYRING_LIMIT:.0f} s: unlock it") from error
    if not key:
        raise StigmerError(f"The key for {choice.provider.name} is gone from the keyring: store it again with {mend}")
    return replace(choice, key=key, key_variable=stored.variable)
