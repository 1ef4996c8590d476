"""Why an HTTP request failed, and whether another attempt makes sense."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator

import httpx2

from stigmer_tui.workflow.port import HttpFailure


class HttpError(Exception):
    """An HttpFailure, with the same arguments, on its way out of the client."""

    def __init__(
        self,
        message: str,
        status: int | None = None,
        content: str = "",
        is_transient: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.failure = HttpFailure(message, status, content, is_transient, retry_after)

    def with_note(self, note: str) -> HttpError:
        failure = self.failure
        return HttpError(
            failure.message + note, failure.status, failure.content, failure.is_transient, failure.retry_after
        )


def transport_failure(error: httpx2.TransportError, host: str) -> HttpError:
    """Of a request that had no complete answer.

    What will be so the next time fails at once: a host that does not exist, a certificate or a handshake that is
    refused, an answer that is not HTTP.
    """
    is_connecting = isinstance(error, httpx2.ConnectError)
    for cause in _causes(error):
        match cause:
            case socket.gaierror():
                if cause.errno == socket.EAI_AGAIN:
                    return HttpError(f"{host}: its name cannot be looked up at the moment", is_transient=True)
                return HttpError(f"{host}: there is no host with this name")
            case ssl.SSLCertVerificationError():
                return HttpError(f"the certificate of {host} is not trusted: {cause.verify_message}")
            case ssl.SSLEOFError() | ssl.SSLZeroReturnError() | ssl.SSLSyscallError():
                return HttpError("the connection was closed while it was being secured", is_transient=True)
            case ssl.SSLError(reason="WRONG_VERSION_NUMBER" | "HTTP_REQUEST" | "RECORD_LAYER_FAILURE"):
                return HttpError(f"no secure connection: {host} speaks no TLS at this port; is it http:// there?")
            case ssl.SSLError():
                reason = (cause.reason or str(cause)).replace("_", " ").lower()
                return HttpError(f"no secure connection: {reason}", is_transient=not is_connecting)
            case ConnectionError() if cause.errno:
                return HttpError(os.strerror(cause.errno).lower(), is_transient=True)
            case OSError() if cause.strerror:
                return HttpError(cause.strerror, is_transient=True)
    if isinstance(error, httpx2.RemoteProtocolError):
        return _protocol_failure(str(error))
    return HttpError(str(error) or type(error).__name__, is_transient=True)


def _protocol_failure(text: str) -> HttpError:
    if text.startswith("peer closed connection"):
        return HttpError("the answer was cut off: the connection was closed before its end", is_transient=True)
    if text.startswith("Server disconnected"):
        return HttpError("the connection was closed without an answer", is_transient=True)
    # What follows the colon is what the other side sent.
    return HttpError(f"the answer is not HTTP: {text.partition(':')[0]}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What the system says went wrong, which is more than the layers above it say."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        yield cause
        cause = cause.__cause__ or cause.__context__
