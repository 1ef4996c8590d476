"""Where a server is, how calls to it are authorized, and whether it answers."""

from __future__ import annotations

from dataclasses import dataclass

import grpc
from grpc.aio import AioRpcError, Channel

from stigmer_tui.api.agent_pb2_grpc import AgentQueryControllerStub
from stigmer_tui.api.api_resource_pb2 import ApiResourceReference
from stigmer_tui.api.channel import open_channel


@dataclass(frozen=True, slots=True)
class Endpoint:
    address: str
    """host:port."""
    token: str
    """Empty for a server that wants none."""
    is_ours: bool = True
    """False for a server that STIGMER_SERVER_ADDR names: it may be elsewhere, and proxies on the way to it."""


PROBE_LIMIT = 5.0
"""Seconds."""


async def probe(endpoint: Endpoint) -> None:
    """Returns when the server has answered; raises grpc's error otherwise."""
    channel = open_channel(endpoint.address, endpoint.token, endpoint.is_ours)
    try:
        await ping(channel)
    finally:
        await channel.close()


async def ping(channel: Channel) -> None:
    """As `probe`. An empty reference is refused by every server that is alive, ours and existing ones.

    See `docs/compatibility.md` 119.
    """
    try:
        await AgentQueryControllerStub(channel).getByReference(
            ApiResourceReference(), timeout=PROBE_LIMIT, wait_for_ready=False
        )
    except AioRpcError as error:
        if error.code() not in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND):
            raise
