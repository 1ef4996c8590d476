"""`POST /run/NAME`: the events of `run --output json`, as server-sent events."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.doors.event_stream import event_stream
from stigmer_tui.doors.http_errors import RequestError
from stigmer_tui.doors.open_project import OpenProject
from stigmer_tui.headless.json_output import JsonOutput
from stigmer_tui.workbench.events import Event, RunEnded
from stigmer_tui.workbench.state import RunInput, ShownRun, Value

FIELDS = ("message", "runtime_env", "secrets", "after")


async def answer(project: OpenProject, request: Request, body: dict[str, Any]) -> Response:
    """`after` is the id of an execution, or of a session, whose conversation the message continues."""
    if unknown := sorted(body.keys() - set(FIELDS)):
        raise RequestError(400, f"Unknown: {', '.join(unknown)}. Known: {', '.join(FIELDS)}", param=unknown[0])
    secrets = _texts(body, "secrets")
    values = {name: Value(text) for name, text in _texts(body, "runtime_env").items()}
    values |= {name: Value(text, is_secret=True) for name, text in secrets.items()}
    run_input = RunInput(_text(body, "message"), values)
    if after := _text(body, "after"):
        shown = await project.continue_after(after, run_input.message, run_input)
    else:
        shown = await project.start(await project.resource(request.path_params["name"]), run_input)
    return event_stream(request, _events(project, shown, Redactor(secrets.values())))


async def _events(project: OpenProject, shown: ShownRun, redactor: Redactor) -> AsyncGenerator[str, None]:
    written = io.StringIO()
    output = JsonOutput(written, io.StringIO(), redactor, SystemClock())

    def lines() -> list[str]:
        """Those that were written since the last time."""
        text = written.getvalue()
        written.seek(0)
        written.truncate()
        return text.split("\n")[:-1]

    def tell(event: Event) -> list[str]:
        output.take(event)
        return lines()

    try:
        async with aclosing(project.told(shown, tell)) as told:
            async for line in told:
                yield line
    except StigmerError as error:
        output.failed(error)
    else:
        output.take(RunEnded(shown.execution))
    for line in lines():
        yield line


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise RequestError(400, f"{name} must be a text", param=name)
    return value


def _texts(body: Mapping[str, Any], name: str) -> dict[str, str]:
    values = body.get(name, {})
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise RequestError(400, f"{name} must be an object of texts", param=name)
    return values
