"""The address of a server, the authorization of calls to it, and a probe whether it responds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import grpc
from grpc.aio import AioRpcError, Channel

from stigmer_tui.api.agent_pb2_grpc import AgentQueryControllerStub
from stigmer_tui.api.api_resource_pb2 import ApiResourceReference
from stigmer_tui.api.channel import open_channel
from stigmer_tui.core.contexts import Context
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server is, and how to call it."""

    address: str
    """host:port."""
    token: str
    """Empty for a server that needs none."""
    is_ours: bool = True
    """False for a server that somebody has named, which may be on another machine and behind a proxy."""
    tls: bool = False
    ca: Path | None = None
    """Certificates to trust, as PEM, instead of the usual ones."""
    context: str = ""
    """The name of the context that it comes from; empty for none."""

    @classmethod
    def named(cls, context: Context, home: Home, environment: Mapping[str, str]) -> Endpoint:
        """Of a server that is no daemon of ours. Raises StigmerError where its token cannot be had."""
        token = context.token(home, environment) if context.name else ""
        return cls(context.address, token, False, context.tls, context.ca, context.name)

    def open(self) -> Channel:
        """Must be called, and closed, within a running event loop. Raises StigmerError for a useless CA file."""
        certificates = _read_certificates(self.ca) if self.ca else None
        return open_channel(self.address, self.token, self.is_ours, self.tls, certificates)


PROBE_LIMIT = 5.0
"""Seconds."""


async def probe(endpoint: Endpoint) -> None:
    """Checks that a server responds. Raises AioRpcError."""
    channel = endpoint.open()
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


def _read_certificates(path: Path) -> bytes:
    import ssl

    try:
        content = path.read_bytes()
    except OSError as error:
        raise StigmerError(f"Cannot read the CA file {path}: {error.strerror}") from error
    try:
        ssl.create_default_context(cadata=content.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        raise StigmerError(
            f"{path} holds no certificates", "Expected PEM: text between BEGIN CERTIFICATE and END CERTIFICATE."
        ) from error
    return content
