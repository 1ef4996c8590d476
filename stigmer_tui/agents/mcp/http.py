"""MCP over HTTP: streamable, and SSE where a server speaks only that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx2
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from stigmer_tui.agents.mcp.program import MAX_MESSAGE_SIZE
from stigmer_tui.core.units import size_text
from stigmer_tui.definition.mcp_servers import HttpTransport
from stigmer_tui.runners.outgoing import OutgoingTransport

MAX_SILENCE = 3600.0
"""Seconds without an event on an open stream; each request has its own, shorter limit."""

NOT_STREAMABLE = frozenset({400, 404, 405, 406, 415})
"""What servers that speak only SSE answer to the first request."""


@dataclass(slots=True)
class HttpState:
    """What became of the latest requests, for messages: the protocol's own errors do not say it."""

    problem: str = ""
    status: int = 0
    """Of the latest response."""

    def __str__(self) -> str:
        return self.problem or "it closed the connection"


class NotingTransport(httpx2.AsyncBaseTransport):
    """Goes the way of all outgoing calls, notes what fails, and bounds responses."""

    def __init__(self, state: HttpState) -> None:
        self._outgoing = OutgoingTransport(httpx2.Limits())
        self._state = state

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            response = await self._outgoing.handle_async_request(request)
        except httpx2.HTTPError as error:
            self._state.problem = str(error) or type(error).__name__
            raise
        # A server need not offer the stream that GET asks for, nor the end of a session.
        if request.method == "POST":
            self._note(response)
        is_stream = response.headers.get("content-type", "").startswith("text/event-stream")
        if not is_stream and isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = BoundedStream(response.stream, self._state)
        return response

    async def aclose(self) -> None:
        await self._outgoing.aclose()

    def _note(self, response: httpx2.Response) -> None:
        self._state.status = response.status_code
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            self._state.problem = f"it answered {response.status_code} {response.reason_phrase}".rstrip()


class BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, state: HttpState) -> None:
        self._stream = stream
        self._state = state

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for data in self._stream:
            size += len(data)
            if size > MAX_MESSAGE_SIZE:
                self._state.problem = f"it sent a message of more than {size_text(MAX_MESSAGE_SIZE)}"
                raise httpx2.StreamError(self._state.problem)
            yield data

    async def aclose(self) -> None:
        await self._stream.aclose()


@asynccontextmanager
async def http_streams(transport: HttpTransport, state: HttpState, sse: bool) -> AsyncIterator[Any]:
    """The streams of a session; with `sse`, over the older protocol."""
    url = str(httpx2.URL(transport.url).copy_merge_params(dict(transport.query)))
    timeout = httpx2.Timeout(transport.time_limit, read=MAX_SILENCE)

    def client(
        headers: dict[str, str] | None = None,
        timeout: httpx2.Timeout | None = timeout,
        auth: httpx2.Auth | None = None,
    ) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=NotingTransport(state), headers=dict(transport.headers), timeout=timeout)

    if sse:
        async with sse_client(
            url, timeout=transport.time_limit, sse_read_timeout=MAX_SILENCE, httpx_client_factory=client
        ) as streams:
            yield streams
    else:
        async with (
            client() as http,
            streamable_http_client(url, http_client=http, max_sse_event_size=MAX_MESSAGE_SIZE) as streams,
        ):
            yield streams
