"""Which server a session works with: the daemon of this home, or one that somebody has named.

All that differs between them is here: the daemon is found, started, stopped and read; of a named server only the
address is known.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Protocol

from stigmer_tui.client.endpoint import Endpoint
from stigmer_tui.core.clock import Clock
from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.contexts import Context
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.model_providers import provider_keys
from stigmer_tui.core.paths import Home
from stigmer_tui.daemon.record import read_record
from stigmer_tui.daemon.running import ensure_daemon, wait_for_daemon

LOOK_INTERVAL = 2.0
"""Seconds from one look for a named server to the next."""

MAX_LOG_LINES = 8
"""Enough to say why a daemon ended."""


class SessionServer(Protocol):
    is_ours: bool
    """Whether it is the daemon of this home."""

    def search_anew(self) -> None:
        """From now on a daemon that was stopped may be started again."""
        ...

    async def locate(self) -> Endpoint:
        """Raises StigmerError when there is none."""
        ...

    async def wait(self) -> None:
        """Until it may be there again."""
        ...

    async def stop(self) -> None: ...

    async def restart(self) -> None:
        """Raises StigmerError when it does not come up."""
        ...

    def provider_keys(self) -> Mapping[str, str]:
        """Keys of model providers that may be given to it, by the names of their variables."""
        ...

    def last_log_lines(self) -> tuple[str, ...]:
        """Written since it was searched for."""
        ...


class OwnDaemon:
    """Started when it is first needed, and again when it was killed; one that was stopped stays stopped."""

    is_ours = True

    def __init__(self, configuration: Configuration, clock: Clock) -> None:
        self._configuration = configuration
        self._home = configuration.home
        self._clock = clock
        self._searched_since = clock.now()
        self._was_found = False

    def search_anew(self) -> None:
        self._was_found = False
        self._searched_since = self._clock.now()

    async def locate(self) -> Endpoint:
        if self._was_found and read_record(self._home) is None:
            raise StigmerError("The daemon was stopped", "Start it again with stigmer-tui server start.")
        endpoint = await ensure_daemon(self._configuration)
        self._was_found = True
        return endpoint

    async def wait(self) -> None:
        await wait_for_daemon(self._home)

    async def stop(self) -> None:
        from stigmer_tui.daemon.lifecycle import stop_daemon

        await stop_daemon(self._home)

    async def restart(self) -> None:
        from stigmer_tui.daemon.lifecycle import restart_daemon

        await restart_daemon(self._configuration)

    def provider_keys(self) -> Mapping[str, str]:
        return provider_keys(os.environ)

    def last_log_lines(self) -> tuple[str, ...]:
        from stigmer_tui.daemon.logs import LogFilter, last_lines

        lines = last_lines(self._home, MAX_LOG_LINES, LogFilter(since=self._searched_since))
        return tuple(line.text() for line in lines)


class NamedServer:
    """Another program runs it: it is not ours to start or stop, gets no keys, and keeps its logs to itself."""

    is_ours = False

    def __init__(self, context: Context, home: Home) -> None:
        """`home` is where its token is known, if it needs one."""
        self._context = context
        self._home = home

    def search_anew(self) -> None:
        return

    async def locate(self) -> Endpoint:
        return await asyncio.to_thread(Endpoint.named, self._context, self._home, os.environ)

    async def wait(self) -> None:
        await asyncio.sleep(LOOK_INTERVAL)

    async def stop(self) -> None:
        return

    async def restart(self) -> None:
        return

    def provider_keys(self) -> Mapping[str, str]:
        return {}

    def last_log_lines(self) -> tuple[str, ...]:
        return ()


def server_of(configuration: Configuration, clock: Clock) -> SessionServer:
    if configuration.server:
        return NamedServer(configuration.context, configuration.home)
    return OwnDaemon(configuration, clock)
