"""Who may call which service."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import grpc
from grpc.aio import ServicerContext

from stigmer_tui.core.runner_identity import RunnerIdentity

BEARER = "Bearer "


class Access(Enum):
    """What every service declares."""

    PUBLIC = auto()
    """With the token of this instance; without one where the server was started with `--no-auth`."""
    RUNNER = auto()
    """The processes that the supervisor has started, each with a token of its own, however the server was started."""


Identify = Callable[[str], RunnerIdentity | None]
"""The runner to which the supervisor gave this token, as long as it runs."""


@dataclass(frozen=True, slots=True)
class TokenAuth:
    token: str
    """Of this instance; empty lets everybody use the public services."""
    identify: Identify

    async def admit(self, access: Access, context: ServicerContext[Any, Any]) -> RunnerIdentity | None:
        """Returns the runner that calls, None for any other caller. Aborts a call that is not allowed."""
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
    """Empty when there is none."""
    for key, value in context.invocation_metadata() or ():
        if key == "authorization" and isinstance(value, str) and value.startswith(BEARER):
            return value.removeprefix(BEARER)
    return ""
