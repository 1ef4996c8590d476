"""Calls that only our own daemon implements: catalogue, status, and the handover of provider keys."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TypeVar

from stigmer_tui.api.catalogue_pb2 import Catalogue, ListRequest, SearchRequest, SearchResponse
from stigmer_tui.api.catalogue_pb2_grpc import CatalogueControllerStub
from stigmer_tui.api.daemon_pb2 import RestartRequest, Status, StatusRequest, TakeKeysRequest
from stigmer_tui.api.daemon_pb2_grpc import DaemonControllerStub
from stigmer_tui.client.connection import Connection, StreamInterrupted, optional, responses, resumed
from stigmer_tui.client.errors import Unimplemented
from stigmer_tui.core.errors import StigmerError

Response = TypeVar("Response")


async def list_catalogue(connection: Connection, org: str, recent: int = 0) -> Catalogue | None:
    """Resources and the newest executions, by default as many as the server decides. None if it cannot list."""
    request = ListRequest(org=org, recent=recent)
    return await optional(connection.call(lambda channel: CatalogueControllerStub(channel).list, request))


def search_executions(connection: Connection, request: SearchRequest) -> AsyncGenerator[SearchResponse, None]:
    """Executions with a text, as they are found. Raises Unimplemented if the server cannot search."""
    return responses(connection, lambda channel: aiter(CatalogueControllerStub(channel).search(request)))


async def daemon_status(connection: Connection) -> Status | None:
    """The status of the daemon; None from a server that is not ours."""
    return await optional(connection.call(lambda channel: DaemonControllerStub(channel).status, StatusRequest()))


def watch_catalogue(connection: Connection, org: str) -> AsyncGenerator[Catalogue | StreamInterrupted, None]:
    """The catalogue now and after each change. Ends at once if the server cannot list."""
    request = ListRequest(org=org)
    return _until_unimplemented(
        resumed(connection, lambda channel: aiter(CatalogueControllerStub(channel).watch(request)))
    )


def watch_daemon(connection: Connection) -> AsyncGenerator[Status | StreamInterrupted, None]:
    """The status now and after each change. Ends at once if the server is not ours."""
    return _until_unimplemented(
        resumed(connection, lambda channel: aiter(DaemonControllerStub(channel).watch(StatusRequest())))
    )


async def _until_unimplemented(responses: AsyncGenerator[Response, None]) -> AsyncGenerator[Response, None]:
    async with aclosing(responses):
        try:
            async for response in responses:
                yield response
        except Unimplemented:
            return


async def offer_keys(
    connection: Connection, variables: Mapping[str, str], forgotten: Sequence[str] = ()
) -> tuple[str, ...]:
    """Hands provider keys over to the daemon. Returns the names of those that it did not have.

    Without any it looks again which model is configured. `forgotten` are names of keys that it was given before.
    """
    request = TakeKeysRequest(variables=variables, forgotten=forgotten)
    response = await optional(connection.call(lambda channel: DaemonControllerStub(channel).takeKeys, request))
    return tuple(response.taken) if response else ()


async def restart_component(connection: Connection, name: str) -> None:
    """Restarts a runner, such as agent-runner. Returns when the one before has ended. Raises StigmerError."""
    request = RestartRequest(component=name)
    try:
        await connection.call(lambda channel: DaemonControllerStub(channel).restart, request)
    except Unimplemented as error:
        raise StigmerError(
            "The daemon is of a version that cannot restart one of its processes",
            "Restart it as a whole: stigmer-tui server restart",
        ) from error
