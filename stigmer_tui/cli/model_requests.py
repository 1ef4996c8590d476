"""`execution show --request N`: a request as the model got it, for people, for programs, or as a command."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import click

from stigmer_tui.cli.resources import reached_server
from stigmer_tui.client.model_requests import get_model_request
from stigmer_tui.core.clock import timestamp
from stigmer_tui.core.control_text import json_text
from stigmer_tui.workbench.model_requests import SentRequest, context_shares, curl_command
from stigmer_tui.workbench.usage import Usage, usage_sentence
from stigmer_tui.workbench.wire_deltas import sent_request_of


def show_request(execution_id: str, number: int, as_curl: bool, organization: str, output: str) -> int:
    """Prints a request. Raises StigmerError if there is no such one."""
    request = asyncio.run(_request(execution_id, number, organization))
    if as_curl:
        click.echo(curl_command(request))
    elif output == "json":
        head = {"model": request.call.model, "asked_at": _asked_at(request), "url": request.url}
        click.echo(json_text({**head, "body": request.body}, indent=2))
    else:
        for line in _heading(request, number):
            click.echo(line)
        click.echo(json_text(request.body, indent=2))
    return 0


async def _request(execution_id: str, number: int, organization: str) -> SentRequest:
    async with reached_server(organization) as server:
        return sent_request_of(await get_model_request(server.connection, execution_id, number))


def _asked_at(request: SentRequest) -> str:
    return timestamp(request.call.asked_at) if request.call.asked_at else ""


def _heading(request: SentRequest, number: int) -> Iterator[str]:
    used = usage_sentence(Usage((request.call,)))
    yield f"Request {number} to {request.call.model} at {_asked_at(request)}{f': {used}' if used else ''}"
    if request.url:
        yield f"POST {request.url}"
    yield f"Filled by {', '.join(f'{name} {share} %' for name, share in context_shares(request.body).items())}"
    yield ""
