"""Fixtures of the workflow room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stigmer_tui.api.channel import open_channel
from stigmer_tui.api.runner_pb2_grpc import RunnerControllerStub
from tests.workflow.http_server import HttpServer, http_server
from tests.workflow.stand_in import StandIn, stand_in
from tests.workflow.world import World, world


@pytest.fixture(name="world")
async def world_fixture(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as found:
        yield found


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    async with http_server() as found:
        yield found


@pytest.fixture
async def agents(world: World) -> AsyncIterator[StandIn]:
    """A server that the world's executions reach, with agents."""
    async with stand_in() as found:
        await world.channel.close()
        world.channel = open_channel(found.address)
        runner = RunnerControllerStub(world.channel)
        world.agent, world.workflow = runner.startAgent, runner.startWorkflow
        yield found
