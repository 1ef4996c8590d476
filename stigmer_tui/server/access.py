"""Who may call which service."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import grpc
from grpc.aio import ServicerContext

from stigmer_tui.core.daemon_processes import RunnerIdentity

BEARER = "Bearer "


class Access(Enum):
    """The access level that every service declares."""

    PUBLIC = auto()
    """Requires the token of this instance, unless the server was started with `--no-auth`."""
    RUNNER = auto()
    """For runners only, each with its own token from the supervisor, in every mode."""


Identify = Callable[[str], RunnerIdentity | None]
"""The running runner with this token, or None."""


@dataclass(frozen=True, slots=True)
class TokenAuth:
    token: str
    """Token of this instance; empty allows everybody to use the public services."""
    identify: Identify

    async def admit(self, access: Access, context: ServicerContext[Any, Any]) -> RunnerIdentity | None:
        """Returns the calling runner, or None for a client. Aborts a call that is not allowed."""
        if access is Access.PUBLIC and not self.token:
            return None
        presented = _bearer_token(context)
        if runner := self.identify(presented):
            return runner
        if access is Access.RUNNER:
            await context.abort(
                grpc.StatusCode.UNAUTHENTICATED,
                "this service is for the runners that the server has started, each with a token of its own",
            )
        if not hmac.compare_digest(presented.encode(), self.token.encode()):
            await context.abort(
                grpc.StatusCode.UNAUTHENTICATED,
                "this server requires its bearer token; start it with --no-auth to accept clients without one",
            )
        return None


def _bearer_token(context: ServicerContext[Any, Any]) -> str:
    """Empty if there is none."""
    for key, value in context.invocation_metadata() or ():
        if key == "authorization" and isinstance(value, str) and value.startswith(BEARER):
            return value.removeprefix(BEARER)
    return ""
