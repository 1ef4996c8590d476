"""The address of a server, the authorization of calls to it, and a probe whether it responds."""

from __future__ import annotations

from dataclasses import dataclass

import grpc
from grpc.aio import AioRpcError, Channel

from stigmer_tui.api.agent_pb2_grpc import AgentQueryControllerStub
from stigmer_tui.api.api_resource_pb2 import ApiResourceReference
from stigmer_tui.api.channel import open_channel


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server is, and how to call it."""

    address: str
    """host:port."""
    token: str
    """Empty for a server that needs none."""
    is_ours: bool = True
    """False for a server that STIGMER_SERVER_ADDR names, which may be on another machine and behind a proxy."""


PROBE_LIMIT = 5.0
"""Seconds."""


async def probe(endpoint: Endpoint) -> None:
    """Checks that a server responds. Raises AioRpcError."""
    channel = open_channel(endpoint.address, endpoint.token, endpoint.is_ours)
    try:
        await ping(channel)
    finally:
        await channel.close()


async def ping(channel: Channel) -> None:
    """As `probe`, on an open channel.

    Every server that is alive, ours or an existing one, refuses an empty reference (`docs/compatibility.md` 119).
    """
    try:
        await AgentQueryControllerStub(channel).getByReference(
            ApiResourceReference(), timeout=PROBE_LIMIT, wait_for_ready=False
        )
    except AioRpcError as error:
        if error.code() not in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND):
            raise
