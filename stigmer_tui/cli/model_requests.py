"""`execution show --request N`: a request as the model got it, for people, for programs, or as a command."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import click

from stigmer_tui.api.model_call_pb2 import ModelRequest
from stigmer_tui.cli.resources import reached_server
from stigmer_tui.client.model_requests import get_model_request
from stigmer_tui.core.control_text import json_text
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition import skill_text
from stigmer_tui.workbench.usage import Usage, usage_sentence
from stigmer_tui.workbench.wire_deltas import model_call_of

ANTHROPIC_HEADER = "anthropic-version"
"""Only requests to Anthropic have it; their key stands in a header of its own."""


def show_request(execution_id: str, number: int, as_curl: bool, organization: str, output: str) -> int:
    """Prints a request. Raises StigmerError if there is no such one."""
    request = asyncio.run(_request(execution_id, number, organization))
    if as_curl:
        click.echo(curl_command(request))
    elif output == "json":
        click.echo(json_text({**_head(request), "body": json.loads(request.body)}, indent=2))
    else:
        for line in _heading(request, number):
            click.echo(line)
        click.echo(json_text(json.loads(request.body), indent=2))
    return 0


async def _request(execution_id: str, number: int, organization: str) -> ModelRequest:
    async with reached_server(organization) as server:
        return await get_model_request(server.connection, execution_id, number)


def _head(request: ModelRequest) -> dict[str, Any]:
    return {"model": request.call.model, "asked_at": request.call.asked_at, "url": request.url}


def _heading(request: ModelRequest, number: int) -> Iterator[str]:
    used = usage_sentence(Usage((model_call_of(request.call),)))
    yield f"Request {number} to {request.call.model} at {request.call.asked_at}{f': {used}' if used else ''}"
    if request.url:
        yield f"POST {request.url}"
    filled = ", ".join(f"{name} {share} %" for name, share in context_shares(json.loads(request.body)).items())
    yield f"Filled by {filled}"
    yield ""


def context_shares(body: Mapping[str, Any]) -> dict[str, int]:
    """What a request consists of, in per cent of its text."""
    sizes = Counter[str]()
    for name, value in body.items():
        match name:
            case "system" | "instructions":
                sizes.update(_instruction_sizes(value))
            case "tools":
                sizes["tools"] += _size(value)
            case "messages":
                for message in value:
                    sizes.update(_message_sizes(message))
    whole = max(1, sizes.total())
    names = ("instructions", "tools", "skills", "history", "results")
    return {name: round(100 * sizes[name] / whole) for name in names if sizes[name]}


def _instruction_sizes(value: Any) -> Counter[str]:
    """The list of skills is a section of the instructions, up to the next one."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False).replace("\\n", "\n")
    _, heading, rest = text.partition(f"\n{skill_text.HEADING}\n")
    skills = len(heading) + len(rest.partition("\n## ")[0]) if heading else 0
    return Counter(instructions=len(text) - skills, skills=skills)


def _message_sizes(message: Mapping[str, Any]) -> Counter[str]:
    if message.get("role") in ("system", "developer"):
        sizes = _instruction_sizes(message.get("content") or "")
        sizes["instructions"] += _size(message) - sizes.total()
        return sizes
    if message.get("role") == "tool":
        return Counter(results=_size(message))
    parts = message.get("content") or message.get("parts")
    if not isinstance(parts, list):
        return Counter(history=_size(message))
    sizes = Counter[str]()
    for part in parts:
        kind = part.get("type") or part.get("part_kind") if isinstance(part, Mapping) else ""
        sizes["results" if kind in ("tool_result", "tool-return") else "history"] += _size(part)
    return sizes


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str) else len(json.dumps(value, ensure_ascii=False))


def curl_command(request: ModelRequest) -> str:
    """The request as a command for a shell, which takes the key from its variable. Raises StigmerError for a script."""
    if not request.url:
        raise StigmerError(
            "This request was not sent: a script was played in place of a model",
            "Leave --curl out to read what the model would have got.",
        )
    lines = [f"curl {shlex.quote(request.url)}"]
    if variable := request.key_variable:
        is_anthropic = ANTHROPIC_HEADER in request.headers
        lines.append(f'-H "x-api-key: ${variable}"' if is_anthropic else f'-H "authorization: Bearer ${variable}"')
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in sorted(request.headers.items())]
    lines.append(f"-d {shlex.quote(request.body)}")
    return " \\\n  ".join(lines)
