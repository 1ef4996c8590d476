"""Secrets of runs that a person has had remembered: values in the keyring, names in the cache of the session."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stigmer_tui.core.known_secrets import remember_values

if TYPE_CHECKING:
    from stigmer_tui.core.stored_keys import Keyring
    from stigmer_tui.workbench.session_cache import SessionCache


class RunSecrets:
    """All of it raises StigmerError where there is no keyring that encrypts, or where it stays locked."""

    def __init__(self, folder: Path, cache: SessionCache | None, keyring: Keyring | None = None) -> None:
        """They are those of runs from one folder. Without a cache nothing is remembered."""
        self._folder = folder
        self._cache = cache
        self._keyring = keyring
        self.values: Mapping[str, str] = {}

    async def load(self) -> None:
        """A keyring is asked only where something was remembered: it may ask for a password."""
        if self._cache and (names := self._cache.remembered_secrets()):
            found = await asyncio.to_thread(lambda: {name: self._ring().read(self._entry(name)) for name in names})
            self._take({name: value for name, value in found.items() if value})

    async def remember(self, name: str, value: str) -> None:
        if self._cache:
            await asyncio.to_thread(lambda: self._ring().write(self._entry(name), value))
            self._take({**self.values, name: value})

    async def forget(self, name: str) -> None:
        if self._cache:
            await asyncio.to_thread(lambda: self._ring().delete(self._entry(name)))
            self._take({other: value for other, value in self.values.items() if other != name})

    def _take(self, values: Mapping[str, str]) -> None:
        self.values = values
        remember_values(values.values())
        if self._cache:
            self._cache.note_remembered_secrets(values)

    def _entry(self, name: str) -> str:
        return f"{name} for runs in {self._folder}"

    def _ring(self) -> Keyring:
        if self._keyring is None:
            from stigmer_tui.core.stored_keys import SystemKeyring

            self._keyring = SystemKeyring()
        return self._keyring
