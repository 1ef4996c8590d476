"""What the server lists, in the terms of the workbench."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from stigmer_tui.api import catalogue_pb2 as catalogues
from stigmer_tui.api import daemon_pb2 as daemons
from stigmer_tui.api.kinds import AGENT, WORKFLOW
from stigmer_tui.api.phases import Phase
from stigmer_tui.core.run_variable import RunVariable
from stigmer_tui.workbench.daemon_state import Component, ComponentState, DaemonState
from stigmer_tui.workbench.described import described
from stigmer_tui.workbench.model import Resource, ResourceKind, Run, RunState
from stigmer_tui.workbench.translation import daemon_state, listed_resource, listed_run, resource_of
from tests.server.builders import agent, workflow

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
AT = "2026-11-28T12:00:00.000Z"


def test_a_stored_resource_is_known_by_its_metadata() -> None:
    stored = workflow("Tea Shop")
    stored.metadata.id, stored.metadata.slug, stored.metadata.org = "wf_1", "tea-shop", "acme"
    stored.spec.description = "sells"
    assert resource_of(stored) == Resource(ResourceKind.WORKFLOW, "wf_1", "tea-shop", "Tea Shop", "acme", "sells")
    assert resource_of(agent()).kind is ResourceKind.AGENT


def test_a_listed_resource_has_its_variables() -> None:
    variable = {"name": "TOKEN", "description": "a key", "is_secret": True, "has_value": True, "used_by": ["fetch"]}
    given: dict[str, Any] = {
        "kind": AGENT.number,
        "id": "agt_1",
        "slug": "reviewer",
        "name": "Reviewer",
        "org": "acme",
        "description": "reads",
        "variables": [variable, {"name": "REGION", "default_value": "eu"}],
        "updated_at": AT,
        "project": "demo",
    }
    assert listed_resource(catalogues.Resource(**given)) == Resource(
        ResourceKind.AGENT,
        "agt_1",
        "reviewer",
        "Reviewer",
        "acme",
        "reads",
        (RunVariable("TOKEN", "a key", "", True, True, ("fetch",)), RunVariable("REGION", default="eu")),
        NOON,
        "demo",
    )
    assert listed_resource(catalogues.Resource(kind=WORKFLOW.number)).kind is ResourceKind.WORKFLOW


def test_a_listed_run_is_read_with_all_that_is_known_of_it() -> None:
    given: dict[str, Any] = {
        "kind": WORKFLOW.number,
        "id": "wfx_1",
        "resource_id": "wf_1",
        "resource_slug": "tally",
        "phase": Phase.FAILED,
        "message": "count",
        "created_at": AT,
        "started_at": AT,
        "completed_at": AT,
        "error": "late",
    }
    assert listed_run(catalogues.Run(**given)) == Run(
        ResourceKind.WORKFLOW, "wfx_1", "wf_1", "tally", RunState.FAILED, "count", NOON, NOON, NOON, "late"
    )
    assert listed_run(catalogues.Run(kind=AGENT.number)).started_at is None


def test_the_state_of_the_daemon() -> None:
    component = daemons.Component(
        name="agent-runner",
        state=daemons.Component.RESTARTING,
        pid=42,
        memory_bytes=900,
        cpu_percent=1.5,
        restarts=2,
        detail="was killed",
    )
    component.started_at.FromDatetime(NOON)
    status = daemons.Status(
        address="127.0.0.1:1",
        version="1.2",
        home="/data",
        requires_token=True,
        model="gpt",
        sandbox="bwrap",
        secrets="keyring",
        running=3,
        components=[component],
    )
    status.started_at.FromDatetime(NOON)
    assert daemon_state(status) == DaemonState(
        connected=True,
        address="127.0.0.1:1",
        version="1.2",
        home="/data",
        requires_token=True,
        started_at=NOON,
        model="gpt",
        sandbox="bwrap",
        secrets="keyring",
        running=3,
        components=(Component("agent-runner", ComponentState.RESTARTING, 42, 900, 1.5, NOON, 2, "was killed"),),
    )


@pytest.mark.parametrize(
    ("state", "detail", "shown"),
    [
        (daemons.Component.READY, "", ComponentState.READY),
        (daemons.Component.READY, "the disk is full", ComponentState.NOT_READY),
        (daemons.Component.BUSY, "the disk is full", ComponentState.NOT_READY),
        (daemons.Component.FAILED, "ended too often", ComponentState.FAILED),
        (daemons.Component.STOPPED, "", ComponentState.STOPPED),
    ],
)
def test_a_process_that_is_kept_from_its_work_waits(
    state: daemons.Component.State.ValueType, detail: str, shown: ComponentState
) -> None:
    (component,) = daemon_state(daemons.Status(components=[daemons.Component(state=state, detail=detail)])).components
    assert (component.state, component.started_at) == (shown, None)


def test_a_described_resource_has_the_variables_of_its_definition() -> None:
    stored = workflow()
    stored.spec.env_spec.data["REGION"].value = "eu-west-1"
    assert [(variable.name, variable.default) for variable in described(stored).variables] == [("REGION", "eu-west-1")]
