"""The workflow runner: takes leases from the server and runs their workflows."""

from __future__ import annotations

import asyncio
import os

from grpc.aio import Channel

from stigmer_tui.api.runner_pb2 import Hello
from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.trace_context import collector
from stigmer_tui.runners.attachment import Profile, serve
from stigmer_tui.runners.journal import Journal
from stigmer_tui.runners.lease import Lease
from stigmer_tui.workflow.embedded.resources import EngineResources
from stigmer_tui.workflow.evaluator import Evaluator
from stigmer_tui.workflow.execution import execute
from stigmer_tui.workflow.http_client import HttpClient

CAPACITY = 200
"""Executions at a time."""


async def run_workflows(configuration: Configuration, channel: Channel, stopping: asyncio.Event) -> None:
    """Until `stopping` is set or the server is gone. Raises StigmerError when another process holds the journal."""
    # A predecessor may need seconds to let go of it; the loop must not stand still meanwhile.
    journal = await asyncio.to_thread(Journal, configuration.home.journals / "workflows.db")
    resources = EngineResources(
        SystemClock(),
        asyncio.sleep,
        HttpClient(),
        Evaluator(),
        channel,
        recordings=configuration.home.recordings,
        is_traced=bool(collector(os.environ)),
    )

    async def work(lease: Lease) -> None:
        await execute(lease, journal, resources)

    try:
        await serve(channel, Profile(Hello.WORKFLOWS, CAPACITY, records=journal), work, stopping)
    finally:
        await resources.close()
        await asyncio.to_thread(journal.close)
