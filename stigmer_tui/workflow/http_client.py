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
from typing import Any

import httpx2

from stigmer_tui import __version__
from stigmer_tui.core.units import duration_text, size_text
from stigmer_tui.runners.outgoing import OutgoingTransport, SettingUnusableError
from stigmer_tui.workflow.context import HttpAnswer, HttpRequest
from stigmer_tui.workflow.json_text import read_json
from stigmer_tui.workflow.limits import LARGEST_ANSWER

BEGINNING = 2000
"""Bytes of an unwelcome answer that are looked at."""


class HttpFailure(Exception):  # noqa: N818 - an outcome of a request, not an error of the program
    def __init__(
        self,
        message: str,
        status: int | None = None,
        content: str = "",
        is_passing: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.content = content
        """How the answer begins, with whatever is in it."""
        self.is_passing = is_passing
        """Whether it may go well the next time."""
        self.retry_after = retry_after
        """Seconds that the other side asks to wait."""


class HttpClient:
    """Shared by all executions: it keeps connections, and nothing else, from one request to the next."""

    def __init__(self, ssl_context: ssl.SSLContext | None = None, environment: Mapping[str, str] = os.environ) -> None:
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=100)
        self._transport = OutgoingTransport(limits, ssl_context, environment)
        self._client = httpx2.AsyncClient(
            transport=self._transport,
            # Each request has a limit of its own, for all of it.
            timeout=None,
            headers={"User-Agent": f"stigmer-tui/{__version__}"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """Raises HttpFailure for everything but a complete answer with a status of 2xx."""
        _check_address(request.uri)
        try:
            return await self._send(request)
        except HttpFailure as failure:
            if variable := self._transport.proxy_variable(request.uri):
                failure.message += f", through the proxy that {variable} names"
            raise

    async def _send(self, request: HttpRequest) -> HttpAnswer:
        try:
            async with asyncio.timeout(request.timeout):
                response, content = await self._exchange(request)
        except TimeoutError:
            message = f"no answer within {duration_text(request.timeout)}"
            raise HttpFailure(message, is_passing=True) from None
        except SettingUnusableError as error:
            raise HttpFailure(str(error)) from error
        except (httpx2.LocalProtocolError, UnicodeError) as error:
            raise HttpFailure(f"it cannot be sent: {error}") from error
        except httpx2.DecodingError as error:
            raise HttpFailure(f"the answer is not encoded as it says: {error}") from error
        except httpx2.TransportError as error:
            raise HttpFailure(_reason(error), is_passing=True) from error
        if response.is_success:
            return HttpAnswer(response.status_code, _data(content, response), len(content))
        raise _refused(response, content)

    async def _exchange(self, request: HttpRequest) -> tuple[httpx2.Response, bytes]:
        body, headers = None, httpx2.Headers(dict(request.headers))
        if request.body is not None:
            body = json.dumps(request.body, ensure_ascii=False, separators=(",", ":")).encode()
            headers.setdefault("Content-Type", "application/json")
        async with self._client.stream(request.method, request.uri, headers=headers, content=body) as response:
            content = bytearray()
            async for piece in response.aiter_bytes():
                content += piece
                if len(content) > LARGEST_ANSWER:
                    raise HttpFailure(f"the answer is larger than {size_text(LARGEST_ANSWER)}", response.status_code)
            return response, bytes(content)


def _check_address(uri: str) -> None:
    try:
        address = httpx2.URL(uri)
    except httpx2.InvalidURL as error:
        raise HttpFailure(f"the address cannot be read: {error}") from error
    if address.scheme not in ("http", "https") or not address.host:
        raise HttpFailure("the address must begin with http:// or https://, and name a host")
    if address.port is not None and address.port > 65535:
        raise HttpFailure(f"there is no port {address.port}")


def _data(content: bytes, response: httpx2.Response) -> Any:
    """The value of what is JSON, whatever its type says (contract, RUNTIME D 54); else the text."""
    try:
        return read_json(content)
    except ValueError:
        return content.decode(response.encoding or "utf-8", "replace")


def _reason(error: BaseException) -> str:
    """What the system says went wrong, which is more than the layers above it say."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        match cause:
            case ssl.SSLCertVerificationError():
                return f"the certificate is not trusted: {cause.verify_message}"
            case ssl.SSLError():
                return f"no secure connection: {cause.reason}"
            case ConnectionError() if cause.errno:
                return os.strerror(cause.errno).lower()
            case OSError() if cause.strerror:
                return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return str(error) or type(error).__name__


def _refused(response: httpx2.Response, content: bytes) -> HttpFailure:
    status = response.status_code
    message = f"answered {status} {response.reason_phrase}".rstrip()
    if response.has_redirect_location:
        message += f" to {response.headers['Location']}; redirects are not followed"
    beginning = content[:BEGINNING].decode(response.encoding or "utf-8", "replace")
    return HttpFailure(message, status, beginning, response.is_server_error, _retry_after(response))


def _retry_after(response: httpx2.Response) -> float | None:
    """Seconds or a date (RFC 9110, 10.2.3); None where there is neither."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds())
