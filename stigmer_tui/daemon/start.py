"""Starts the daemon, where none runs. Ready means that it answered."""

from __future__ import annotations

import asyncio
import os
import select
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from filelock import AsyncFileLock, Timeout

from stigmer_tui.client.endpoint import Endpoint
from stigmer_tui.core.addresses import require_loopback
from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.known_secrets import clean
from stigmer_tui.core.paths import Home
from stigmer_tui.core.private_files import FILE_MODE, opener
from stigmer_tui.daemon.record import read_record
from stigmer_tui.daemon.running import running_endpoint
from stigmer_tui.daemon.supervision import own_command

START_LIMIT = 20.0
"""Seconds in which a server must answer; it takes less than one, but a machine may be busy."""

LAST_LINES = 12
READY_DESCRIPTOR = "STIGMER_READY_FD"
"""Environment variable: where a new server writes its address once it listens."""


@dataclass(frozen=True, slots=True)
class StartOptions:
    address: str = ""
    """host:port; empty for the configured one, or for the default."""
    no_auth: bool = False


async def ensure_daemon(configuration: Configuration, options: StartOptions | None = None) -> Endpoint:
    """The endpoint of a daemon that answers; starts one when there is none. Raises StigmerError when it cannot."""
    if configuration.server:
        return Endpoint(configuration.server, "", is_ours=False)
    home = configuration.home
    if endpoint := await running_endpoint(home):
        return endpoint
    home.prepare()
    async with one_at_a_time(home):
        # Somebody else may have started it while we waited.
        return await running_endpoint(home) or await _start(configuration, options or StartOptions())


@asynccontextmanager
async def one_at_a_time(home: Home) -> AsyncIterator[None]:
    """Whoever starts or stops the daemon does it alone. Raises StigmerError when another does not come to an end."""
    lock = AsyncFileLock(home.start_lock, mode=FILE_MODE, timeout=START_LIMIT, poll_interval=0.02)
    try:
        await lock.acquire()
    except Timeout as error:
        message = f"Another program has been starting or stopping the daemon for {START_LIMIT:.0f} s"
        raise StigmerError(message) from error
    try:
        yield
    finally:
        await lock.release()


async def _start(configuration: Configuration, options: StartOptions) -> Endpoint:
    home = configuration.home
    await asyncio.to_thread(_spawn, configuration, _arguments(configuration, options))
    if endpoint := await running_endpoint(home):
        return endpoint
    raise _failure(home)


def check_options(configuration: Configuration, options: StartOptions) -> None:
    """Raises StigmerError for what no daemon will do, before anything is stopped for it."""
    address = options.address or configuration.address
    if options.no_auth and address:
        require_loopback(address)


def _arguments(configuration: Configuration, options: StartOptions) -> list[str]:
    """A server that takes the place of one that was killed listens where that one did: its clients look there."""
    arguments = []
    former = read_record(configuration.home)
    if address := options.address or configuration.address:
        arguments += ["--address", address]
    if former:
        arguments += ["--prefer", former.address]
    if options.no_auth or (former and not former.requires_token):
        arguments.append("--no-auth")
    return arguments


def _spawn(configuration: Configuration, arguments: list[str]) -> None:
    """Returns once the server listens. Raises StigmerError when it ends, or says nothing, instead."""
    home = configuration.home
    reader, writer = os.pipe()
    environment = {**os.environ, READY_DESCRIPTOR: str(writer), "STIGMER_HOME": str(home.root)}
    # The daemon works in a folder of its own: what is relative to this one would be looked for there.
    if configuration.model.script and os.environ.get("STIGMER_LLM_SCRIPT"):
        environment["STIGMER_LLM_SCRIPT"] = str(configuration.model.script)
    if configuration.sandbox_root and os.environ.get("SANDBOX_ROOT_DIR"):
        environment["SANDBOX_ROOT_DIR"] = str(configuration.sandbox_root)
    with open(home.log("start"), "wb", opener=opener) as output:
        process = subprocess.Popen(
            own_command("internal-server", *arguments),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=home.root,
            pass_fds=(writer,),
            start_new_session=True,
        )
    os.close(writer)
    with os.fdopen(reader) as pipe:
        if not select.select([pipe], [], [], START_LIMIT)[0]:
            process.kill()
            raise StigmerError(f"The daemon did not start within {START_LIMIT:.0f} s", _last_output(home))
        if not pipe.readline():
            raise _failure(home)


def _failure(home: Home) -> StigmerError:
    """What kept the server from starting, in its own words."""
    output = _last_output(home)
    message, separator, advice = output.removeprefix("Error: ").partition("\n\n")
    if output.startswith("Error: ") and "\n" not in message:
        return StigmerError(message, advice if separator else "")
    return StigmerError("The daemon did not start", output)


def _last_output(home: Home) -> str:
    try:
        lines = home.log("start").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    return clean("\n".join(lines[-LAST_LINES:])) or f"It printed nothing; see {home.log('server')}"
