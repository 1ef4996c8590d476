"""The hidden commands: one executable is also the server and its runners."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections.abc import Callable, Sequence

from stigmer_tui import __version__
from stigmer_tui.api.runner_pb2 import Hello
from stigmer_tui.core import settings
from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.configuration import DEFAULT_ADDRESS, Configuration, load_configuration
from stigmer_tui.core.contexts import LOCAL
from stigmer_tui.core.daemon_processes import AGENT_RUNNER, RUNNERS, SERVER
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.logs import log_to_file
from stigmer_tui.core.own_program import own_command
from stigmer_tui.core.processes import ProcessIdentity
from stigmer_tui.core.remote_access import RemoteAccess, remote_access
from stigmer_tui.daemon.agent_runner_binary import AgentRunnerBinary, ChooseProgram, RunnerProgram, choose_program
from stigmer_tui.daemon.lifecycle import KEYS_DESCRIPTOR, READY_DESCRIPTOR
from stigmer_tui.daemon.record import DaemonLock, DaemonRecord
from stigmer_tui.daemon.supervision import Supervisor
from stigmer_tui.daemon.token import create_token
from stigmer_tui.runners.journal import inspect_journals
from stigmer_tui.runners.process import SERVER_ADDRESS

PREDECESSOR_LIMIT = 5.0
"""Seconds to wait for a predecessor that is ending."""

logger = logging.getLogger(__name__)


def run_server(addresses: list[str], requires_token: bool, remote: RemoteAccess | None) -> None:
    """Runs until SIGTERM. `addresses` are tried in order. Raises StigmerError."""
    _be_local()
    _take_keys()
    configuration = load_configuration(os.environ)
    home = configuration.home
    # A service is started without flags for it.
    remote = remote or remote_access(configuration.listen, configuration.tls_certificate, configuration.tls_key)
    home.prepare()
    log_to_file(home.log(SERVER.name), SERVER.name)
    try:
        lock = DaemonLock.acquire(home.daemon_lock, PREDECESSOR_LIMIT)
    except TimeoutError as error:
        raise StigmerError(f"A daemon is already running on {home.data}") from error
    try:
        asyncio.run(_serve(configuration, addresses, requires_token, remote, lock))
    finally:
        lock.release()


def _be_local() -> None:
    """A daemon and its runners are the local backend, whichever one the shell that started them uses."""
    for setting in (settings.SERVER, settings.CONTEXT):
        os.environ.pop(setting.variable, None)
    # As an existing installation's agent runner expects it (`docs/compatibility.md` 161).
    os.environ[settings.MODE.variable] = LOCAL


def _take_keys() -> None:
    """Those of the shell that started this process: in memory, where no other process can read them."""
    if descriptor := os.environ.pop(KEYS_DESCRIPTOR, ""):
        with os.fdopen(int(descriptor), "rb") as pipe:
            os.environ.update(json.loads(pipe.read()))


async def _serve(
    configuration: Configuration,
    addresses: list[str],
    requires_token: bool,
    remote: RemoteAccess | None,
    lock: DaemonLock,
) -> None:
    from stigmer_tui.server.server import Settings, open_server
    from stigmer_tui.server.vault import KeyringKey

    home = configuration.home
    inspect_journals(home.journals)
    token = create_token(home.token)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    loop.add_signal_handler(signal.SIGINT, stopping.set)
    runners = {process.name: process for process in RUNNERS}
    supervisor = Supervisor(home, _programs(configuration), SystemClock())
    settings = Settings(home, addresses, token if requires_token else "", remote, configuration.metrics)
    async with open_server(settings, supervisor, KeyringKey(str(home.root))) as server:
        lock.write(_record(server.address, requires_token, remote))
        _say_ready(server.address)
        supervisor.on_failed = lambda name, detail: server.leases.fail_kind(
            Hello.Kind.Value(runners[name].kind), f"The {runners[name].noun} cannot start: {detail}"
        )
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(_end_with_home(lock, stopping))
            await supervisor.run({SERVER_ADDRESS: server.address}, stopping)
            watching.cancel()
        lock.clear()


def _programs(configuration: Configuration) -> dict[str, Sequence[str] | ChooseProgram]:
    """What each runner is started with: this program, but for an agent runner that is installed or released."""
    binary = AgentRunnerBinary(configuration.home, __version__)
    builtin = own_command(AGENT_RUNNER.command)

    async def agent_runner(report: Callable[[str], None]) -> RunnerProgram:
        program = await choose_program(binary, builtin, configuration.release_url, report)
        if program.notice:
            logger.warning("%s", program.notice)
        return program

    own = {process.name: own_command(process.command) for process in RUNNERS}
    return {**own, AGENT_RUNNER.name: agent_runner}


async def _end_with_home(lock: DaemonLock, stopping: asyncio.Event) -> None:
    """Stops a daemon whose home folder was deleted."""
    await lock.lost()
    logger.error("the folder of this daemon is gone, so it ends")
    stopping.set()


def _record(address: str, requires_token: bool, remote: RemoteAccess | None) -> DaemonRecord:
    identity = ProcessIdentity.of(os.getpid())
    files = (remote.address, str(remote.certificate), str(remote.key)) if remote else ()
    return DaemonRecord(os.getpid(), identity.start if identity else "", address, __version__, requires_token, *files)


def _say_ready(address: str) -> None:
    """Tells the starting process the address."""
    descriptor = os.environ.pop(READY_DESCRIPTOR, "")
    if descriptor:
        with os.fdopen(int(descriptor), "w") as pipe:
            pipe.write(f"{address}\n")


def server_addresses(explicit: str, preferred: str) -> list[str]:
    """Addresses to try: only the explicit one if given, else the preferred one and then any free port."""
    if explicit and not explicit.endswith(":0"):
        return [explicit]
    others = [explicit] if explicit else [DEFAULT_ADDRESS, "127.0.0.1:0"]
    return [preferred, *others] if preferred else others
