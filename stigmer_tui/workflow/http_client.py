"""One attempt at one HTTP request, with the failures that tell whether another attempt makes sense."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

from stigmer_tui import __version__
from stigmer_tui.core.units import duration_text, size_text
from stigmer_tui.runners.outgoing import OutgoingTransport, SettingUnusableError
from stigmer_tui.workflow.http_content import (
    ACCEPTED,
    ContentError,
    CutOffError,
    data_of,
    decoded,
    encodings_of,
    sendable,
    text_of,
)
from stigmer_tui.workflow.http_failures import HttpError, transport_failure
from stigmer_tui.workflow.limits import MAX_RESPONSE_SIZE
from stigmer_tui.workflow.port import HttpRequest, HttpResponse

BEGINNING = 2000
"""Characters of an unwelcome answer that are looked at."""

PASSING = (408, 429)
"""Statuses that ask to try again later, beside those of the server's own faults."""


class HttpClient:
    """Shared by all executions: it keeps connections, and nothing else, from one request to the next."""

    def __init__(self, ssl_context: ssl.SSLContext | None = None, environment: Mapping[str, str] = os.environ) -> None:
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=100)
        self._transport = OutgoingTransport(limits, ssl_context, environment)
        self._client = httpx2.AsyncClient(
            transport=self._transport,
            # Each request has a limit of its own, for all of it.
            timeout=None,
            headers={"User-Agent": f"stigmer-tui/{__version__}", "Accept-Encoding": ACCEPTED},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Raises HttpError for everything but a complete answer with a status of 2xx."""
        _check_address(request.uri)
        headers = sendable(request.headers)
        try:
            return await self._send(request, headers)
        except HttpError as error:
            if variable := self._transport.proxy_variable(request.uri):
                raise error.with_note(f", through the proxy that {variable} names") from error
            raise

    async def _send(self, request: HttpRequest, headers: httpx2.Headers) -> HttpResponse:
        try:
            async with asyncio.timeout(request.timeout):
                response, content = await self._exchange(request, headers)
        except TimeoutError:
            message = f"no answer within {duration_text(request.timeout)}"
            raise HttpError(message, is_transient=True) from None
        except SettingUnusableError as error:
            raise HttpError(str(error)) from error
        except (httpx2.LocalProtocolError, UnicodeError) as error:
            # What they say holds the value, which may be a secret.
            raise HttpError("it cannot be sent: there is something in it that HTTP does not allow") from error
        except httpx2.TransportError as error:
            raise transport_failure(error, httpx2.URL(request.uri).host) from error
        content_type = response.headers.get("Content-Type", "")
        if not response.is_success:
            raise _refused(response, _readable(content, response), content_type)
        try:
            whole = _decoded(content, response)
        except CutOffError as error:
            raise HttpError(str(error), response.status_code, is_transient=True) from error
        except ContentError as error:
            raise HttpError(str(error), response.status_code) from error
        return HttpResponse(response.status_code, data_of(whole, content_type), len(whole))

    async def _exchange(self, request: HttpRequest, headers: httpx2.Headers) -> tuple[httpx2.Response, bytes]:
        """The answer, and its content as it came."""
        body = None
        if request.body is not None:
            body = json.dumps(request.body, ensure_ascii=False, separators=(",", ":")).encode()
            headers.setdefault("Content-Type", "application/json")
        async with self._client.stream(request.method, request.uri, headers=headers, content=body) as response:
            content = bytearray()
            async for piece in response.aiter_raw():
                content += piece
                if len(content) > MAX_RESPONSE_SIZE:
                    raise HttpError(f"the answer is larger than {size_text(MAX_RESPONSE_SIZE)}", response.status_code)
            return response, bytes(content)


def _check_address(uri: str) -> None:
    try:
        address = httpx2.URL(uri)
    except httpx2.InvalidURL as error:
        # What follows the colon is a part of the address, which may hold a secret.
        raise HttpError(f"the address cannot be read: {str(error).partition(':')[0]}") from error
    if address.scheme not in ("http", "https") or not address.host:
        raise HttpError("the address must begin with http:// or https://, and name a host")
    if address.port is not None and address.port > 65535:
        raise HttpError(f"there is no port {address.port}")


def _decoded(content: bytes, response: httpx2.Response) -> bytes:
    """Raises ContentError."""
    asked_for = response.request.headers.get("Accept-Encoding", "")
    encodings = encodings_of(response.headers.get("Content-Encoding", ""), asked_for)
    return decoded(content, encodings, MAX_RESPONSE_SIZE)


def _readable(content: bytes, response: httpx2.Response) -> bytes:
    """Of an answer that is no success anyway: nothing where it cannot be decoded."""
    try:
        return _decoded(content, response)
    except ContentError:
        return b""


def _refused(response: httpx2.Response, content: bytes, content_type: str) -> HttpError:
    status = response.status_code
    message = f"answered {status} {response.reason_phrase}".rstrip()
    if response.has_redirect_location:
        message += f" to {response.headers['Location']}; redirects are not followed"
    beginning = text_of(content, content_type)[:BEGINNING]
    is_transient = response.is_server_error or status in PASSING
    return HttpError(message, status, beginning, is_transient, _retry_after(response))


def _retry_after(response: httpx2.Response) -> float | None:
    """Seconds, from a number of them or a date (RFC 9110, 10.2.3); None where there is neither."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    moment = _date(text)
    if moment is None:
        return None
    # Their clock may be wrong, but it is the same one that both of their dates come from.
    now = _date(response.headers.get("Date", "")) or datetime.now(UTC)
    return max(0.0, (moment - now).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
