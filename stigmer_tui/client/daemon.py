"""What only our own daemon offers: its catalogue and status, once or as they change; and a place for provider keys."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import TypeVar

from stigmer_tui.api.catalogue_pb2 import Catalogue, ListRequest
from stigmer_tui.api.catalogue_pb2_grpc import CatalogueControllerStub
from stigmer_tui.api.daemon_pb2 import Status, StatusRequest, TakeKeysRequest
from stigmer_tui.api.daemon_pb2_grpc import DaemonControllerStub
from stigmer_tui.client.connection import Connection, Interrupted, optional, resumed
from stigmer_tui.client.errors import Unimplemented

Response = TypeVar("Response")


async def list_catalogue(connection: Connection, org: str, recent: int = 0) -> Catalogue | None:
    """With so many of the newest executions, 0 for as many as the server thinks right. None from one that cannot."""
    request = ListRequest(org=org, recent=recent)
    return await optional(connection.call(lambda channel: CatalogueControllerStub(channel).list, request))


async def daemon_status(connection: Connection) -> Status | None:
    """None from a server that is not ours."""
    return await optional(connection.call(lambda channel: DaemonControllerStub(channel).status, StatusRequest()))


def watch_catalogue(connection: Connection, org: str) -> AsyncGenerator[Catalogue | Interrupted, None]:
    """Ends at once at a server that cannot list."""
    request = ListRequest(org=org)
    return _known(resumed(connection, lambda channel: aiter(CatalogueControllerStub(channel).watch(request))))


def watch_daemon(connection: Connection) -> AsyncGenerator[Status | Interrupted, None]:
    """Ends at once at a server that is not ours."""
    return _known(resumed(connection, lambda channel: aiter(DaemonControllerStub(channel).watch(StatusRequest()))))


async def _known(responses: AsyncGenerator[Response, None]) -> AsyncGenerator[Response, None]:
    async with aclosing(responses):
        try:
            async for response in responses:
                yield response
        except Unimplemented:
            return


async def offer_keys(connection: Connection, variables: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the names of those that the daemon had not, and has now."""
    request = TakeKeysRequest(variables=variables)
    response = await optional(connection.call(lambda channel: DaemonControllerStub(channel).takeKeys, request))
    return tuple(response.taken) if response else ()
