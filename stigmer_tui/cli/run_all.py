"""`run --all`: from flags to every resource of a project at the same time."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress

import click

from stigmer_tui.cli.run import RunOptions, input_of, interrupt_event, output_for, session_for
from stigmer_tui.core.clock import Clock, SystemClock
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.terminal import SIGNS, is_addressable, terminal_encoding
from stigmer_tui.headless.approvals import OnApproval
from stigmer_tui.headless.exit_code import FAILED
from stigmer_tui.headless.json_output import JsonOutput
from stigmer_tui.headless.output import Output
from stigmer_tui.headless.run_all import INTERVAL_MS, RunAll, RunAllView
from stigmer_tui.headless.run_all_views import Block, JsonLines, PlainLines
from stigmer_tui.headless.texts import NAME_SOMETHING, no_project
from stigmer_tui.workbench.session import Session
from stigmer_tui.workbench.state import RunInput

FRAME = 0.2
"""Seconds from one drawing to the next while nothing happens but time."""


def run_all_headless(options: RunOptions) -> int:
    run_input, redactor = input_of(options)
    on_approval = OnApproval(options.on_approval or OnApproval.DENY)
    if on_approval is OnApproval.ASK:
        raise StigmerError("--all cannot ask for approvals, as many runs share the terminal", "Choose deny or wait.")
    clock = SystemClock()
    output = output_for(options.as_json, redactor, clock)
    try:
        session = session_for(options, clock, INTERVAL_MS)
        if not session.is_project:
            raise no_project(NAME_SOMETHING)
    except StigmerError as error:
        output.failed(error)
        return FAILED
    return asyncio.run(_run(options, run_input, on_approval, session, output, clock))


async def _run(
    options: RunOptions, run_input: RunInput, on_approval: OnApproval, session: Session, output: Output, clock: Clock
) -> int:
    interrupted = interrupt_event()
    block = None if isinstance(output, JsonOutput) else _block(clock)
    view: RunAllView = JsonLines(output) if isinstance(output, JsonOutput) else block or PlainLines(click.echo)
    drawing = asyncio.create_task(_draw(block)) if block else None
    try:
        every = RunAll(run_input, session, output, view, interrupted, options.detach, on_approval, options.remember)
        return await every.run()
    finally:
        if drawing:
            drawing.cancel()
            with suppress(asyncio.CancelledError):
                await drawing


async def _draw(block: Block) -> None:
    while True:
        await asyncio.sleep(FRAME)
        block.tick()


def _block(clock: Clock) -> Block | None:
    """None where lines cannot be drawn anew."""
    if not sys.stdout.isatty() or not is_addressable(os.environ):
        return None
    from rich.cells import set_cell_size

    display = sys.stdout.fileno()
    encoding = terminal_encoding(os.environ)

    def write(text: str) -> None:
        sys.stdout.flush()
        os.write(display, text.encode(encoding, SIGNS))

    def size() -> tuple[int, int]:
        columns, rows = os.get_terminal_size(display)
        return columns, rows

    def fit(text: str, columns: int) -> str:
        return set_cell_size(text, max(1, columns))

    return Block(write, size, fit, clock)
