"""`serve --api`: agents and workflows by HTTP, for clients of OpenAI's API and for anything that reads events."""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.doors import openai_chat, openai_responses, run_stream
from stigmer_tui.doors.http_errors import RequestError
from stigmer_tui.doors.open_project import OpenProject

MAX_BODY = 10_000_000
"""Bytes of a request."""


Answer = Callable[[OpenProject, Request, dict[str, Any]], Awaitable[Response]]


def http_app(project: OpenProject, token: str) -> Starlette:
    """Asks every request for the token."""

    def answering(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return await answer(project, request, await _body_of(request))

        return endpoint

    return Starlette(
        routes=[
            Route("/v1/models", answering(_models)),
            Route("/v1/chat/completions", answering(openai_chat.Chat().answer), methods=["POST"]),
            Route("/v1/responses", answering(openai_responses.answer), methods=["POST"]),
            Route("/run/{name}", answering(run_stream.answer), methods=["POST"]),
        ],
        middleware=[Middleware(TokenRequired, token=token)],
        exception_handlers={RequestError: _refused, StigmerError: _failed},
    )


class TokenRequired:
    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._wanted = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(given, self._wanted):
                message = "The request has no valid token: send `Authorization: Bearer TOKEN`, or set it as the API key"
                refused = RequestError(401, message, "invalid_api_key")
                await JSONResponse(refused.body, refused.status)(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _body_of(request: Request) -> dict[str, Any]:
    """Raises RequestError for what is too long, and for what is no JSON object."""
    if request.method == "GET":
        return {}
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > MAX_BODY:
            raise RequestError(413, f"The request is longer than {MAX_BODY:,} bytes")
    try:
        body = json.loads(content or b"{}")
    except ValueError as error:
        raise RequestError(400, f"The request is no JSON: {error}") from None
    if not isinstance(body, dict):
        raise RequestError(400, "The request is no JSON object")
    return body


async def _models(project: OpenProject, request: Request, body: dict[str, Any]) -> Response:
    """What can be run; its name is the model."""
    models = [
        {
            "id": resource.slug,
            "object": "model",
            "created": int(resource.updated_at.timestamp()) if resource.updated_at else 0,
            "owned_by": project.name,
            "description": resource.description,
        }
        for resource in await project.resources()
    ]
    return JSONResponse({"object": "list", "data": models})


async def _refused(request: Request, error: Exception) -> Response:
    refusal = cast(RequestError, error)
    return JSONResponse(refusal.body, refusal.status)


async def _failed(request: Request, error: Exception) -> Response:
    """What the workbench refuses is a fault of the request, or of the project's code, and says what to do."""
    return JSONResponse(RequestError(400, str(error)).body, 400)
