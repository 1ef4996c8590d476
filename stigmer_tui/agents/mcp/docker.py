"""Docker, for MCP servers that are images."""

from __future__ import annotations

import asyncio
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Iterable, Mapping
from contextlib import suppress

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.mcp_servers import DOCKER, ProgramTransport, ServerLaunch

ANSWER_LIMIT = 10.0
"""Seconds in which Docker answers a question."""


async def require_docker(launches: Iterable[ServerLaunch], environment: Mapping[str, str]) -> None:
    """Raises StigmerError, in one sentence, where a server needs Docker and there is none that works."""
    in_docker = [
        launch.name
        for launch in launches
        if isinstance(launch.transport, ProgramTransport) and launch.transport.container
    ]
    if not in_docker:
        return
    needed = f"The MCP server {in_docker[0]} needs Docker"
    if shutil.which(DOCKER, path=environment.get("PATH")) is None:
        raise StigmerError(f"{needed}, and there is no program docker in the PATH of the daemon")
    code, errors = await _run(environment, "version", "--format", "{{.Server.Version}}")
    if code:
        why = errors.strip().splitlines()
        raise StigmerError(f"{needed}, which does not answer: {why[-1] if why else f'exit code {code}'}")


async def remove_container(name: str, environment: Mapping[str, str]) -> None:
    """Ends a container that has outlived its client; one that is gone already is no error."""
    await _run(environment, "rm", "--force", name)


async def _run(environment: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(DOCKER, *arguments), stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, env=dict(environment), start_new_session=True
    )
    try:
        async with asyncio.timeout(ANSWER_LIMIT):
            _, errors = await process.communicate()
    except TimeoutError:
        return 124, f"no answer within {ANSWER_LIMIT:.0f} s"
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return process.returncode or 0, errors.decode(errors="replace")
