"""The status of the daemon: see daemon.proto."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from stigmer_tui import __version__
from stigmer_tui.api.daemon_pb2 import (
    Component,
    RestartRequest,
    RestartResponse,
    Status,
    StatusRequest,
    TakeKeysRequest,
    TakeKeysResponse,
)
from stigmer_tui.api.runner_pb2 import Hello
from stigmer_tui.core.daemon_processes import RUNNERS, SERVER
from stigmer_tui.core.sqlite import Database
from stigmer_tui.server.errors import invalid
from stigmer_tui.server.leases import Leases, RunnerProcesses
from stigmer_tui.server.provider_keys import ProviderKeys
from stigmer_tui.server.vault import Vault

ENGINE = "embedded"
"""The only one that there is."""

KINDS = {process.name: Hello.Kind.Value(process.kind) for process in RUNNERS}

AT_WORK = (Component.READY, Component.BUSY)

SAMPLING = 2.0
"""Seconds between two samples of memory and processor use, while there are watchers."""


class Components(RunnerProcesses, Protocol):
    """The processes of the daemon, as seen by their supervisor."""

    def statuses(self) -> Sequence[Component]:
        """Server and runners, with their resource usage since the last call."""
        ...

    async def restart(self, name: str) -> None:
        """Ends a runner in good order, and starts it again."""
        ...


@dataclass(frozen=True, slots=True)
class Instance:
    """Facts that do not change while the server runs."""

    address: str
    home: str
    requires_token: bool
    started_at: datetime


class DaemonCalls:
    def __init__(
        self,
        instance: Instance,
        components: Components,
        leases: Leases,
        vault: Vault,
        database: Database,
        keys: ProviderKeys,
    ) -> None:
        self._keys = keys
        self._instance = instance
        self._components = components
        self.changes = components.changes
        self._leases = leases
        self._vault = vault
        self._database = database

    async def status(self, request: StatusRequest) -> Status:
        status = Status(
            version=__version__,
            address=self._instance.address,
            requires_token=self._instance.requires_token,
            home=self._instance.home,
            components=[self._with_work(component) for component in self._components.statuses()],
            secrets=self._vault.description,
            running=self._leases.running,
            engine=ENGINE,
            free_bytes=_free_bytes(self._instance.home),
        )
        status.started_at.FromDatetime(self._instance.started_at)
        for runner in self._leases.runners():
            status.model = runner.hello.model or status.model
            status.sandbox = runner.hello.sandbox or status.sandbox
        return status

    def ready(self) -> dict[str, bool]:
        """Whether each process is, by its name."""
        components = map(self._with_work, self._components.statuses())
        return {component.name: component.state in AT_WORK for component in components}

    async def watch(self, request: StatusRequest) -> AsyncIterator[Status]:
        """Sends only statuses that differ from the one before."""
        sent: Status | None = None
        while True:
            seen = self._components.changes.count
            status = await self.status(request)
            if sent is None or _rounded(status) != _rounded(sent):
                sent = status
                yield status
            try:
                await asyncio.wait_for(self._components.changes.after(seen), SAMPLING)
            except TimeoutError:
                continue

    async def take_keys(self, request: TakeKeysRequest) -> TakeKeysResponse:
        self._keys.forget(request.forgotten)
        taken = self._keys.take(request.variables)
        if taken or not request.variables:
            self._leases.hand_over_keys()
        return TakeKeysResponse(taken=taken)

    async def restart(self, request: RestartRequest) -> RestartResponse:
        if request.component not in KINDS:
            raise invalid(f"component: must be one of {', '.join(KINDS)}, not {request.component or 'empty'}")
        # What is started from now on waits for the new process, also if the one before was given up.
        self._leases.expect_kind(KINDS[request.component])
        await self._components.restart(request.component)
        return RestartResponse()

    def _with_work(self, component: Component) -> Component:
        """Adds what the server knows: what is queued for a runner, whether it has leases, and what the server lacks."""
        problem = self._database.problem
        if component.name == SERVER.name and problem:
            component.state, component.detail = Component.NOT_READY, problem.message
        if (kind := KINDS.get(component.name)) is not None:
            component.queued = self._leases.queued(kind)
        for runner in self._leases.runners():
            is_it = (runner.identity.name, runner.identity.pid) == (component.name, component.pid)
            if is_it and runner.leases and component.state == Component.READY:
                component.state = Component.BUSY
        return component


def _free_bytes(folder: str) -> int:
    """0 where it is not known."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


def _rounded(status: Status) -> Status:
    """Rounds memory to two megabytes, processor use to one percent and free space to a gigabyte, so that an idle daemon
    sends no updates.
    """
    rounded = Status()
    rounded.CopyFrom(status)
    rounded.free_bytes = round(status.free_bytes / 1e9)
    for component in rounded.components:
        component.memory_bytes = round(component.memory_bytes / 2e6)
        component.cpu_percent = round(component.cpu_percent)
    return rounded
