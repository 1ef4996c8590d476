"""`apply`: from flags to the workbench without a screen."""

from __future__ import annotations

import asyncio
import os

import click

from stigmer_tui.cli.run import with_organization
from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.configuration import load_configuration
from stigmer_tui.core.control_text import last_form
from stigmer_tui.core.paths import working_folder
from stigmer_tui.headless.apply import apply_project
from stigmer_tui.headless.texts import MAKE_A_PROJECT, no_project
from stigmer_tui.project.project_file import is_project
from stigmer_tui.workbench.grpc_backend import GrpcBackend
from stigmer_tui.workbench.servers import server_of


def apply_headless(dry_run: bool, organization: str) -> int:
    folder = working_folder()
    if not is_project(folder):
        raise no_project(MAKE_A_PROJECT)
    configuration = with_organization(load_configuration(os.environ), organization, folder)

    clock = SystemClock()

    async def apply() -> None:
        backend = GrpcBackend(server_of(configuration, clock), configuration.organization, clock)
        try:
            await apply_project(folder, backend, clock, dry_run, click.echo, echo_indented)
        finally:
            await backend.close()

    asyncio.run(apply())
    return 0


def echo_indented(line: str, is_error: bool) -> None:
    click.echo(f"  {last_form(line)}", err=is_error)
