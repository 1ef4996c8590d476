"""What a runner process does besides its work: its log, its signals, and the tie to the server that started it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pkgutil import resolve_name

from grpc.aio import Channel

from stigmer_tui.api.channel import open_channel
from stigmer_tui.core.configuration import Configuration, load_configuration
from stigmer_tui.core.daemon_processes import DaemonProcess
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.logs import log_to_file
from stigmer_tui.core.paths import Home

SERVER_ADDRESS = "STIGMER_RUNNER_SERVER"
"""Environment variable of a runner: host:port of its server."""

Main = Callable[[asyncio.Event], Awaitable[None]]
"""The work of the process; it returns soon after the event is set."""

RunnerMain = Callable[[Configuration, Channel, asyncio.Event], Awaitable[None]]


def run_runner(process: DaemonProcess) -> None:
    """Runs until the server that started it asks it to end, or is gone. Raises StigmerError."""
    token = receive_token()
    configuration = load_configuration(os.environ)
    main: RunnerMain = resolve_name(process.main)

    async def attached(stopping: asyncio.Event) -> None:
        channel = open_channel(os.environ[SERVER_ADDRESS], token)
        try:
            await main(configuration, channel, stopping)
        finally:
            await channel.close()

    run_process(process.name, configuration.home, attached)


def run_process(component: str, home: Home, main: Main) -> None:
    """Runs until the work ends, or until the process is asked to end: by SIGTERM, or by the end of standard input.

    The server holds the other side of that pipe, so even a server that was killed takes its runners with it.
    """
    home.prepare()
    log_to_file(home.log(component), component)
    asyncio.run(_run(component, main))


def receive_token() -> str:
    """The token by which the server knows this process: the first line of standard input.

    Raises StigmerError if none is sent.
    """
    line = "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.buffer.readline().decode(errors="replace")
    if not line.endswith("\n"):
        raise StigmerError("This command is for the daemon, which starts it", "Start it with: stigmer-tui server start")
    return line.strip()


async def _run(component: str, main: Main) -> None:
    logger = logging.getLogger(component)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    loop.add_signal_handler(signal.SIGINT, stopping.set)
    watch_standard_input(stopping)
    logger.info("started")
    try:
        await main(stopping)
    except Exception:
        logger.exception("ended by an error")
        raise
    logger.info("ended")


def watch_standard_input(closed: asyncio.Event) -> None:
    """Sets the event when the pipe at standard input is closed by its other side; a terminal is left alone."""
    if sys.stdin is None or sys.stdin.isatty():
        return
    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()

    def readable() -> None:
        if not sys.stdin.buffer.raw.read(4096):  # type: ignore[union-attr]
            loop.remove_reader(descriptor)
            closed.set()

    try:
        loop.add_reader(descriptor, readable)
    except PermissionError:
        # A plain file or /dev/null cannot be watched, and never closes.
        return
