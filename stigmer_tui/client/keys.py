"""Keys of model providers, offered to the daemon of one's own machine. Existing servers take none."""

from __future__ import annotations

from collections.abc import Mapping

from stigmer_tui.api.daemon_pb2 import TakeKeysRequest
from stigmer_tui.api.daemon_pb2_grpc import DaemonControllerStub
from stigmer_tui.client.connection import Connection, optional


async def offer_keys(connection: Connection, variables: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the names of those that the daemon had not, and has now."""
    request = TakeKeysRequest(variables=variables)
    response = await optional(connection.call(lambda channel: DaemonControllerStub(channel).takeKeys, request))
    return tuple(response.taken) if response else ()
