"""`GET /metrics`, where a person asks for it: a plain HTTP answer to the holder of the daemon's token."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

from stigmer_tui.core.addresses import bind_error
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.settings import METRICS

PATH = "/metrics"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

REQUEST_LIMIT = 10.0
"""Seconds for a request to be complete."""

MAX_REQUEST = 16_384
"""Bytes of a request with its headers."""

logger = logging.getLogger(__name__)


@asynccontextmanager
async def serving_metrics(address: str, token: str, text: Callable[[], Awaitable[str]]) -> AsyncIterator[int]:
    """At host:port; yields the port. An empty token lets everybody on this machine read.

    Raises StigmerError where it cannot listen.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(REQUEST_LIMIT):
                request = await reader.readuntil(b"\r\n\r\n")
            writer.write(await _response(request.decode("latin-1"), token, text))
            await writer.drain()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    host, _, port = address.rpartition(":")
    try:
        server = await asyncio.start_server(answer, host.strip("[]"), int(port), limit=MAX_REQUEST)
    except OSError as error:
        raise StigmerError(
            f"Cannot serve metrics at {address}: {bind_error(address) or error.strerror}",
            f"Choose another address with {METRICS.key} in config.yaml or {METRICS.variable}.",
        ) from error
    bound = int(server.sockets[0].getsockname()[1])
    logger.info("metrics are served at http://%s:%d%s", host, bound, PATH)
    try:
        yield bound
    finally:
        server.close()


async def _response(request: str, token: str, text: Callable[[], Awaitable[str]]) -> bytes:
    line, *headers = request.split("\r\n")
    method, _, target = line.partition(" ")
    if not _has_token(headers, token):
        return _http(HTTPStatus.UNAUTHORIZED, "The token of this daemon is needed\n", "WWW-Authenticate: Bearer\r\n")
    if target.partition(" ")[0].partition("?")[0] != PATH:
        return _http(HTTPStatus.NOT_FOUND, f"There is only {PATH}\n")
    if method != "GET":
        return _http(HTTPStatus.METHOD_NOT_ALLOWED, "GET it\n", "Allow: GET\r\n")
    return _http(HTTPStatus.OK, await text())


def _has_token(headers: list[str], token: str) -> bool:
    if not token:
        return True
    presented = ""
    for header in headers:
        name, _, value = header.partition(":")
        if name.strip().lower() == "authorization":
            scheme, _, credentials = value.strip().partition(" ")
            presented = credentials.strip() if scheme.lower() == "bearer" else ""
    return hmac.compare_digest(presented.encode(), token.encode())


def _http(status: HTTPStatus, text: str, header: str = "") -> bytes:
    body = text.encode()
    return (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {CONTENT_TYPE}\r\n{header}"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode() + body
