"""`run`: from flags to the workbench without a screen."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.configuration import Configuration, load_configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.known_secrets import remember
from stigmer_tui.core.paths import working_folder
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.headless.face import Output
from stigmer_tui.headless.run import FAILED, HeadlessRun, Request
from stigmer_tui.headless.texts import NAME_SOMETHING, no_project, parse_runtime_env
from stigmer_tui.project.project_file import is_project, load_project
from stigmer_tui.workbench.grpc_backend import GrpcBackend
from stigmer_tui.workbench.model import Resource
from stigmer_tui.workbench.servers import server_of
from stigmer_tui.workbench.state import RunInput


@dataclass(frozen=True, slots=True)
class RunOptions:
    reference: str
    message: str
    runtime_env: tuple[str, ...]
    follow: bool
    detach: bool
    organization: str
    as_json: bool


def run_headless(options: RunOptions) -> int:
    folder = working_folder()
    in_project = is_project(folder)
    environment = parse_runtime_env(options.runtime_env)
    request = Request(options.reference, RunInput(options.message, environment), options.follow, options.detach)
    redactor = Redactor(value.text for value in environment.values() if value.is_secret)
    remember(redactor)
    clock = SystemClock()
    face: Output
    if options.as_json:
        from stigmer_tui.headless.json_face import JsonOutput

        face = JsonOutput(sys.stdout, sys.stderr, redactor, clock)
    else:
        from stigmer_tui.headless.text_face import TextOutput

        face = TextOutput(sys.stdout, sys.stderr, redactor)

    try:
        if not in_project and not options.reference:
            raise no_project(NAME_SOMETHING)
        configuration = with_organization(load_configuration(os.environ), options.organization, folder)
    except StigmerError as error:
        face.failed(error.message, error.advice)
        return FAILED

    async def run() -> int:
        loop, interrupted = asyncio.get_running_loop(), asyncio.Event()

        def interrupt() -> None:
            """The first ctrl+c ends gracefully, the second one at once."""
            interrupted.set()
            loop.remove_signal_handler(signal.SIGINT)

        async def choose(resources: Sequence[Resource]) -> Resource | None:
            from stigmer_tui.cli.choice import can_ask, choose

            if not can_ask():
                return None
            chosen = await choose(resources)
            if chosen is None:
                interrupted.set()
                raise asyncio.CancelledError
            return chosen

        loop.add_signal_handler(signal.SIGINT, interrupt)
        backend = GrpcBackend(server_of(configuration, clock), configuration.organization, clock)
        try:
            headless = HeadlessRun(request, backend, folder, in_project, face, choose, clock, interrupted)
            return await headless.run()
        finally:
            await backend.close()

    return asyncio.run(run())


def with_organization(configuration: Configuration, flag: str, folder: Path) -> Configuration:
    """The organization from the flag, else from the project, else from the configuration."""
    organization = flag
    if not organization and is_project(folder):
        organization = load_project(folder).organization
    return replace(configuration, organization=organization) if organization else configuration
