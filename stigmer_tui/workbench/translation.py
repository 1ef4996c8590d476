"""What the wire says of resources, runs and the daemon, as the plain data that the faces draw."""

from __future__ import annotations

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from stigmer_tui.api import catalogue_pb2 as catalogues
from stigmer_tui.api import daemon_pb2 as daemons
from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.kinds import AGENT
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.workflow_pb2 import Workflow
from stigmer_tui.core.clock import parse_timestamp, timestamp
from stigmer_tui.core.ids import TASK_PREFIX
from stigmer_tui.core.run_variable import RunVariable
from stigmer_tui.definition.extensions import INPUT
from stigmer_tui.workbench.daemon_state import Component, ComponentState, DaemonState
from stigmer_tui.workbench.model import Resource, ResourceKind, Run, RunState
from stigmer_tui.workbench.run_query import Excerpt, FoundRun, RunQuery

PHASES = {
    Phase.UNSPECIFIED: RunState.PENDING,
    Phase.PENDING: RunState.PENDING,
    Phase.IN_PROGRESS: RunState.RUNNING,
    Phase.COMPLETED: RunState.COMPLETED,
    Phase.FAILED: RunState.FAILED,
    Phase.CANCELLED: RunState.CANCELLED,
}

COMPONENT_STATES = {
    daemons.Component.STARTING: ComponentState.STARTING,
    daemons.Component.READY: ComponentState.READY,
    daemons.Component.BUSY: ComponentState.BUSY,
    daemons.Component.RESTARTING: ComponentState.RESTARTING,
    daemons.Component.FAILED: ComponentState.FAILED,
    daemons.Component.STOPPED: ComponentState.STOPPED,
    daemons.Component.NOT_READY: ComponentState.NOT_READY,
}


def resource_of(stored: Agent | Workflow) -> Resource:
    metadata = stored.metadata
    return Resource(
        kind=ResourceKind.AGENT if isinstance(stored, Agent) else ResourceKind.WORKFLOW,
        id=metadata.id,
        slug=metadata.slug,
        name=metadata.name,
        organization=metadata.org,
        description=stored.spec.description,
        input_schema=stored.metadata.annotations.get(INPUT, ""),
    )


def listed_resource(listed: catalogues.Resource) -> Resource:
    return Resource(
        kind=_resource_kind(listed.kind),
        id=listed.id,
        slug=listed.slug,
        name=listed.name,
        organization=listed.org,
        description=listed.description,
        variables=tuple(
            RunVariable(
                name=variable.name,
                description=variable.description,
                default=variable.default_value,
                is_secret=variable.is_secret,
                has_value=variable.has_value,
                used_by=tuple(variable.used_by),
            )
            for variable in listed.variables
        ),
        updated_at=parse_timestamp(listed.updated_at),
        project=listed.project,
        input_schema=listed.input_schema,
    )


def listed_run(listed: catalogues.Run) -> Run:
    return Run(
        kind=ResourceKind.TASK if listed.resource_id.startswith(TASK_PREFIX) else _resource_kind(listed.kind),
        id=listed.id,
        resource_id=listed.resource_id,
        resource=listed.resource_slug,
        state=PHASES[Phase(listed.phase)],
        message=listed.message,
        created_at=parse_timestamp(listed.created_at),
        started_at=parse_timestamp(listed.started_at),
        completed_at=parse_timestamp(listed.completed_at),
        error=listed.error,
    )


def search_request(query: RunQuery, organization: str, limit: int) -> catalogues.SearchRequest:
    return catalogues.SearchRequest(
        org=organization,
        text=query.text,
        phases=[phase.for_agent for phase, state in PHASES.items() if state in query.states],
        resource_slug=query.resource,
        since=timestamp(query.since) if query.since else "",
        limit=limit,
    )


def found_run(found: catalogues.FoundRun) -> FoundRun:
    excerpts = tuple(Excerpt(excerpt.source, excerpt.text) for excerpt in found.excerpts)
    return FoundRun(listed_run(found.run), excerpts)


def daemon_state(status: daemons.Status) -> DaemonState:
    return DaemonState(
        connected=True,
        address=status.address,
        version=status.version,
        home=status.home,
        requires_token=status.requires_token,
        started_at=moment(status.started_at),
        model=status.model,
        sandbox=status.sandbox,
        secrets=status.secrets,
        engine=status.engine,
        free_bytes=status.free_bytes,
        running=status.running,
        components=tuple(_component(component) for component in status.components),
    )


def _component(component: daemons.Component) -> Component:
    state = COMPONENT_STATES.get(component.state, ComponentState.STARTING)
    if component.detail and state in (ComponentState.READY, ComponentState.BUSY):
        # Told at once, and not only when it has been so for a while.
        state = ComponentState.NOT_READY
    return Component(
        name=component.name,
        state=state,
        pid=component.pid,
        memory=component.memory_bytes,
        cpu=component.cpu_percent,
        started_at=moment(component.started_at),
        restarts=component.restarts,
        detail=component.detail,
        notice=component.notice,
        queued=component.queued,
        last_error=component.last_error,
        last_error_at=moment(component.last_error_at),
        log_lines=tuple(component.log_lines),
    )


def _resource_kind(number: int) -> ResourceKind:
    return ResourceKind.AGENT if number == AGENT.number else ResourceKind.WORKFLOW


def moment(timestamp: Timestamp) -> datetime | None:
    """None for one that is not set."""
    return timestamp.ToDatetime(UTC) if timestamp.seconds else None
