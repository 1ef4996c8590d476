"""Assembles the server, and opens and closes it."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import grpc.aio

from stigmer_tui.api.channel import MESSAGE_SIZE_OPTIONS
from stigmer_tui.api.daemon_pb2 import StatusRequest
from stigmer_tui.api.runner_pb2 import Assignment
from stigmer_tui.core.addresses import bind_error, require_loopback
from stigmer_tui.core.changes import ChangeSignal
from stigmer_tui.core.clock import Clock, SystemClock
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.ids import IdSource
from stigmer_tui.core.paths import Home
from stigmer_tui.core.remote_access import RemoteAccess, require_tls_beyond_loopback
from stigmer_tui.core.settings import ADDRESS
from stigmer_tui.core.sqlite import Database
from stigmer_tui.server.access import TokenAuth
from stigmer_tui.server.agent_executions import AgentExecutions
from stigmer_tui.server.agents import AgentInstances, Agents
from stigmer_tui.server.approvals import Approvals, DecisionStore
from stigmer_tui.server.attached_files import AttachedFiles
from stigmer_tui.server.background import Background
from stigmer_tui.server.catalogue import CatalogueCalls
from stigmer_tui.server.controllers import handlers
from stigmer_tui.server.daemon_status import Components, DaemonCalls, Instance
from stigmer_tui.server.environments import Environments, ExecutionContexts, RunEnvironments
from stigmer_tui.server.execution_calls import ExecutionCalls
from stigmer_tui.server.execution_search import ExecutionSearch
from stigmer_tui.server.execution_store import ExecutionStore
from stigmer_tui.server.executions import Executions, LiveExecution
from stigmer_tui.server.introspection import introspection_handlers
from stigmer_tui.server.leases import LeaseLimits, Leases
from stigmer_tui.server.model_requests import ModelRequests
from stigmer_tui.server.provider_keys import ProviderKeys
from stigmer_tui.server.resource_store import ResourceStore
from stigmer_tui.server.resources import ResourceBackend
from stigmer_tui.server.runner_calls import RunnerCalls
from stigmer_tui.server.schema import MIGRATIONS
from stigmer_tui.server.services import Calls, contract_controllers, own_controllers
from stigmer_tui.server.sessions import Sessions
from stigmer_tui.server.skills import Skills
from stigmer_tui.server.sub_agents import SubAgents
from stigmer_tui.server.task_runs import TaskRuns
from stigmer_tui.server.telemetry import Telemetry, open_telemetry
from stigmer_tui.server.tls import server_credentials
from stigmer_tui.server.vault import KeySource, Vault
from stigmer_tui.server.workflow_executions import WorkflowExecutions
from stigmer_tui.server.workflows import WorkflowInstances, Workflows

logger = logging.getLogger(__name__)

SERVER_OPTIONS = [
    *MESSAGE_SIZE_OPTIONS,
    # Otherwise two servers could share the port, and calls would reach either.
    ("grpc.so_reuseport", 0),
]

STREAM_GRACE = 0.2
"""Seconds for calls in progress when the server closes; streams never end by themselves."""


@dataclass(frozen=True, slots=True)
class Settings:
    home: Home
    addresses: Sequence[str]
    """host:port to listen on: the first that is free. Port 0 means any."""
    token: str
    """Empty allows all local users to use the public services, on loopback only."""
    remote: RemoteAccess | None = None
    """Where else to listen, by TLS, for other machines; needs a token."""
    metrics: str = ""
    """host:port for `/metrics`; empty for none."""
    plain: bool = False
    """Serves only what existing servers serve (for tests)."""
    limits: LeaseLimits = field(default_factory=LeaseLimits)


@dataclass(frozen=True, slots=True)
class Server:
    address: str
    leases: Leases
    executions: Executions


@asynccontextmanager
async def open_server(
    settings: Settings, components: Components, keys: KeySource, clock: Clock | None = None
) -> AsyncIterator[Server]:
    """Opens a server, which resumes unfinished executions. Raises StigmerError."""
    for address in settings.addresses:
        if settings.token:
            require_tls_beyond_loopback(address)
        else:
            require_loopback(address)
    if settings.remote and not settings.token:
        raise StigmerError(f"Other machines may reach the daemon at {settings.remote.address} with a token only")
    clock = clock or SystemClock()
    database = Database(settings.home.database, MIGRATIONS)
    background = Background()
    telemetry: Telemetry | None = None
    try:
        listener = grpc.aio.server(options=SERVER_OPTIONS)
        address = _listen(listener, settings.addresses)
        if settings.remote:
            _listen_by_tls(listener, settings.remote)
        changes = ChangeSignal()
        executions = Executions(ExecutionStore(database), clock, changes)
        calls = _assemble(settings, address, components, database, keys, background, executions, changes, clock)
        telemetry = open_telemetry(executions, background, os.environ)
        if telemetry:
            _at_each_end(executions, telemetry.send)
        auth = TokenAuth(settings.token, components.identify)
        controllers = contract_controllers(calls) + ([] if settings.plain else own_controllers(calls))
        listener.add_generic_rpc_handlers([handlers(controller, auth) for controller in controllers])
        if not settings.plain:
            names = [controller.service.full_name for controller in controllers]
            listener.add_generic_rpc_handlers(introspection_handlers(names, calls.daemon, auth))
        await listener.start()
        leases = calls.executions.leases
        database.on_problem = _from_another_thread(components.changes.note)
        await leases.resume()
        calls.task_runs.resume()
        logger.info("listening at %s", address)
        try:
            async with _metrics(settings, executions, calls.daemon):
                yield Server(address, leases, executions)
        finally:
            await listener.stop(STREAM_GRACE)
    finally:
        if telemetry:
            await telemetry.close()
        await background.close()
        database.close()


def _from_another_thread(function: Callable[[], None]) -> Callable[[], None]:
    loop = asyncio.get_running_loop()

    def call() -> None:
        # The loop may be closed already.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(function)

    return call


def _at_each_end(executions: Executions, act: Callable[[LiveExecution], None]) -> None:
    """Also acts when an execution has ended, but not when it is deleted."""
    end = executions.on_end

    def ended(live: LiveExecution) -> None:
        if not live.deleted:
            act(live)
        end(live)

    executions.on_end = ended


@asynccontextmanager
async def _metrics(settings: Settings, executions: Executions, daemon: DaemonCalls) -> AsyncIterator[None]:
    """Where a person asks for them."""
    if not settings.metrics:
        yield
        return
    from stigmer_tui.server.metrics import Metrics
    from stigmer_tui.server.metrics_endpoint import serving_metrics

    metrics = Metrics()
    _at_each_end(executions, lambda live: metrics.count(live.state.execution))

    async def text() -> str:
        return metrics.text(await daemon.status(StatusRequest()))

    async with serving_metrics(settings.metrics, settings.token, text):
        yield


def _assemble(
    settings: Settings,
    address: str,
    components: Components,
    database: Database,
    keys: KeySource,
    background: Background,
    executions: Executions,
    changes: ChangeSignal,
    clock: Clock,
) -> Calls:
    vault = Vault(database, keys)
    ids = IdSource(lambda: int(clock.now().timestamp() * 1000))
    store = ResourceStore(database)
    backend = ResourceBackend(store, vault, ids, clock, changes)
    environments = RunEnvironments(store, vault)

    async def assignment(live: LiveExecution) -> Assignment:
        return await environments.unsealed(live.state.execution, executions.store.assignment(live.id))

    provider_keys = ProviderKeys(os.environ)
    leases = Leases(executions, assignment, components, background, settings.limits, provider_keys)
    execution_calls = ExecutionCalls(executions, leases, environments, ids, clock)

    def ended(live: LiveExecution) -> None:
        background.spawn(execution_calls.cancel_children(live))
        background.spawn(environments.forget(live.id))

    executions.on_end = ended
    agents, workflows, sessions = Agents(backend), Workflows(backend), Sessions(backend)
    skills = Skills(backend, database, settings.home.artifacts)
    attached_files = AttachedFiles(database)
    agent_executions = AgentExecutions(execution_calls, agents, sessions, skills, attached_files)
    model_requests = ModelRequests(database, executions)
    instance = Instance(address, str(settings.home.root), bool(settings.token), clock.now())
    return Calls(
        agents=agents,
        agent_instances=AgentInstances(backend),
        workflows=workflows,
        workflow_instances=WorkflowInstances(backend),
        sessions=sessions,
        environments=Environments(backend),
        execution_contexts=ExecutionContexts(backend),
        skills=skills,
        agent_executions=agent_executions,
        attached_files=attached_files,
        workflow_executions=WorkflowExecutions(execution_calls, workflows),
        executions=execution_calls,
        catalogue=CatalogueCalls(store, executions.store, changes),
        search=ExecutionSearch(executions),
        daemon=DaemonCalls(instance, components, leases, vault, database, provider_keys),
        approvals=Approvals(DecisionStore(database), executions, leases),
        runners=RunnerCalls(leases, executions, agent_executions, model_requests, SubAgents(execution_calls)),
        model_requests=model_requests,
        task_runs=TaskRuns(execution_calls, background, settings.limits.absence),
    )


def _listen_by_tls(listener: grpc.aio.Server, remote: RemoteAccess) -> None:
    credentials = server_credentials(remote)
    try:
        port = listener.add_secure_port(remote.address, credentials)
    except RuntimeError as error:
        reason = bind_error(remote.address) or "another program may be using that port"
        raise StigmerError(f"Cannot listen at {remote.address}: {reason}", "Choose another with --listen.") from error
    logger.info("listening for other machines at %s", f"{remote.address.rpartition(':')[0]}:{port}")


def _listen(listener: grpc.aio.Server, addresses: Sequence[str]) -> str:
    for address in addresses:
        try:
            if port := listener.add_insecure_port(address):
                return f"{address.rpartition(':')[0]}:{port}"
        except RuntimeError as error:
            logger.info("cannot listen at %s: %s", address, error)
    # grpc does not say why.
    reason = bind_error(addresses[-1]) or "another program may be using that port"
    raise StigmerError(
        f"Cannot listen at {addresses[-1]}: {reason}",
        f"Choose another with --address, {ADDRESS.key} in config.yaml or {ADDRESS.variable}; port 0 is any free one.",
    )
