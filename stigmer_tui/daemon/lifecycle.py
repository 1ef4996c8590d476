"""Starts, stops and restarts the daemon. Ready means that it answered; stopped means that nothing is left behind."""

from __future__ import annotations

import asyncio
import json
import os
import select
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

import psutil
from filelock import AsyncFileLock, Timeout

from stigmer_tui.client.endpoint import Endpoint
from stigmer_tui.core import settings
from stigmer_tui.core.addresses import require_loopback
from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.daemon_processes import SERVER
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.known_secrets import clean
from stigmer_tui.core.model_providers import KEY_VARIABLES
from stigmer_tui.core.own_program import own_command
from stigmer_tui.core.paths import Home
from stigmer_tui.core.private_files import FILE_MODE, opener
from stigmer_tui.core.processes import OWNER_MARK, kill_all, marked_processes, process_tree, wait_for_end
from stigmer_tui.core.remote_access import RemoteAccess, remote_access, require_tls_beyond_loopback
from stigmer_tui.core.storage_errors import ADVICE, Fault
from stigmer_tui.daemon.record import DaemonRecord, clear_record, read_record
from stigmer_tui.daemon.running import running_endpoint, running_record

START_LIMIT = 20.0
"""Seconds for a server to answer. It needs less than one, but the machine may be busy."""

STOP_LIMIT = 5.0
"""Seconds for the server and its runners together."""

NO_ROOM = 1_000_000
"""Bytes that are free on a disk that is full."""

LAST_LINES = 12
KEYS_DESCRIPTOR = "STIGMER_KEYS_FD"
"""Environment variable: where a new server reads the keys of model providers, which no other process can read there."""

READY_DESCRIPTOR = "STIGMER_READY_FD"
"""Environment variable: where a new server writes its address once it listens."""


@dataclass(frozen=True, slots=True)
class StartOptions:
    address: str = ""
    """host:port; empty for the configured one, or for the default."""
    no_auth: bool = False
    remote: RemoteAccess | None = None
    """Where else to listen, for other machines; None for what is configured, or was before."""
    environment: Mapping[str, str] | None = None
    """Of the daemon; None for that of this process."""


async def start_daemon(configuration: Configuration, options: StartOptions | None = None) -> Endpoint:
    """Starts a daemon unless one runs; returns its endpoint. Raises StigmerError."""
    configuration.home.prepare()
    async with one_at_a_time(configuration.home):
        # Another process may have started it while we waited.
        return await running_endpoint(configuration.home) or await _start(configuration, options or StartOptions())


async def stop_daemon(home: Home) -> bool:
    """Stops the daemon gracefully within STOP_LIMIT, then by force. Returns whether there was one.

    Raises NoAnswer if its process cannot be identified.
    """
    if not home.data.is_dir():
        return False
    async with one_at_a_time(home):
        return await _stop(home)


async def restart_daemon(configuration: Configuration, options: StartOptions | None = None) -> Endpoint:
    """Keeps the access mode. Raises StigmerError before stopping if the options are invalid, and after it if the new
    daemon does not start.
    """
    options = options or StartOptions()
    record = read_record(configuration.home)
    if record and not record.requires_token:
        options = replace(options, no_auth=True)
    if record and options.remote is None and not configuration.listen:
        options = replace(options, remote=record.remote)
    check_options(configuration, options)
    await stop_daemon(configuration.home)
    return await start_daemon(configuration, options)


async def replace_daemon(configuration: Configuration, former: DaemonRecord) -> Endpoint:
    """Restarts the daemon with the same address and access mode, unless another program has done so already.

    Raises StigmerError when the new one does not start.
    """
    async with one_at_a_time(configuration.home):
        if read_record(configuration.home) == former:
            await _stop(configuration.home)
        return await running_endpoint(configuration.home) or await _start(configuration, StartOptions(), former)


def check_options(configuration: Configuration, options: StartOptions) -> None:
    """Raises StigmerError for invalid options."""
    address = options.address or configuration.address
    if address:
        if options.no_auth:
            require_loopback(address)
        else:
            require_tls_beyond_loopback(address)
    remote = _remote(configuration, options)
    if remote is None:
        return
    if options.no_auth:
        raise StigmerError(
            f"Without a token (--no-auth) the daemon listens on this machine only, not at {remote.address}",
            "Leave out --no-auth, or what says where else to listen.",
        )
    remote.read()


def _remote(
    configuration: Configuration, options: StartOptions, former: DaemonRecord | None = None
) -> RemoteAccess | None:
    if options.remote:
        return options.remote
    configured = remote_access(configuration.listen, configuration.tls_certificate, configuration.tls_key)
    return configured or (former.remote if former else None)


