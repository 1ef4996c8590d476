"""The status of the daemon: see daemon.proto."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from stigmer_tui import __version__
from stigmer_tui.api.daemon_pb2 import Component, Status, StatusRequest, TakeKeysRequest, TakeKeysResponse
from stigmer_tui.core.daemon_processes import SERVER
from stigmer_tui.core.sqlite import Database
from stigmer_tui.server.leases import Leases, RunnerProcesses
from stigmer_tui.server.provider_keys import ProviderKeys
from stigmer_tui.server.vault import Vault

SAMPLING = 2.0
"""Seconds between two samples of memory and processor use, while there are watchers."""


class Components(RunnerProcesses, Protocol):
    """The processes of the daemon, as seen by their supervisor."""

    def statuses(self) -> Sequence[Component]:
        """Server and runners, with their resource usage since the last call."""
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
        )
        status.started_at.FromDatetime(self._instance.started_at)
        for runner in self._leases.runners():
            status.model = runner.hello.model or status.model
            status.sandbox = runner.hello.sandbox or status.sandbox
        return status

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

    def _with_work(self, component: Component) -> Component:
        """Adds what the server knows: a runner is ready when it is attached, and busy when it has leases; `detail` says
        what prevents it from working.
        """
        problem = self._database.problem
        if component.name == SERVER.name and problem:
            component.detail = problem.message
        for runner in self._leases.runners():
            if (runner.identity.name, runner.identity.pid) == (component.name, component.pid):
                component.state = Component.BUSY if runner.leases else Component.READY
                component.detail = runner.problem
        return component


def _rounded(status: Status) -> Status:
    """Rounds memory to two megabytes and processor use to one percent, so that an idle daemon sends no updates."""
    rounded = Status()
    rounded.CopyFrom(status)
    for component in rounded.components:
        component.memory_bytes = round(component.memory_bytes / 2e6)
        component.cpu_percent = round(component.cpu_percent)
    return rounded
