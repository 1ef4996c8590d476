"""Completion in shells: the script for each, and the names that it asks for while a person types."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import click
from click.shell_completion import CompletionItem, ShellComplete, get_completion_class

from stigmer_tui.cli import COMPLETION
from stigmer_tui.core.errors import StigmerError

PROGRAM = "stigmer-tui"

TIME_LIMIT = 1.0
"""Seconds that a person who has pressed tab waits for names at most."""


def print_script(shell: str) -> int:
    from stigmer_tui.cli.commands import program

    script = _completion(shell, program)
    # Not the method of the class for bash, which runs bash to see how old it is.
    click.echo(ShellComplete.source(script))
    return 0


def complete(instruction: str) -> int:
    """What the script of a shell asks for by the variable, such as `bash_complete`."""
    from stigmer_tui.cli.commands import program

    shell, _, action = instruction.partition("_")
    if action != "complete":
        return print_script(shell)
    click.echo(_completion(shell, program).complete())
    return 0


def _completion(shell: str, program: click.Command) -> ShellComplete:
    kind = get_completion_class(shell)
    if kind is None:
        raise StigmerError(f"There is no completion for the shell {shell!r}", "There are bash, zsh and fish.")
    return kind(program, {}, PROGRAM, COMPLETION)


def resource_names(kind: str, incomplete: str, organization: str) -> list[CompletionItem]:
    """Of the resources of a kind; empty for all that can be run."""
    from stigmer_tui.cli.resources import KINDS, Server

    async def names(server: Server) -> Sequence[tuple[str, str]]:
        kinds = [KINDS[kind]] if kind else [KINDS["workflow"], KINDS["agent"]]
        return [(resource.slug, resource.description) for resource in await server.list(kinds)]

    return _items(names, incomplete, organization)


def execution_ids(incomplete: str, organization: str) -> list[CompletionItem]:
    """The newest first."""
    from stigmer_tui.cli.resources import Server
    from stigmer_tui.client.daemon import list_catalogue
    from stigmer_tui.workbench.translation import listed_run

    async def ids(server: Server) -> Sequence[tuple[str, str]]:
        catalogue = await list_catalogue(server.connection, server.organization)
        runs = map(listed_run, catalogue.runs if catalogue else ())
        return [(run.id, f"{run.resource} {run.state}") for run in runs]

    return _items(ids, incomplete, organization)


def _items(
    ask: Callable[..., Awaitable[Sequence[tuple[str, str]]]], incomplete: str, organization: str
) -> list[CompletionItem]:
    """Nothing where no server runs, or it does not answer: a key that a person pressed must not fail."""
    from stigmer_tui.cli.resources import running_server

    async def found() -> Sequence[tuple[str, str]]:
        async with asyncio.timeout(TIME_LIMIT), running_server(organization) as server:
            return await ask(server) if server else ()

    try:
        pairs = asyncio.run(found())
    except (StigmerError, OSError, TimeoutError):
        return []
    return [
        CompletionItem(name, help=" ".join(text.split()) or None) for name, text in pairs if name.startswith(incomplete)
    ]
