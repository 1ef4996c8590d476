"""What a server's refusal means to the person at the terminal."""

from __future__ import annotations

from grpc import StatusCode
from grpc.aio import AioRpcError

from stigmer_tui.core.errors import StigmerError


class NotFound(StigmerError):  # noqa: N818 - what it is, in the words of the API
    """There is no such resource or execution."""


class ServerGone(StigmerError):  # noqa: N818
    """The server cannot be reached."""


class Unimplemented(StigmerError):  # noqa: N818
    """The server does not know the method: it is an existing one, without our services."""


def explained(error: AioRpcError, address: str) -> StigmerError:
    details = error.details() or error.code().name.lower()
    match error.code():
        case StatusCode.NOT_FOUND:
            return NotFound(details)
        case StatusCode.UNAVAILABLE:
            advice = "For the daemon see: stigmer-tui server status; another server is where STIGMER_SERVER_ADDR says."
            return ServerGone(f"Cannot reach the server at {address}", advice)
        case StatusCode.UNAUTHENTICATED:
            return StigmerError(
                f"The server at {address} does not accept our token",
                "A daemon of another STIGMER_HOME may be listening there; see stigmer-tui server status.",
            )
        case StatusCode.UNIMPLEMENTED:
            return Unimplemented(f"The server at {address} cannot do that", f"It says: {details}")
        case StatusCode.DEADLINE_EXCEEDED:
            return StigmerError(f"The server at {address} took too long to answer", "Try again, or see its log.")
        case _:
            return StigmerError(details[:1].upper() + details[1:])
