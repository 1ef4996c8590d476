"""Secrets of runs that a person has had remembered: values in the keyring, names in the cache of the session."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stigmer_tui.core.known_secrets import remember_values

if TYPE_CHECKING:
    from stigmer_tui.core.stored_keys import Keyring
    from stigmer_tui.workbench.session_cache import SessionCache


class RunSecrets:
    """All of it raises StigmerError where there is no keyring that encrypts, or where it stays locked."""

    def __init__(self, folder: Path, cache: SessionCache, keyring: Keyring | None = None) -> None:
        """They are those of runs from one folder."""
        self._folder = folder
        self._cache = cache
        self._keyring = keyring
        self.values: Mapping[str, str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Of all that are remembered, whether they were loaded or not."""
        return self._cache.remembered_secrets()

    async def load(self, wanted: Iterable[str] | None = None) -> None:
        """All, or those of these names. A keyring is asked only where something was remembered: it may ask for a
        password.
        """
        names = [name for name in self.names if wanted is None or name in wanted]
        if names:
            found = await asyncio.to_thread(lambda: {name: self._ring().read(self._entry(name)) for name in names})
            self._take({**self.values, **{name: value for name, value in found.items() if value}})

    async def remember(self, name: str, value: str) -> None:
        await asyncio.to_thread(lambda: self._ring().write(self._entry(name), value))
        self._take({**self.values, name: value})
        self._cache.note_remembered_secrets({*self.names, name})

    async def forget(self, name: str) -> None:
        await asyncio.to_thread(lambda: self._ring().delete(self._entry(name)))
        self._take({other: value for other, value in self.values.items() if other != name})
        self._cache.note_remembered_secrets({*self.names} - {name})

    def _take(self, values: Mapping[str, str]) -> None:
        self.values = values
        remember_values(values.values())

    def _entry(self, name: str) -> str:
        return f"{name} for runs in {self._folder}"

    def _ring(self) -> Keyring:
        if self._keyring is None:
            from stigmer_tui.core.stored_keys import SystemKeyring

            self._keyring = SystemKeyring()
        return self._keyring
