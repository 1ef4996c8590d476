"""A server that is reached by gRPC, in the terms of the model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from stigmer_tui.api.kinds import AGENT, WORKFLOW
from stigmer_tui.api.redaction import redact
from stigmer_tui.client import executions
from stigmer_tui.client.connection import Connection, StreamInterrupted
from stigmer_tui.client.daemon import list_catalogue, offer_keys, search_executions, watch_catalogue, watch_daemon
from stigmer_tui.client.errors import NotFound, Unimplemented
from stigmer_tui.client.resources import get_by_id, resolve
from stigmer_tui.core.clock import Clock
from stigmer_tui.core.daemon_processes import RUNNERS
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.known_secrets import remember_values
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.definition.extensions import FILES, replaced_in
from stigmer_tui.workbench.abilities import ALL, Abilities, CannotCancel
from stigmer_tui.workbench.approvals import Allow, Deny, Verdict, WaitingCall
from stigmer_tui.workbench.backend import Lists
from stigmer_tui.workbench.daemon_state import DaemonState
from stigmer_tui.workbench.execution_tree import Execution, run_of
from stigmer_tui.workbench.following import Follower
from stigmer_tui.workbench.model import Resource, ResourceKind, Run
from stigmer_tui.workbench.run_query import FoundRun, RunQuery
from stigmer_tui.workbench.servers import SessionServer
from stigmer_tui.workbench.state import RunInput
from stigmer_tui.workbench.translation import (
    daemon_state,
    found_run,
    listed_resource,
    listed_run,
    resource_of,
    search_request,
)
from stigmer_tui.workbench.wire_deltas import execution_of, sent_request_of

if TYPE_CHECKING:
    from stigmer_tui.api.agent_execution_pb2 import AgentExecution
    from stigmer_tui.api.agent_pb2 import Agent
    from stigmer_tui.api.workflow_pb2 import Workflow
    from stigmer_tui.project.plan import Deployments
    from stigmer_tui.workbench.model_requests import SentRequest
    from stigmer_tui.workbench.preview import Preview

KINDS = {ResourceKind.AGENT: AGENT, ResourceKind.WORKFLOW: WORKFLOW}


class GrpcBackend:
    def __init__(self, server: SessionServer, organization: str, clock: Clock) -> None:
        self.organization = organization
        self._server = server
        self._clock = clock
        self._connection = Connection(server.locate)
        self._secrets: set[str] = set()
        self._abilities: Abilities | None = None

    @property
    def is_ours(self) -> bool:
        return self._server.is_ours

    async def connect(self) -> str:
        self._server.search_anew()
        await self._connection.channel()
        if not self.is_ours:
            # Our own daemon has answered when it is found.
            try:
                await self._connection.check()
            except StigmerError:
                # Where there was one server, there may be another next time.
                self._abilities = None
                raise
        return self._connection.address

    async def abilities(self) -> Abilities:
        """Asks a server that is not ours for what it does not know; the questions change nothing."""
        if self.is_ours:
            return ALL
        if self._abilities is None:
            can_list = await list_catalogue(self._connection, self.organization, recent=1) is not None
            self._abilities = Abilities(can_list, can_control=await executions.can_cancel(self._connection))
        return self._abilities

    async def hand_over_keys(self) -> tuple[str, ...]:
        """Over the wire, with the token of this home, and into memory only."""
        keys = self._server.provider_keys()
        return await offer_keys(self._connection, keys) if keys else ()

    async def wait_for_server(self) -> None:
        await self._server.wait()

    async def stop_daemon(self) -> None:
        await self._server.stop()

    async def restart_daemon(self) -> None:
        await self._server.restart()

    async def restart_component(self, name: str) -> None:
        from stigmer_tui.daemon.component_restart import restart_and_wait

        process = next(process for process in RUNNERS if process.name == name)
        await restart_and_wait(self._connection, process)

    def last_log_lines(self) -> tuple[str, ...]:
        return self._server.last_log_lines()

    async def close(self) -> None:
        await self._connection.close()

    async def lists(self) -> Lists | None:
        catalogue = await list_catalogue(self._connection, self.organization)
        if catalogue is None:
            return None
        return tuple(map(listed_resource, catalogue.resources)), tuple(map(listed_run, catalogue.runs))

    async def watch_lists(self) -> AsyncGenerator[Lists, None]:
        async with aclosing(watch_catalogue(self._connection, self.organization)) as catalogues:
            async for catalogue in catalogues:
                if not isinstance(catalogue, StreamInterrupted):
                    yield tuple(map(listed_resource, catalogue.resources)), tuple(map(listed_run, catalogue.runs))

    async def search(self, query: RunQuery, limit: int) -> AsyncGenerator[tuple[FoundRun, ...], None]:
        request = search_request(query, self.organization, limit)
        redactor = Redactor(self._secrets)
        try:
            async with aclosing(search_executions(self._connection, request)) as responses:
                async for response in responses:
                    redact(response, redactor)
                    found = map(found_run, response.found)
                    yield tuple(each for each in found if query.kind in (None, each.run.kind))
        except Unimplemented:
            raise StigmerError(f"The server at {self._connection.address} cannot search its executions") from None

    async def watch_daemon(self) -> AsyncIterator[DaemonState]:
        async with aclosing(watch_daemon(self._connection)) as statuses:
            async for status in statuses:
                if isinstance(status, StreamInterrupted):
                    yield DaemonState(address=self._connection.address)
                else:
                    yield daemon_state(status)

    async def resolve(self, reference: str, with_variables: bool = False) -> Resource | None:
        if with_variables:
            from stigmer_tui.workbench.described import described as plain
        else:
            plain = resource_of
        found = await resolve(self._connection, reference, self.organization)
        return plain(found) if found is not None else await self._resolve_instance(reference, plain)

    async def _resolve_instance(self, reference: str, plain: Callable[[Agent | Workflow], Resource]) -> Resource | None:
        """What it is an instance of, under the instance's own name."""
        from stigmer_tui.client.instances import find_instance
        from stigmer_tui.project.plan import owner_of

        instance = await find_instance(self._connection, reference, self.organization)
        if instance is None:
            return None
        kind, owner_id = owner_of(instance)
        owner = await get_by_id(self._connection, kind, owner_id)
        metadata = instance.metadata
        return owner and replace(plain(owner), slug=metadata.slug, name=metadata.name, instance=metadata.id)

    async def find(self, reference: str) -> Resource | Run | None:
        if executions.is_session(reference):
            stored = await self._newest_of_session(reference)
        elif executions.is_execution(reference):
            stored = await self._stored(reference)
        else:
            return await self._described(reference)
        if stored is None:
            return None
        resource_id = executions.resource_of(stored)
        resource = await self.resolve(resource_id)
        return run_of(execution_of(stored, resource.slug if resource else resource_id or reference), resource_id)

    async def _stored(self, execution_id: str) -> executions.AnyExecution | None:
        try:
            return await executions.get(self._connection, execution_id)
        except NotFound:
            return None

    async def _newest_of_session(self, session_id: str) -> executions.AnyExecution | None:
        from stigmer_tui.client import sessions

        return await sessions.newest_execution(self._connection, session_id)

    async def look_up(self, resources: Iterable[Resource], runs: Iterable[Run]) -> Lists:
        found = [await self._described(resource.id) for resource in resources]
        states = []
        for run in runs:
            with suppress(NotFound):
                states.append(run if run.state.is_final else run_of(await self.open(run), run.resource_id))
        return tuple(filter(None, found)), tuple(states)

    async def _described(self, reference: str) -> Resource | None:
        from stigmer_tui.workbench.described import described

        found = await resolve(self._connection, reference, self.organization)
        return described(found) if found is not None else None

    async def preview(self, resource: Resource) -> Preview | None:
        await asyncio.to_thread(_load_descriptions)
        from stigmer_tui.workbench.described import preview_of

        stored = await get_by_id(self._connection, KINDS[resource.kind], resource.id)
        return preview_of(resource, stored) if stored is not None else None

    async def create(self, resource: Resource, run_input: RunInput, session: str = "") -> Execution:
        environment = {
            name: executions.RuntimeValue(value.text, value.is_secret)
            for name, value in run_input.environment.items()
            # An existing server refuses empty values, and to an expression they are as good as none.
            if value.text
        }
        self._secrets.update(value.text for value in run_input.environment.values() if value.is_secret)
        remember_values(self._secrets)
        organization = resource.organization or self.organization
        is_agent = resource.kind is ResourceKind.AGENT
        if resource.instance and is_agent and not session:
            from stigmer_tui.client import sessions

            opened = await sessions.create(self._connection, resource.instance, organization, run_input.message)
            session = opened.metadata.id
        if FILES in run_input.annotations:
            await self._check_files(resource)
        created = await executions.create(
            self._connection,
            KINDS[resource.kind],
            resource.id,
            f"execution-{int(self._clock.now().timestamp() * 1_000_000)}",
            run_input.message,
            environment,
            organization,
            session,
            annotations=run_input.annotations,
            instance="" if is_agent else resource.instance,
        )
        return execution_of(created, resource.slug)

    async def _check_files(self, resource: Resource) -> None:
        """Raises StigmerError where files cannot belong to the message."""
        if resource.kind is not ResourceKind.AGENT:
            raise StigmerError(f"{resource.name} is a workflow, and files are for agents", "Leave the files out.")
        if not (await self.abilities()).can_control:
            raise StigmerError(f"The server at {self._connection.address} keeps no files", "Leave the files out.")

    async def conversation(self, execution: Execution) -> tuple[Execution, ...]:
        # Only runs of agents have one, and few of these are continued.
        from stigmer_tui.client import sessions

        if not execution.session:
            return (execution,)
        found = []
        everything = await sessions.conversation(self._connection, execution.session)
        replaced = {id_ for stored in everything for id_ in replaced_in(stored.metadata.annotations)}
        for stored in everything:
            if stored.metadata.id == execution.id:
                found.append(execution)
            elif stored.metadata.id not in replaced:
                redact(stored, Redactor(self._secrets))
                found.append(execution_of(stored, execution.resource))
        return tuple(found) if execution in found else (execution,)

    async def fork(self, execution: Execution) -> str:
        from stigmer_tui.client import sessions

        stored = await executions.get(self._connection, execution.id)
        return (await sessions.fork(self._connection, cast("AgentExecution", stored))).metadata.id

    async def open(self, run: Run) -> Execution:
        stored = await executions.get(self._connection, run.id)
        redact(stored, Redactor(self._secrets))
        return execution_of(stored, run.resource)

    async def model_request(self, execution_id: str, number: int) -> SentRequest:
        # Few people read one.
        from stigmer_tui.client.model_requests import get_model_request

        return sent_request_of(await get_model_request(self._connection, execution_id, number))

    async def decide(self, waiting: WaitingCall, verdict: Verdict) -> None:
        # Few runs have a call that waits.
        from stigmer_tui.client import approvals

        match verdict:
            case Allow(arguments, is_for_run):
                await approvals.allow(self._connection, waiting.execution_id, waiting.call.id, arguments, is_for_run)
            case Deny(reason):
                await approvals.deny(self._connection, waiting.execution_id, waiting.call.id, reason)

    async def cancel(self, execution_id: str, reason: str) -> None:
        if not await executions.cancel(self._connection, execution_id, reason):
            raise CannotCancel(
                f"The server at {self._connection.address} cannot cancel executions",
                "It goes on until it ends by itself.",
            )

    async def delete(self, execution_id: str) -> None:
        await executions.delete(self._connection, execution_id)

    async def follow(
        self,
        execution: Execution,
        changed: Callable[[], None],
        interrupted: Callable[[], None],
        interval_ms: int,
    ) -> None:
        """Without the secrets that were given since this backend was made, even where a server lets them through."""
        follower = Follower(self._connection, changed, interrupted, Redactor(self._secrets), interval_ms)
        await follower.follow(execution)

    def deployments(self) -> Deployments:
        # Outside a project nothing is deployed, and what reads projects need not be loaded.
        from stigmer_tui.workbench.grpc_deployments import GrpcDeployments

        return GrpcDeployments(self._connection)


def _load_descriptions() -> None:
    """Beside the event loop, which must not stand still for it."""
    import stigmer_tui.workbench.described  # noqa: F401