@asynccontextmanager
async def one_at_a_time(home: Home) -> AsyncIterator[None]:
    """Holds the lock for starting and stopping. Raises StigmerError if another process does not release it."""
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


async def _start(configuration: Configuration, options: StartOptions, former: DaemonRecord | None = None) -> Endpoint:
    home = configuration.home
    check_options(configuration, options)
    arguments = _arguments(configuration, options, former or read_record(home))
    environment = os.environ if options.environment is None else options.environment
    await asyncio.to_thread(_spawn, configuration, arguments, environment)
    if endpoint := await running_endpoint(home):
        return endpoint
    raise _failure(home)


def _arguments(configuration: Configuration, options: StartOptions, former: DaemonRecord | None) -> list[str]:
    """The command line. A server that replaces another one listens on the same address, where clients expect it."""
    arguments = []
    if address := options.address or configuration.address:
        arguments += ["--address", address]
    if former:
        arguments += ["--prefer", former.address]
    if options.no_auth or (former and not former.requires_token):
        arguments.append("--no-auth")
    if remote := _remote(configuration, options, former):
        files = ("--tls-cert", str(remote.certificate), "--tls-key", str(remote.key))
        arguments += ["--listen", remote.address, *files]
    return arguments


def _spawn(configuration: Configuration, arguments: list[str], inherited: Mapping[str, str]) -> None:
    """Returns once the server listens. Raises StigmerError if it ends or times out."""
    home = configuration.home
    reader, writer = os.pipe()
    environment = {name: value for name, value in inherited.items() if name not in KEY_VARIABLES}
    keys = _pipe_with({name: value for name, value in inherited.items() if name in KEY_VARIABLES})
    environment |= {
        READY_DESCRIPTOR: str(writer),
        KEYS_DESCRIPTOR: str(keys),
        settings.HOME.variable: str(home.root),
    }
    # The daemon has another working folder, so relative paths must be resolved here.
    if configuration.model.script and inherited.get(settings.SCRIPT.variable):
        environment[settings.SCRIPT.variable] = str(configuration.model.script)
    if configuration.sandbox_root and inherited.get(settings.SANDBOX_ROOT.variable):
        environment[settings.SANDBOX_ROOT.variable] = str(configuration.sandbox_root)
    with open(home.log("start"), "wb", opener=opener) as output:
        process = subprocess.Popen(
            own_command(SERVER.command, *arguments),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=home.root,
            pass_fds=(writer, keys),
            start_new_session=True,
        )
    os.close(writer)
    os.close(keys)
    with os.fdopen(reader) as pipe:
        if not select.select([pipe], [], [], START_LIMIT)[0]:
            process.kill()
            raise StigmerError(
                f"The daemon did not start within {START_LIMIT:.0f} s", _last_output(home) or _nothing_printed(home)
            )
        if not pipe.readline():
            raise _failure(home)


def _pipe_with(keys: Mapping[str, str]) -> int:
    """The end to read of a pipe that holds them. Raises StigmerError for more than a pipe holds."""
    content = json.dumps(keys).encode()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        written = os.write(writer, content)
    except BlockingIOError:
        written = 0
    finally:
        os.close(writer)
    if written < len(content):
        os.close(reader)
        raise StigmerError("The keys of model providers in the environment are too long to be keys")
    return reader


def _failure(home: Home) -> StigmerError:
    """The error with the last output of the server."""
    output = _last_output(home)
    if not output and shutil.disk_usage(home.root).free < NO_ROOM:
        # It could not even write down what is wrong.
        return StigmerError(f"The daemon cannot start: the disk of {home.root} is full", ADVICE[Fault.FULL])
    message, separator, advice = output.removeprefix("Error: ").partition("\n\n")
    if output.startswith("Error: ") and "\n" not in message:
        return StigmerError(message, advice if separator else "")
    return StigmerError("The daemon did not start", output or _nothing_printed(home))


def _last_output(home: Home) -> str:
    try:
        lines = home.log("start").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    return clean("\n".join(lines[-LAST_LINES:]))


def _nothing_printed(home: Home) -> str:
    return f"It printed nothing; see {home.log('server')}"


async def _stop(home: Home) -> bool:
    record = await running_record(home)
    tree = process_tree(record.pid) if record else []
    if tree:
        with suppress(psutil.Error):
            tree[0].terminate()
        await wait_for_end(tree, STOP_LIMIT)
    # Commands of a killed runner are not in its process tree.
    orphans = marked_processes(OWNER_MARK, str(home.data))
    remaining = [process for process in [*tree, *orphans] if process.is_running()]
    kill_all(remaining)
    await wait_for_end(remaining, STOP_LIMIT)
    clear_record(home)
    return bool(tree)
