"""The values that shells complete, each with a word about it. They are looked up while a person waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import click

from stigmer_tui.core.errors import StigmerError

Values = Iterable[tuple[str, str]]
"""Each with what it is; that may be empty."""

TIME_LIMIT = 1.0
"""Seconds that a person who has pressed tab waits for names at most."""


def runnable(ctx: click.Context) -> Values:
    """What `run` takes by its name."""
    return _resources(ctx, "workflow", "agent")


def agents(ctx: click.Context) -> Values:
    return _resources(ctx, "agent")


def environments(ctx: click.Context) -> Values:
    return _resources(ctx, "environment")


def skills(ctx: click.Context) -> Values:
    return _resources(ctx, "skill")


def of_kind(ctx: click.Context) -> Values:
    """Of the kind that stands before it."""
    match ctx.params.get("kind"):
        case "execution":
            return executions(ctx)
        case "session":
            return sessions(ctx)
        case str() as kind:
            return _resources(ctx, kind)
        case _:
            return ()


def executions(ctx: click.Context) -> Values:
    """The newest first."""
    from stigmer_tui.cli.resources import Server
    from stigmer_tui.client.daemon import list_catalogue
    from stigmer_tui.workbench.translation import listed_run

    async def ids(server: Server) -> Values:
        catalogue = await list_catalogue(server.connection, server.organization)
        runs = map(listed_run, catalogue.runs if catalogue else ())
        return [(run.id, f"{run.resource} {run.state}") for run in runs]

    return _asked(ctx, ids)


def sessions(ctx: click.Context) -> Values:
    """The newest first."""
    from stigmer_tui.cli.resource_commands import NEWEST
    from stigmer_tui.cli.resources import Server
    from stigmer_tui.client import sessions

    async def ids(server: Server) -> Values:
        found = await sessions.newest(server.connection, NEWEST)
        return [
            (session.metadata.id, session.spec.subject)
            for session in found
            if session.metadata.org in ("", server.organization)
        ]

    return _asked(ctx, ids)


def organizations(ctx: click.Context) -> Values:
    """Those in which something is deployed."""
    from stigmer_tui.cli.resources import Server
    from stigmer_tui.client.stored_resources import list_resources

    async def names(server: Server) -> Values:
        listed = await list_resources(server.connection, "")
        return [(name, "") for name in sorted({resource.org for resource in listed or ()})]

    return _asked(ctx, names)


def templates(ctx: click.Context) -> Values:
    from stigmer_tui.project.scaffold import TEMPLATES

    return [(template.name, template.description) for template in TEMPLATES]


def contexts(ctx: click.Context) -> Values:
    from stigmer_tui.cli.context import known_contexts

    return [(context.name, context.described()) for context in known_contexts()]


def configured(ctx: click.Context) -> Values:
    """The keys of config.yaml."""
    from stigmer_tui.core.settings import SETTINGS

    return [(setting.name, setting.help) for setting in SETTINGS]


def providers(ctx: click.Context) -> Values:
    from stigmer_tui.core.model_providers import PROVIDERS

    return [(provider.name, "") for provider in PROVIDERS]


def keyed_providers(ctx: click.Context) -> Values:
    from stigmer_tui.core.model_providers import PROVIDERS

    return [(provider.name, provider.key_variable) for provider in PROVIDERS if provider.key_variable]


def stored_secrets(ctx: click.Context) -> Values:
    """The keys that may be stored, and the secrets of runs that are."""
    from stigmer_tui.cli.secrets import secrets_of_runs

    folder, of_runs = secrets_of_runs()
    return [*keyed_providers(ctx), *((name, f"for runs from {folder}") for name in of_runs.names)]


def tasks(ctx: click.Context) -> Values:
    from stigmer_tui.cli.task_lists import task_names

    return [(name, "") for name in task_names()]


def coding_agents(ctx: click.Context) -> Values:
    from stigmer_tui.cli.task_lists import agent_names

    return [(name, "") for name in agent_names()]


def _resources(ctx: click.Context, *kinds: str) -> Values:
    from stigmer_tui.cli.resources import KINDS, Server

    async def names(server: Server) -> Values:
        listed = await server.list([KINDS[kind] for kind in kinds])
        return [(resource.slug, resource.description) for resource in listed]

    return _asked(ctx, names)


def _asked(ctx: click.Context, ask: Callable[..., Awaitable[Values]]) -> Values:
    """Nothing where no server runs, or it does not answer: a key that a person pressed must not fail."""
    from stigmer_tui.cli.resources import running_server

    async def found() -> Values:
        async with asyncio.timeout(TIME_LIMIT), running_server(ctx.params.get("org") or "") as server:
            return await ask(server) if server else ()

    try:
        return asyncio.run(found())
    except (StigmerError, OSError, TimeoutError):
        return ()
