"""What is deployed on a server, as the project room asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer_tui.api.kinds import AGENT, WORKFLOW
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.project.plan import DeployedResource
from tests.server.builders import agent, workflow
from tests.workbench.test_grpc_backend import connected


async def test_what_is_applied_is_found_by_kind_name_and_organization(tmp_path: Path) -> None:
    async with connected(tmp_path) as (backend, _, tally):
        deployments = backend.deployments()
        stored = await deployments.apply(agent("helper"))
        assert stored.metadata.id
        assert await deployments.get(AGENT, "helper", "local") == stored
        found = await deployments.get(WORKFLOW, "tally", "local")
        assert found is not None
        assert found.metadata.id == tally.id
        for kind, slug, organization in (
            (WORKFLOW, "helper", "local"),
            (AGENT, "tally", "local"),
            (AGENT, "helper", "acme"),
            (AGENT, "nothing", "local"),
        ):
            assert await deployments.get(kind, slug, organization) is None


async def test_a_refusal_is_said_in_words(tmp_path: Path) -> None:
    async with connected(tmp_path) as (backend, _, _):
        with pytest.raises(StigmerError):
            await backend.deployments().apply(workflow(""))


@pytest.mark.parametrize("plain", [False, True])
async def test_all_that_an_organization_has_deployed(tmp_path: Path, plain: bool) -> None:
    """An existing server cannot list it."""
    async with connected(tmp_path, plain) as (backend, _, _):
        deployments = backend.deployments()
        await deployments.apply(agent("helper"))
        deployed = await deployments.deployed("local")
        if plain:
            assert deployed is None
        else:
            assert deployed is not None
            assert {DeployedResource(AGENT, "helper", ""), DeployedResource(WORKFLOW, "tally", "")} <= set(deployed)
            assert {each.slug for each in deployed} == {"helper", "tally", "helper-default", "tally-default"}
            assert await deployments.deployed("acme") == []
