"""Calls of a provider's API as the framework has prepared them, read by our own readers.

The client library would look at each part of a request for what it may have to convert, where there is nothing, and
build each event of a response by its type annotations: together half the time of a model call. It still sends the
request, with the key and its headers, and says what a failure is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import httpx2

from stigmer_tui.agents.models.checked_stream import CheckedStream, ResponseReader

Event = TypeVar("Event")


@dataclass(frozen=True, slots=True)
class DirectCall(Generic[Event]):
    """In the place of a client library's resource, of which the framework uses `create` only."""

    client: Any
    """The library's client."""
    path: str
    reader: Callable[[httpx2.Response], ResponseReader[Event]]
    absent: tuple[type, ...]
    """The library's signs for what is not given."""
    query: Mapping[str, str] | None = None

    async def create(
        self,
        *,
        betas: Any = None,
        timeout: object = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **asked: Any,
    ) -> CheckedStream[Event]:
        """Sends a request; what is asked are the fields of its body. Raises the library's errors."""
        headers = dict(extra_headers or {})
        if betas and not isinstance(betas, self.absent):
            headers["anthropic-beta"] = ",".join(betas)
        body = {name: value for name, value in asked.items() if not isinstance(value, self.absent)}
        response: httpx2.Response = await self.client.post(
            self.path,
            cast_to=httpx2.Response,
            # As bytes, because the library copies data.
            content=json.dumps({**body, **(extra_body or {})}).encode(),
            options={"headers": headers, "params": self.query or {}},
            stream=True,
        )
        return CheckedStream(response, self.reader(response))
