"""The providers of models as the app shows and changes them.

It asks the program's own `provider` and `secrets` commands, in processes of their own: neither the keyring nor a client
of a model is loaded into the app, and a test call takes the way that agents take.
"""

from __future__ import annotations

import json
import os
from asyncio import StreamReader
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from stigmer_tui.core.known_secrets import remember_values
from stigmer_tui.workbench.own_commands import Finished, end_command, run_command, start_command, text_of

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
        process = await start_command(self._environment, "provider", "pull", model, "--output", "json")
        output, errors = cast(StreamReader, process.stdout), cast(StreamReader, process.stderr)
        try:
            async for line in output:
                step = json.loads(line)
                yield PullStep(str(step["status"]), int(step["done"]), int(step["total"]))
            Finished("provider pull", await process.wait(), "", text_of(await errors.read())).check()
        finally:
            await end_command(process)

    async def _run(self, *arguments: str, typed: str = "") -> Finished:
        finished = await run_command(self._environment, *arguments, typed=typed)
        finished.check()
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
