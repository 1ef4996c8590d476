"""`approve`: decides on a tool call that waits, from outside its run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import click

from stigmer_tui.cli.resources import reached_server
from stigmer_tui.client.approvals import allow, deny
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.json_values import from_json


def allow_call(execution_id: str, call_id: str, arguments: str | None, is_for_run: bool, organization: str) -> int:
    changed = _arguments(arguments) if arguments is not None else None

    async def run() -> int:
        async with reached_server(organization) as server:
            decided = await allow(server.connection, execution_id, call_id, changed, is_for_run)
        rest = ", and later ones in this run" if is_for_run else ", with other arguments" if changed is not None else ""
        click.echo(f"✓ Allowed the call of {decided.tool}{rest}")
        return 0

    return asyncio.run(run())


def deny_call(execution_id: str, call_id: str, reason: str, organization: str) -> int:
    async def run() -> int:
        async with reached_server(organization) as server:
            decided = await deny(server.connection, execution_id, call_id, reason)
        click.echo(f"✓ Denied the call of {decided.tool}")
        return 0

    return asyncio.run(run())


def _arguments(text: str) -> Mapping[str, Any]:
    advice = """Give a JSON object, such as --args '{"command": "ls"}'."""
    try:
        arguments = from_json(text)
    except ValueError as error:
        raise StigmerError(f"--args is not JSON: {error}", advice) from None
    if not isinstance(arguments, dict):
        raise StigmerError("--args is not a JSON object", advice)
    return arguments
