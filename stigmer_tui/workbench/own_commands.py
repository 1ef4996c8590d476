"""The program's own commands, in processes of their own: what they need is not loaded into the app."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.known_secrets import clean


@dataclass(frozen=True, slots=True)
class Finished:
    command: str
    code: int
    output: str
    error: str

    def check(self) -> None:
        """Raises StigmerError, with what the command said, where it has failed."""
        if self.code:
            message, _, advice = self.error.removeprefix("Error: ").partition("\n\n")
            raise StigmerError(message or f"stigmer-tui {self.command} ended with {self.code}", advice)


async def run_command(
    environment: Mapping[str, str], *arguments: str, typed: str = "", folder: Path | None = None
) -> Finished:
    """To its end; a command that is no longer waited for is killed."""
    process = await start_command(environment, *arguments, folder=folder)
    try:
        output, error = await process.communicate(typed.encode())
    finally:
        await end_command(process)
    return Finished(" ".join(arguments), process.returncode or 0, text_of(output), text_of(error))


async def start_command(
    environment: Mapping[str, str], *arguments: str, folder: Path | None = None
) -> asyncio.subprocess.Process:
    # Imported lazily: only those need it who use such a command.
    from stigmer_tui.core.own_program import own_command

    return await asyncio.create_subprocess_exec(
        *own_command(*arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environment),
        cwd=folder,
    )


async def end_command(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def text_of(output: bytes) -> str:
    """Without secrets that are known."""
    return clean(output.decode(errors="replace")).strip()
