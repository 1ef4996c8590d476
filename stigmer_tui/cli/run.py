"""`run`: from flags to the workbench without a screen."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread

import click

from stigmer_tui.core.approval_policy import ApprovalPolicy
from stigmer_tui.core.clock import Clock, SystemClock
from stigmer_tui.core.configuration import load_configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.known_secrets import remember
from stigmer_tui.core.paths import working_folder
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.core.run_limits import parse_limit_options, write_limits
from stigmer_tui.core.terminal import can_ask
from stigmer_tui.definition import extensions
from stigmer_tui.definition.attached_files import files_annotation
from stigmer_tui.headless.approvals import OnApproval
from stigmer_tui.headless.exit_code import FAILED
from stigmer_tui.headless.output import Output
from stigmer_tui.headless.run import TEXT_INTERVAL_MS, HeadlessRun, Request
from stigmer_tui.headless.text_output import TextOutput
from stigmer_tui.headless.texts import parse_runtime_env
from stigmer_tui.project.project_file import project_folder
from stigmer_tui.workbench.approvals import Verdict, WaitingCall
from stigmer_tui.workbench.mentioned_files import read_file
from stigmer_tui.workbench.model import Resource
from stigmer_tui.workbench.services import load_services
from stigmer_tui.workbench.session import LoadServices, Session
from stigmer_tui.workbench.state import RunInput


def loading(manifests: str) -> LoadServices:
    """`manifests` is a file, a folder or `-`; empty for the project's code."""
    if not manifests:
        return load_services
    if manifests != "-" and not Path(manifests).exists():
        raise StigmerError(f"There is no file or folder {manifests}")
    path = Path(manifests) if manifests == "-" else working_folder() / manifests
    return partial(load_services, manifests=path)


@dataclass(frozen=True, slots=True)
class RunOptions:
    reference: str
    message: str
    runtime_env: tuple[str, ...]
    follow: bool
    detach: bool
    watch: bool
    organization: str
    as_json: bool
    manifests: str = ""
    """A file, a folder or `-`; they are deployed instead of the project's code."""
    limits: tuple[str, ...] = ()
    approve: str = ""
    on_approval: str = ""
    """A value of OnApproval; empty to ask where there is a terminal, and to deny elsewhere."""
    remember: bool = False
    """Secrets of `runtime_env` go to the keyring."""
    resume: str = ""
    """Id of an execution to attach to, instead of a new run; or of a session, for its newest one."""
    attach: tuple[str, ...] = ()
    """Files that belong to the message."""
    interactive: bool = False
    """Whether the conversation with an agent goes on with what is read line by line."""


def input_of(options: RunOptions) -> tuple[RunInput, Redactor]:
    """What a run is started with, and what hides its secrets. Raises StigmerError for what cannot be understood."""
    environment = parse_runtime_env(options.runtime_env)
    limits = write_limits(parse_limit_options(options.limits))
    annotations = {extensions.LIMITS: limits} if limits else {}
    if options.approve:
        ApprovalPolicy.parse(options.approve, "--approve")
        annotations[extensions.APPROVE] = options.approve
    if options.attach:
        annotations[extensions.FILES] = files_annotation([_attached(path) for path in options.attach])
    redactor = Redactor(value.text for value in environment.values() if value.is_secret)
    remember(redactor)
    return RunInput(options.message, environment, annotations), redactor


def _attached(path: str) -> tuple[str, bytes]:
    return read_file(working_folder() / path)


def run_headless(options: RunOptions) -> int:
    run_input, redactor = input_of(options)
    clock = SystemClock()
    output = output_for(options.as_json, redactor, clock)
    try:
        session = session_for(options, clock, TEXT_INTERVAL_MS)
    except StigmerError as error:
        output.failed(error)
        return FAILED
    request = Request(
        options.reference,
        run_input,
        options.follow,
        options.detach,
        _on_approval(options),
        options.watch,
        options.remember,
        options.resume,
    )
    return asyncio.run(_run(request, session, output, options.interactive))


def _on_approval(options: RunOptions) -> OnApproval:
    """Programs that read the output are no person to ask."""
    if options.on_approval == OnApproval.ASK and not can_ask():
        raise StigmerError("--on-approval ask needs a terminal", "Choose deny or wait.")
    if options.on_approval:
        return OnApproval(options.on_approval)
    return OnApproval.ASK if can_ask() and not options.as_json else OnApproval.DENY


def session_for(options: RunOptions, clock: Clock, interval_ms: int) -> Session:
    """Raises StigmerError for a bad configuration, and for manifests that are not there."""
    return Session(
        load_configuration(os.environ),
        working_folder() if options.manifests else project_folder(working_folder()),
        clock,
        organization=options.organization,
        interval_ms=interval_ms,
        load=loading(options.manifests),
        has_manifests=bool(options.manifests),
    )


def output_for(as_json: bool, redactor: Redactor, clock: Clock) -> Output:
    if as_json:
        from stigmer_tui.headless.json_output import JsonOutput

        return JsonOutput(sys.stdout, sys.stderr, redactor, clock)

    return TextOutput(sys.stdout, sys.stderr, redactor)


def interrupt_event() -> asyncio.Event:
    """Set by the first ctrl+c, which ends the command gracefully; the second one ends it at once."""
    loop, interrupted = asyncio.get_running_loop(), asyncio.Event()

    def interrupt() -> None:
        interrupted.set()
        loop.remove_signal_handler(signal.SIGINT)

    loop.add_signal_handler(signal.SIGINT, interrupt)
    return interrupted


async def _run(request: Request, session: Session, output: Output, is_interactive: bool) -> int:
    interrupted = interrupt_event()

    async def choose(resources: Sequence[Resource]) -> Resource | None:
        from stigmer_tui.cli.choice import Option, choose

        if not can_ask():
            return None
        options = [Option(resource.name, _label(resource)) for resource in resources]
        chosen = await choose("Select resource to run", options)
        if chosen is None:
            interrupted.set()
            raise asyncio.CancelledError
        return resources[chosen]

    async def ask(waiting: WaitingCall) -> Verdict:
        from stigmer_tui.cli.approval_question import ask_about

        return await ask_about(waiting)

    if not is_interactive:
        return await HeadlessRun(request, session, output, choose, interrupted, ask).run()
    from stigmer_tui.headless.interactive import InteractiveRun

    # Lines of a pipe are written by a program.
    folder = working_folder() if sys.stdin.isatty() else None
    return await InteractiveRun(request, session, output, choose, interrupted, _read_line, folder, ask).run()


def _label(resource: Resource) -> str:
    description = f" - {resource.description}" if resource.description else ""
    return f"[{resource.kind.capitalize()}] {resource.name}{description}"


async def _read_line() -> str:
    """Of standard input, by a thread that nobody waits for: an interrupt ends the command while it reads."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def put(text: str) -> None:
        if not line.done():
            line.set_result(text)

    def read() -> None:
        text = sys.stdin.buffer.readline().decode(errors="replace")
        with suppress(RuntimeError):
            # The loop is closed when the command has ended meanwhile.
            loop.call_soon_threadsafe(put, text)

    if can_ask():
        click.echo("> ", nl=False)
    Thread(target=read, daemon=True).start()
    if not (text := await line):
        raise EOFError
    return text
