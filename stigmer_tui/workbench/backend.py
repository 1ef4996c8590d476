"""The server in the words of the model: what the session asks of it, and what it answers."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing, suppress

from stigmer_tui.api.kinds import AGENT, WORKFLOW
from stigmer_tui.api.redaction import redact
from stigmer_tui.client import executions
from stigmer_tui.client.connection import Connection, Interrupted
from stigmer_tui.client.daemon import list_catalogue, offer_keys, watch_catalogue, watch_daemon
from stigmer_tui.client.endpoint import Endpoint
from stigmer_tui.client.errors import NotFound
from stigmer_tui.client.resources import resolve
from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.known_secrets import remember_values
from stigmer_tui.core.provider_keys import provider_keys
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.daemon.record import read_record
from stigmer_tui.daemon.running import ensure_daemon
from stigmer_tui.workbench.abilities import ALL, Abilities, CannotCancel
from stigmer_tui.workbench.daemon_state import DaemonState
from stigmer_tui.workbench.following import Follower
from stigmer_tui.workbench.model import Execution, Resource, ResourceKind, Run, run_of
from stigmer_tui.workbench.state import RunInput
from stigmer_tui.workbench.translation import daemon_state, execution_of, listed_resource, listed_run, resource_of

Lists = tuple[tuple[Resource, ...], tuple[Run, ...]]

LOOK = 2.0
"""Seconds from one look for a server that is not ours to the next."""

LOG_LINES = 8
"""As many as tell why a daemon ended."""

KINDS = {ResourceKind.AGENT: AGENT, ResourceKind.WORKFLOW: WORKFLOW}


class Backend:
    """Starts the daemon when it is first needed, and again when it was killed; one that was stopped stays stopped."""

    def __init__(self, configuration: Configuration) -> None:
        self.connection = Connection(self._locate)
        self.organization = configuration.organization
        self._configuration = configuration
        self._was_found = False
        self._connecting_since = SystemClock().now()
        self._secrets: set[str] = set()
        self._abilities: Abilities | None = None

    @property
    def is_ours(self) -> bool:
        """Whether it is the daemon of this home, and not a server that somebody has named."""
        return not self._configuration.server

    async def connect(self) -> str:
        """host:port of a server that answers. Raises StigmerError."""
        self._was_found = False
        self._connecting_since = SystemClock().now()
        await self.connection.channel()
        if self._configuration.server:
            # Our own daemon has answered when it is found.
            try:
                await self.connection.check()
            except StigmerError:
                # Where there was one server, there may be another next time.
                self._abilities = None
                raise
        return self.connection.address

    async def abilities(self) -> Abilities:
        """Asks a server that is not ours for what it does not know; the questions change nothing."""
        if self.is_ours:
            return ALL
        if self._abilities is None:
            can_list = await list_catalogue(self.connection, self.organization, recent=1) is not None
            self._abilities = Abilities(can_list, can_control=await executions.can_cancel(self.connection))
        return self._abilities

    async def hand_over_keys(self) -> tuple[str, ...]:
        """Gives our own daemon the keys of model providers that it lacks and this process has; returns their names.

        Over the wire, with the token of this home, and into memory only. No other server ever gets one.
        """
        keys = provider_keys(os.environ) if self.is_ours else {}
        return await offer_keys(self.connection, keys) if keys else ()

    async def wait_for_daemon(self) -> None:
        """Returns when somebody else has started the daemon; where there is none of ours, it may be time to look."""
        if self._configuration.server:
            await asyncio.sleep(LOOK)
        else:
            from stigmer_tui.daemon.running import wait_for_daemon

            await wait_for_daemon(self._configuration.home)

    async def stop_daemon(self) -> None:
        """Ours; of another server, nothing."""
        from stigmer_tui.daemon.lifecycle import stop_daemon

        if not self._configuration.server:
            await stop_daemon(self._configuration.home)

    async def restart_daemon(self) -> None:
        """Ours, with the same access as before. Raises StigmerError when it does not come up."""
        from stigmer_tui.daemon.lifecycle import restart_daemon

        await restart_daemon(self._configuration)

    async def close(self) -> None:
        await self.connection.close()

    def last_log_lines(self) -> tuple[str, ...]:
        """Of a daemon that is ours, since it was last looked for; what another one wrote is not here."""
        if self._configuration.server:
            return ()
        from stigmer_tui.daemon.logs import last_lines

        return tuple(
            line.text() for line in last_lines(self._configuration.home, LOG_LINES, since=self._connecting_since)
        )

    async def lists(self) -> Lists | None:
        """None from a server that cannot list."""
        catalogue = await list_catalogue(self.connection, self.organization)
        if catalogue is None:
            return None
        return tuple(map(listed_resource, catalogue.resources)), tuple(map(listed_run, catalogue.runs))

    async def watch_lists(self) -> AsyncIterator[Lists]:
        """Ends at once at a server that cannot list."""
        async with aclosing(watch_catalogue(self.connection, self.organization)) as catalogues:
            async for catalogue in catalogues:
                if not isinstance(catalogue, Interrupted):
                    yield tuple(map(listed_resource, catalogue.resources)), tuple(map(listed_run, catalogue.runs))

    async def watch_daemon(self) -> AsyncIterator[DaemonState]:
        """Not connected while the server is being looked for. Ends at once at a server that is not ours."""
        async with aclosing(watch_daemon(self.connection)) as statuses:
            async for status in statuses:
                if isinstance(status, Interrupted):
                    yield DaemonState(address=self.connection.address)
                else:
                    yield daemon_state(status)

    async def resolve(self, reference: str) -> Resource | None:
        """By id or name; a workflow before an agent of the same name."""
        found = await resolve(self.connection, reference, self.organization)
        return resource_of(found) if found is not None else None

    async def find(self, reference: str) -> Resource | Run | None:
        """As `resolve`, and an execution by its id. Raises StigmerError."""
        if not executions.is_execution(reference):
            return await self._described(reference)
        try:
            stored = await executions.get(self.connection, reference)
        except NotFound:
            return None
        resource_id = executions.resource_of(stored)
        resource = await self.resolve(resource_id)
        return run_of(execution_of(stored, resource.slug if resource else resource_id or reference), resource_id)

    async def looked_up(self, resources: Iterable[Resource], runs: Iterable[Run]) -> Lists:
        """What has become of what was known of a server that cannot list. What is no longer there is left out."""
        found = [await self._described(resource.id) for resource in resources]
        states = []
        for run in runs:
            with suppress(NotFound):
                states.append(run if run.state.is_final else run_of(await self.open(run), run.resource_id))
        return tuple(filter(None, found)), tuple(states)

    async def _described(self, reference: str) -> Resource | None:
        from stigmer_tui.workbench.described import described

        found = await resolve(self.connection, reference, self.organization)
        return described(found) if found is not None else None

    async def create(self, resource: Resource, run_input: RunInput) -> Execution:
        environment = {
            name: executions.RuntimeValue(value.text, value.is_secret)
            for name, value in run_input.environment.items()
            # An existing server refuses empty values, and to an expression they are as good as none.
            if value.text
        }
        self._secrets.update(value.text for value in run_input.environment.values() if value.is_secret)
        remember_values(self._secrets)
        created = await executions.create(
            self.connection,
            KINDS[resource.kind],
            resource.id,
            f"execution-{time.time_ns() // 1000}",
            run_input.message,
            environment,
            resource.organization or self.organization,
        )
        return execution_of(created, resource.slug)

    async def open(self, run: Run) -> Execution:
        stored = await executions.get(self.connection, run.id)
        redact(stored, Redactor(self._secrets))
        return execution_of(stored, run.resource)

    async def cancel(self, execution_id: str, reason: str) -> None:
        """Raises CannotCancel, and StigmerError when the server refuses."""
        if not await executions.cancel(self.connection, execution_id, reason):
            raise CannotCancel(
                f"The server at {self.connection.address} cannot cancel executions",
                "It goes on until it ends by itself.",
            )

    def follower(
        self, changed: Callable[[], None], interrupted: Callable[[], None] = lambda: None, interval_ms: int = 0
    ) -> Follower:
        """Without the secrets that were given since this backend was made, even where a server lets them through."""
        return Follower(self.connection, changed, interrupted, Redactor(self._secrets), interval_ms)

    async def _locate(self) -> Endpoint:
        stopped = self._was_found and not self._configuration.server and read_record(self._configuration.home) is None
        if stopped:
            raise StigmerError("The daemon was stopped", "Start it again with stigmer-tui server start.")
        endpoint = await self._find()
        self._was_found = True
        return endpoint

    async def _find(self) -> Endpoint:
        if self._configuration.server:
            return Endpoint(self._configuration.server, "", is_ours=False)
        return await ensure_daemon(self._configuration)
