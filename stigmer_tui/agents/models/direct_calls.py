"""Calls of a provider's API as the framework has prepared them, read by our own readers.

The client library would look at each part of a request for what it may have to convert, where there is nothing, and
build each event of a response by its type annotations: together half the time of a model call. What it is kept for are
the key, the headers and the address, the types of its events, and its errors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import httpx2

from stigmer_tui.agents.models.checked_stream import CheckedStream, ResponseReader
from stigmer_tui.agents.models.requests import note_request

Event = TypeVar("Event")
Event_co = TypeVar("Event_co", covariant=True)


class WireFormat(ResponseReader[Event_co], Protocol[Event_co]):
    """The format of one provider; an instance reads one response."""

    PATH: ClassVar[str]
    QUERY: ClassVar[Mapping[str, str]]
    ABSENT: ClassVar[tuple[type, ...]]
    """The client library's signs for what is not given."""

    def __init__(self, response: httpx2.Response) -> None: ...

    @staticmethod
    def failure(request: httpx2.Request, error: httpx2.RequestError) -> Exception:
        """The client library's error for one of the connection."""
        ...

    @staticmethod
    def refusal(response: httpx2.Response) -> Exception:
        """The client library's error for the status of a response, which has been read."""
        ...


@dataclass(frozen=True, slots=True)
class DirectCalls(Generic[Event]):
    """In the place of a client library's resource, of which the framework uses `create` only."""

    http: httpx2.AsyncClient
    url: httpx2.URL
    headers: Mapping[str, str]
    wire_format: type[WireFormat[Event]]

    async def create(
        self,
        *,
        betas: Any = None,
        timeout: object = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **asked: Any,
    ) -> CheckedStream[Event]:
        """Sends a request; what is asked are the fields of its body. Raises the client library's errors."""
        absent = self.wire_format.ABSENT
        headers = {**self.headers, **(extra_headers or {})}
        if betas and not isinstance(betas, absent):
            headers["anthropic-beta"] = ",".join(betas)
        body = {name: value for name, value in asked.items() if not isinstance(value, absent)}
        body |= extra_body or {}
        request = self.http.build_request("POST", self.url, content=json.dumps(body).encode(), headers=headers)
        note_request(request, body)
        try:
            response = await self.http.send(request, stream=True)
            if response.is_error:
                await response.aread()
        except httpx2.RequestError as error:
            raise self.wire_format.failure(request, error) from error
        if response.is_error:
            raise self.wire_format.refusal(response)
        return CheckedStream(response, self.wire_format(response))


def direct_calls(client: Any, http: httpx2.AsyncClient, wire_format: type[WireFormat[Event]]) -> DirectCalls[Event]:
    """What a client library would send to its provider."""
    url = httpx2.URL(f"{str(client.base_url).rstrip('/')}{wire_format.PATH}", params=wire_format.QUERY or None)
    known = {**client.auth_headers, **client.default_headers}
    headers = {name: value for name, value in known.items() if isinstance(value, str)}
    return DirectCalls(http, url, headers, wire_format)
