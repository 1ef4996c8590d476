"""Why an HTTP request failed, and whether another attempt makes sense."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator

import httpx2


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


def transport_failure(error: httpx2.TransportError, host: str) -> HttpFailure:
    """Of a request that had no complete answer.

    What will be so the next time fails at once: a host that does not exist, a certificate or a handshake that is
    refused, an answer that is not HTTP.
    """
    is_connecting = isinstance(error, httpx2.ConnectError)
    for cause in _causes(error):
        match cause:
            case socket.gaierror():
                is_passing = cause.errno == socket.EAI_AGAIN
                what = "its name cannot be looked up at the moment" if is_passing else "there is no host with this name"
                return HttpFailure(f"{host}: {what}", is_passing=is_passing)
            case ssl.SSLCertVerificationError():
                return HttpFailure(f"the certificate of {host} is not trusted: {cause.verify_message}")
            case ssl.SSLEOFError() | ssl.SSLZeroReturnError() | ssl.SSLSyscallError():
                return HttpFailure("the connection was closed while it was being secured", is_passing=True)
            case ssl.SSLError(reason="WRONG_VERSION_NUMBER" | "HTTP_REQUEST" | "RECORD_LAYER_FAILURE"):
                return HttpFailure(f"no secure connection: {host} speaks no TLS at this port; is it http:// there?")
            case ssl.SSLError():
                reason = (cause.reason or str(cause)).replace("_", " ").lower()
                return HttpFailure(f"no secure connection: {reason}", is_passing=not is_connecting)
            case ConnectionError() if cause.errno:
                return HttpFailure(os.strerror(cause.errno).lower(), is_passing=True)
            case OSError() if cause.strerror:
                return HttpFailure(cause.strerror, is_passing=True)
    if isinstance(error, httpx2.RemoteProtocolError):
        return _protocol_failure(str(error))
    return HttpFailure(str(error) or type(error).__name__, is_passing=True)


def _protocol_failure(text: str) -> HttpFailure:
    if text.startswith("peer closed connection"):
        return HttpFailure("the answer was cut off: the connection was closed before its end", is_passing=True)
    if text.startswith("Server disconnected"):
        return HttpFailure("the connection was closed without an answer", is_passing=True)
    # What follows the colon is what the other side sent.
    return HttpFailure(f"the answer is not HTTP: {text.partition(':')[0]}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What the system says went wrong, which is more than the layers above it say."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        yield cause
        cause = cause.__cause__ or cause.__context__
