"""The agent runner: attaches to the server at once, while the agent framework loads."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module

# Before the framework is imported, which prints a banner at the first run of an agent.
os.environ.setdefault("PYDANTIC_AI_NO_BANNER", "1")

from typing import TYPE_CHECKING

from grpc.aio import Channel

from stigmer_tui.agents.models.current import CurrentModels
from stigmer_tui.agents.sandbox.confinement import find_confinement
from stigmer_tui.agents.sandbox.skill_files import remove_folder
from stigmer_tui.agents.scripts.recordings import Recordings
from stigmer_tui.agents.skills import from_server
from stigmer_tui.agents.worker import Worker
from stigmer_tui.api.runner_pb2 import Hello
from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.known_secrets import remember_values
from stigmer_tui.core.processes import OWNER_MARK, kill_all, marked_processes
from stigmer_tui.core.stored_keys import KeyStore
from stigmer_tui.runners.attachment import Profile, serve
from stigmer_tui.runners.journal import Journal

if TYPE_CHECKING:
    from stigmer_tui.agents.loop import AgentLoop

CAPACITY = 10
"""Executions at the same time."""


async def run_agents(configuration: Configuration, channel: Channel, stopping: asyncio.Event) -> None:
    """Runs agents until `stopping` is set or the server is gone."""
    home = configuration.home
    # Commands of a runner that was killed; they can be ended, since there is one runner to a folder.
    kill_all(marked_processes(OWNER_MARK, str(home.data)))
    await asyncio.to_thread(remove_folder, home.run_skills)
    environment = dict(os.environ)
    models = CurrentModels(home, environment, KeyStore(home))

    has_news = asyncio.Event()
    has_news.set()

    def take_keys(variables: Mapping[str, str]) -> str:
        remember_values(variables.values())
        environment.update(variables)
        has_news.set()
        return models.describe()

    confinement = await find_confinement(home.workspace, configuration.requires_sandbox)
    journal = Journal(home.journals / "agents.db")
    agent_loop = asyncio.create_task(_load(channel))
    # Without the framework the process is useless: it ends, and the supervisor starts another one.
    agent_loop.add_done_callback(lambda loading: None if _has_loaded(loading) else stopping.set())
    preloading = asyncio.create_task(_preload(agent_loop, models, has_news))
    worker = Worker(
        configuration,
        environment,
        models,
        confinement,
        journal,
        agent_loop,
        Recordings(home.recordings),
        from_server(channel),
    )
    try:
        profile = Profile(
            Hello.Kind.AGENTS,
            CAPACITY,
            models.describe(),
            str(confinement),
            records=journal,
            take_keys=take_keys,
        )
        await serve(channel, profile, worker.work, stopping)
        if agent_loop.done():
            agent_loop.result()
    finally:
        preloading.cancel()
        agent_loop.cancel()
        journal.close()


def _has_loaded(loading: asyncio.Task[AgentLoop]) -> bool:
    return loading.cancelled() or loading.exception() is None


async def _load(channel: Channel) -> AgentLoop:
    """Imports the framework in a thread, but after the channel is ready, so that it does not delay the attachment."""
    await channel.channel_ready()
    loop: type[AgentLoop] = (await asyncio.to_thread(import_module, "stigmer_tui.agents.loop")).AgentLoop
    # What was imported stays for good, so the garbage collector need not examine it in the middle of a stream.
    gc.freeze()
    return loop(channel)


async def _preload(agent_loop: asyncio.Task[AgentLoop], models: CurrentModels, has_news: asyncio.Event) -> None:
    """Prepares the framework, and loads the client library of the provider of runs that ask for none, whenever that may
    be another one.
    """
    loop = await asyncio.shield(agent_loop)
    await asyncio.to_thread(loop.rehearse)
    loaded = set()
    while True:
        await has_news.wait()
        has_news.clear()
        with suppress(StigmerError):
            choice = models.chooser().choose()
            if (library := (choice.provider, choice.base_url)) not in loaded:
                await loop.preload(choice)
                loaded.add(library)
                gc.freeze()
