"""The HTTP client of all providers."""

from __future__ import annotations

from collections.abc import Callable

import httpx2

from stigmer_tui.agents.models.checked_stream import FIRST_WORD, Answer, CheckedStream
from stigmer_tui.runners.outgoing import OutgoingTransport

CONNECT_LIMIT = 10.0
"""Seconds."""


def provider_client(answer: Callable[[], Answer]) -> httpx2.AsyncClient:
    """A client whose answers are checked, each by a new `answer`."""

    async def check(response: httpx2.Response) -> None:
        if response.is_success and isinstance(response.stream, httpx2.AsyncByteStream):
            encoding = response.headers.pop("content-encoding", "")
            response.headers.pop("content-length", None)
            response.headers["content-type"] = "text/event-stream"
            response.stream = CheckedStream(response.stream, encoding, answer())

    return httpx2.AsyncClient(
        transport=OutgoingTransport(httpx2.Limits(max_connections=1000, max_keepalive_connections=100)),
        timeout=httpx2.Timeout(FIRST_WORD, connect=CONNECT_LIMIT),
        # Compression makes a stream wait for itself.
        headers={"accept-encoding": "identity"},
        event_hooks={"response": [check]},
    )
