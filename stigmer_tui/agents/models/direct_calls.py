"""Calls of a provider's API as the framework has prepared them, read by our own readers.

The client library would look at each part of a request for what it may have to convert, where there is nothing, and
build each event of a response by its type annotations: together half the time of a model call. What it is kept for are
the key, the headers and the address, the types of its events, and its errors.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import httpx2
from pydantic import BaseModel, ValidationError

from stigmer_tui.agents.models.checked_stream import CheckedStream, ResponseReader
from stigmer_tui.agents.models.faults import InvalidResponseError, json_or_text
from stigmer_tui.agents.models.requests import note_request
from stigmer_tui.core.known_secrets import without_credentials

Event = TypeVar("Event")
Modelled = TypeVar("Modelled", bound=BaseModel)

TELEMETRY = "x-stainless-"
"""The beginning of headers in which the libraries tell about the machine."""


class ClientLibrary(Protocol):
    """What is used of the module of a client library."""

    @property
    def APIConnectionError(self) -> Callable[..., Exception]: ...  # noqa: N802 - its own names
    @property
    def APITimeoutError(self) -> Callable[..., Exception]: ...  # noqa: N802
    @property
    def APIStatusError(self) -> Callable[..., Exception]: ...  # noqa: N802
    @property
    def Omit(self) -> type: ...  # noqa: N802
    @property
    def NotGiven(self) -> type: ...  # noqa: N802


@dataclass(frozen=True, slots=True)
class WireFormat(Generic[Event]):
    """How requests are sent to the API of one provider, and how its responses are read."""

    library: ClientLibrary
    path: str
    reader: Callable[[httpx2.Response], ResponseReader[Event]]
    error: Callable[[Any], object]
    """What the library's error holds of the body of a refusal."""

    def failure(self, request: httpx2.Request, error: httpx2.RequestError) -> Exception:
        """The library's error for one of the connection."""
        if isinstance(error, httpx2.TimeoutException):
            return self.library.APITimeoutError(request=request)
        return self.library.APIConnectionError(request=request)

    def refusal(self, response: httpx2.Response) -> Exception:
        """The library's error for the status of a response, which has been read; or a fault, for a redirection."""
        if response.has_redirect_location:
            # Not followed, because the key is for this address only.
            elsewhere = without_credentials(response.headers["location"])
            return InvalidResponseError(f"wants to be asked at another address, {elsewhere},")
        body = self.error(json_or_text(response.text))
        return self.library.APIStatusError(f"status {response.status_code}", response=response, body=body)


@dataclass(frozen=True, slots=True)
class DirectCalls(Generic[Event]):
    """In the place of a client library's resource, of which the framework uses `create` only."""

    http: httpx2.AsyncClient
    url: httpx2.URL
    headers: Mapping[str, str]
    wire_format: WireFormat[Event]

    async def create(
        self,
        *,
        extra_headers: Mapping[str, str] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **asked: Any,
    ) -> CheckedStream[Event]:
        """Sends a request; what is asked are the fields of its body. Raises the client library's errors."""
        absent = (self.wire_format.library.Omit, self.wire_format.library.NotGiven)
        headers = {**self.headers, **(extra_headers or {})}
        body = {name: value for name, value in asked.items() if not isinstance(value, absent)}
        if betas := body.pop("betas", ()):
            headers["anthropic-beta"] = ",".join(betas)
        body |= extra_body or {}
        request = self.http.build_request("POST", self.url, content=json.dumps(body).encode(), headers=headers)
        note_request(request, body)
        try:
            response = await self.http.send(request, stream=True)
            if not response.is_success:
                await response.aread()
                raise self.wire_format.refusal(response)
        except httpx2.RequestError as error:
            raise self.wire_format.failure(request, error) from error
        return CheckedStream(response, self.wire_format.reader(response), self.wire_format.failure)


def event_of(kind: type[Modelled], data: Mapping[str, Any]) -> Modelled:
    """An event of a client library."""
    try:
        return kind.model_validate(data)
    except ValidationError:
        # Without a check, as the library makes all of them.
        return kind.construct(**data)


def direct_calls(client: Any, http: httpx2.AsyncClient, wire_format: WireFormat[Event]) -> DirectCalls[Event]:
    """What a client would send to its provider."""
    url = httpx2.URL(f"{str(client.base_url).rstrip('/')}{wire_format.path}")
    known = {**client.auth_headers, **client.default_headers}
    headers = {
        name: value
        for name, value in known.items()
        if isinstance(value, str) and not name.lower().startswith(TELEMETRY)
    }
    return DirectCalls(http, url, headers, wire_format)
