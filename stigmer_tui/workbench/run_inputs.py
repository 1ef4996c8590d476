"""What runs are started with: what a person gave last, what the project says, and what the keyring remembers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.workbench.events import SecretsRecalled, SecretsRemembered
from stigmer_tui.workbench.model import Resource
from stigmer_tui.workbench.run_defaults import RunDefaults, run_defaults
from stigmer_tui.workbench.run_secrets import RunSecrets
from stigmer_tui.workbench.session_cache import SessionCache
from stigmer_tui.workbench.state import Level, RunInput
from stigmer_tui.workbench.state_store import StateStore

if TYPE_CHECKING:
    # A command that runs once asks nobody.
    from stigmer_tui.workbench.suggestions import Suggestion


class RunInputs:
    def __init__(self, folder: Path, store: StateStore, cache: SessionCache, is_kept: bool) -> None:
        """Of runs from one folder. `is_kept`: the last inputs are those of the session before, and are kept."""
        self._folder = folder
        self._store = store
        self._cache = cache
        self._is_kept = is_kept
        self._last = cache.inputs() if is_kept else {}
        self._secrets = RunSecrets(folder, cache)

    def last(self, slug: str) -> RunInput:
        """What a resource was run with last; values that are secret only within this session."""
        return self._last.get(slug, RunInput())

    def note(self, resource: Resource, run_input: RunInput) -> None:
        self._last[resource.slug] = run_input
        if self._is_kept:
            self._cache.note_inputs(self._last)

    @property
    def default_message(self) -> str:
        """What the project says to a run that is given no message; may be empty."""
        return run_defaults(self._folder).message

    @property
    def has_values(self) -> bool:
        """Whether there are values for variables that nobody has given."""
        return bool(self._secrets.names) or self.defaults() != RunDefaults()

    def defaults(self) -> RunDefaults:
        return replace(run_defaults(self._folder), remembered=self._secrets.values)

    def suggestions(self, resource: Resource) -> list[Suggestion]:
        """A value for each variable of a resource, and where it comes from."""
        from stigmer_tui.workbench.suggestions import suggest

        return suggest(resource, self.last(resource.slug), self.defaults())

    async def load_secrets(self) -> None:
        """All that are remembered. Raises StigmerError where the keyring stays locked."""
        await self._secrets.load()

    async def recall_secrets(self, resources: Iterable[Resource], given: RunInput) -> None:
        """Reads what these declare, nobody has given, and the keyring remembers; it is used from now on. That the
        keyring stays locked is noted: a run may do without.
        """
        declared = {variable.name for resource in resources for variable in resource.variables if variable.is_secret}
        wanted = declared - given.environment.keys()
        try:
            await self._secrets.load(wanted)
        except StigmerError as error:
            self._store.note(str(error), Level.WARNING)
        if names := sorted(wanted & self._secrets.values.keys()):
            self._store.emit(SecretsRecalled(tuple(names)))

    async def remember_secrets(self, given: RunInput) -> None:
        """Puts the secrets of an input into the keyring. Raises StigmerError where there is none that encrypts."""
        secrets = {name: value.text for name, value in given.environment.items() if value.is_secret}
        for name, text in secrets.items():
            await self._secrets.remember(name, text)
        self._store.emit(SecretsRemembered(tuple(secrets)))

    async def keep_secrets(self, secrets: Mapping[str, str]) -> None:
        """Has the values remembered in the keyring; an empty one is forgotten. Raises StigmerError likewise."""
        for name, value in secrets.items():
            if value:
                await self._secrets.remember(name, value)
                self._store.note(f"{name} is in the keyring, for runs from this folder")
            else:
                await self._secrets.forget(name)
                self._store.note(f"{name} is no longer in the keyring")
