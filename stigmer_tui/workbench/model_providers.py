"""The providers of models as the app shows and changes them.

It asks the program's own `provider` and `secrets` commands, in processes of their own: neither the keyring nor a client
of a model is loaded into the app, and a test call takes the way that agents take.
"""

from __future__ import annotations

import asyncio
import json
import os
from asyncio import StreamReader
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, cast

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.known_secrets import clean, remember_values

NO_KEY = "no key"
"""The state of a provider that waits for a key, as `provider list` says it."""


NO_MODEL = "model is missing"
"""Likewise, of one that can get it."""


@dataclass(frozen=True, slots=True)
class PullStep:
    """How far the download of a model is."""

    status: str
    """In the words of who gets it."""
    done: int
    """Bytes."""
    total: int
    """Bytes; 0 before it is known."""


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

    @property
    def needs_model(self) -> bool:
        return self.state == NO_MODEL


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

    def pull(self, model: str) -> AsyncGenerator[PullStep]:
        """Gets a model; whoever closes it stops the download, of which what has come is kept."""
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

    async def pull(self, model: str) -> AsyncGenerator[PullStep]:
        process = await self._started("provider", "pull", model, "--output", "json")
        output, errors = cast(StreamReader, process.stdout), cast(StreamReader, process.stderr)
        try:
            async for line in output:
                step = json.loads(line)
                yield PullStep(str(step["status"]), int(step["done"]), int(step["total"]))
            _check("provider pull", await process.wait(), _text(await errors.read()))
        finally:
            await _end(process)

    async def _run(self, *arguments: str, typed: str = "") -> Finished:
        process = await self._started(*arguments)
        try:
            output, error = await process.communicate(typed.encode())
        finally:
            await _end(process)
        finished = Finished(process.returncode or 0, _text(output), _text(error))
        _check(" ".join(arguments), finished.code, finished.error)
        return finished

    async def _started(self, *arguments: str) -> asyncio.subprocess.Process:
        # Imported lazily: only those need it who open the providers.
        from stigmer_tui.core.own_program import own_command

        return await asyncio.create_subprocess_exec(
            *own_command(*arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(self._environment),
        )


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _check(command: str, code: int, error: str) -> None:
    """Raises StigmerError, with what the command said, where it has failed."""
    if code:
        message, _, advice = error.removeprefix("Error: ").partition("\n\n")
        raise StigmerError(message or f"stigmer-tui {command} ended with {code}", advice)


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
