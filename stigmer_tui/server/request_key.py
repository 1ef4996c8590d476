"""The key by which a client names its request, for the call that is being answered."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from grpc.aio import ServicerContext

from stigmer_tui.api.idempotency import IDEMPOTENCY_KEY
from stigmer_tui.server.errors import invalid

MAX_LENGTH = 128

REQUEST_KEY: ContextVar[str] = ContextVar("request_key", default="")
"""Empty when the client gave none."""


def take_request_key(context: ServicerContext[Any, Any]) -> None:
    """Raises Refusal for one that is too long to be kept."""
    for name, value in context.invocation_metadata() or ():
        if name == IDEMPOTENCY_KEY:
            if len(value) > MAX_LENGTH:
                raise invalid(f"{IDEMPOTENCY_KEY}: at most {MAX_LENGTH} characters")
            REQUEST_KEY.set(str(value))
