"""The providers of models as the app shows and changes them.

It asks the program's own `provider` and `secrets` commands, in processes of their own: neither the keyring nor a client
of a model is loaded into the app, and a test call takes the way that agents take.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.known_secrets import clean, remember_values

NO_KEY = "no key"
"""The state of a provider that waits for a key, as `provider list` says it."""


@dataclass(frozen=True, slots=True)
class ProviderView:
    name: str
    model: str
    """The one that is used where an agent asks for none."""
    state: str
    detail: str
    """Where its key is, or what to do."""
    address: str = ""
    is_used: bool = False
    key_variable: str = ""
    """Empty where it needs no key."""

    @property
    def needs_key(self) -> bool:
        return self.state == NO_KEY


class ModelProviders(Protocol):
    """All raise StigmerError, with what to do."""

    async def list(self) -> Sequence[ProviderView]: ...

    async def use(self, name: str) -> str:
        """From the next run on. Returns what was done, in words."""
        ...

    async def store_key(self, name: str, key: str) -> str:
        """Returns where the key is now, in words."""
        ...

    async def test(self, name: str) -> str:
        """Asks its model one short question. Returns that it answers, in words."""
        ...


@dataclass(frozen=True, slots=True)
class Finished:
    code: int
    output: str
    error: str


class ProviderCommands:
    """The providers of the home folder of this process."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment

    async def list(self) -> Sequence[ProviderView]:
        finished = await self._run("provider", "list", "--output", "json")
        return [_view(json.loads(line)) for line in finished.output.splitlines()]

    async def use(self, name: str) -> str:
        return (await self._run("provider", "use", name)).output

    async def store_key(self, name: str, key: str) -> str:
        remember_values([key])
        return (await self._run("secrets", "set", name, typed=f"{key}\n")).output

    async def test(self, name: str) -> str:
        return (await self._run("provider", "test", name)).output

    async def _run(self, *arguments: str, typed: str = "") -> Finished:
        # Imported lazily: only those need it who open the providers.
        from stigmer_tui.core.own_program import own_command

        process = await asyncio.create_subprocess_exec(
            *own_command(*arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(self._environment),
        )
        try:
            output, error = await process.communicate(typed.encode())
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        finished = Finished(process.returncode or 0, _text(output), _text(error))
        if finished.code:
            message, _, advice = finished.error.removeprefix("Error: ").partition("\n\n")
            raise StigmerError(message or f"stigmer-tui {' '.join(arguments)} ended with {finished.code}", advice)
        return finished


def _view(data: Mapping[str, Any]) -> ProviderView:
    return ProviderView(
        str(data["provider"]),
        str(data["model"]),
        str(data["state"]),
        str(data["detail"]),
        str(data["address"]),
        bool(data["used"]),
        str(data["key_variable"]),
    )


def _text(output: bytes) -> str:
    return clean(output.decode(errors="replace")).strip()
