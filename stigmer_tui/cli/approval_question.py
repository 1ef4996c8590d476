"""Asks the person at the terminal, line by line, whether a tool call is to be made."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import termios
from contextlib import suppress
from typing import Any

import click

from stigmer_tui.core.json_values import from_json
from stigmer_tui.workbench.approvals import Allow, Deny, Verdict, WaitingCall

QUESTION = "   a allow   r allow it in the rest of the run   e edit the arguments   d deny: "

MAX_LINE = 1 << 16
"""Bytes; a terminal gives no longer ones."""


async def ask_about(waiting: WaitingCall) -> Verdict:
    """What the person decides; without an answer the call is denied."""
    arguments = dict(waiting.call.input or {})
    try:
        while True:
            match (await _answer(QUESTION, is_first=True)).strip():
                case "a" | "allow":
                    return Allow()
                case "r":
                    return Allow(is_for_run=True)
                case "e" | "edit":
                    if (edited := await _edited(arguments)) is not None:
                        return Allow(edited)
                case "d" | "deny":
                    return Deny((await _answer("   why, for the agent: ")).strip())
    except EOFError:
        return Deny("the person at the terminal has left")


async def _edited(arguments: dict[str, Any]) -> dict[str, Any] | None:
    """None for what is not a JSON object, which is said."""
    click.echo(f"   now: {json.dumps(arguments, ensure_ascii=False)}")
    try:
        edited = from_json(await _answer("   new, as JSON: "))
    except ValueError as error:
        click.echo(f"   That is not JSON: {error}")
        return None
    if not isinstance(edited, dict):
        click.echo('   That is not a JSON object, such as {"command": "ls"}')
        return None
    return edited


async def _answer(question: str, is_first: bool = False) -> str:
    """A line from the terminal. Raises EOFError at its end."""
    keyboard = sys.stdin.fileno()
    if is_first:
        # What was typed before the question was there is no answer to it.
        with suppress(termios.error):
            termios.tcflush(keyboard, termios.TCIFLUSH)
    click.echo(question, nl=False)
    sys.stdout.flush()
    loop = asyncio.get_running_loop()
    line: asyncio.Future[bytes] = loop.create_future()

    def read() -> None:
        try:
            data = os.read(keyboard, MAX_LINE)
        except OSError:
            data = b""
        if not line.done():
            line.set_result(data)

    loop.add_reader(keyboard, read)
    try:
        data = await line
    except asyncio.CancelledError:
        click.echo()
        raise
    finally:
        loop.remove_reader(keyboard)
    if not data:
        click.echo()
        raise EOFError
    return data.decode(errors="replace")
