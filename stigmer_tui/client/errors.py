"""Errors of calls, in words for people."""

from __future__ import annotations

import os

from grpc import StatusCode
from grpc.aio import AioRpcError

from stigmer_tui.core.addresses import names_this_machine
from stigmer_tui.core.errors import StigmerError


class NotFound(StigmerError):  # noqa: N818 - the name of the API
    """There is no such resource or execution."""


class ServerGone(StigmerError):  # noqa: N818
    """The server cannot be reached."""


class OutcomeUnknown(StigmerError):  # noqa: N818
    """The server may or may not have handled the request."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"The server at {address} gave no response, and it is not known whether it has started the run",
            "Look at its runs before you start it again; for the daemon see: stigmer-tui server status.",
        )


class Unimplemented(StigmerError):  # noqa: N818
    """The server does not implement the method, because it is an existing one without our services."""


def explained(error: AioRpcError, address: str) -> StigmerError:
    """An error of a call to the server at an address, in words for people."""
    details = error.details() or error.code().name.lower()
    match error.code():
        case StatusCode.NOT_FOUND:
            return NotFound(details)
        case StatusCode.UNAVAILABLE:
            return unreachable(address)
        case StatusCode.UNAUTHENTICATED:
            return StigmerError(
                f"The server at {address} rejected our token",
                "A daemon of another STIGMER_HOME may be listening there; see stigmer-tui server status.",
            )
        case StatusCode.UNIMPLEMENTED:
            return Unimplemented(f"The server at {address} cannot do that", f"Its message: {details}")
        case StatusCode.DEADLINE_EXCEEDED:
            return StigmerError(f"The server at {address} took too long to respond", "Try again, or see its log.")
        case _:
            # Unchanged, because it may begin with a name.
            return StigmerError(details)


def unreachable(address: str) -> ServerGone:
    """The error for a server that cannot be reached, with advice about proxies where one is in use."""
    advice = "For the daemon see: stigmer-tui server status. Which backend is used says: stigmer-tui context show"
    return ServerGone(f"Cannot reach the server at {address}", _proxy_advice(address) or advice)


def rejected_token(address: str, context: str, had_one: bool) -> StigmerError:
    """The error for a named server that does not accept our token, or asks for one."""
    if had_one:
        message = f"The server at {address} rejected the token of the context {context}: it is wrong or has expired"
    else:
        message = f"The server at {address} asks for a token, and the context {context} has none"
    return StigmerError(message, f"Store the one that is valid there: stigmer-tui context set {context} --token")


def is_behind_proxy(address: str) -> bool:
    return bool(_proxy_advice(address))


def _proxy_advice(address: str) -> str:
    """Advice where gRPC would use a proxy (see api.channel); empty elsewhere."""
    host = address.rpartition(":")[0]
    variables = (name for name in ("grpc_proxy", "https_proxy", "http_proxy") if os.environ.get(name))
    variable = "" if names_this_machine(host) else next(variables, "")
    if not variable:
        return ""
    return f"The connection goes through the proxy that {variable} names; no_proxy={host} bypasses it."
