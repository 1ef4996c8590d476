"""Channels to a server, with what every client of ours needs: large messages, quick reconnects, the bearer token."""

from __future__ import annotations

import os

# Before the first import of grpc: its C core writes to standard error, which belongs to a full-screen program.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from grpc import ssl_channel_credentials
from grpc.aio import Channel, insecure_channel, secure_channel

from stigmer_tui.core.addresses import names_this_machine

UNLIMITED = -1
MESSAGE_SIZE_OPTIONS = [
    ("grpc.max_receive_message_length", UNLIMITED),
    ("grpc.max_send_message_length", UNLIMITED),
]
CHANNEL_OPTIONS = [
    *MESSAGE_SIZE_OPTIONS,
    # A server that was restarted is found again at once, not after a back-off of minutes.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 500),
    # Channels to one address share nothing, so that a lost connection of one is no verdict on another.
    ("grpc.use_local_subchannel_pool", 1),
]


def open_channel(
    address: str, token: str = "", is_ours: bool = True, tls: bool = False, certificates: bytes | None = None
) -> Channel:
    """A channel to `host:port`. Must be called, and closed, within a running event loop.

    TLS trusts `certificates` (PEM), or what gRPC trusts, which GRPC_DEFAULT_SSL_ROOTS_FILE_PATH replaces.
    A server that is ours is reached without a proxy, and so is every one on this machine; for another it is grpc that
    looks into the environment (`grpc_proxy`, `https_proxy`, `http_proxy`, `no_proxy`, in lower case).
    """
    straight = is_ours or names_this_machine(address.rpartition(":")[0])
    options = [*CHANNEL_OPTIONS, ("grpc.enable_http_proxy", int(not straight))]
    if tls:
        channel = secure_channel(address, ssl_channel_credentials(certificates), options=options)
    else:
        channel = insecure_channel(address, options=options)
    return cast(Channel, _AuthorizedChannel(channel, token)) if token else channel


class _AuthorizedChannel:
    """Gives every call the token. Interceptors would do the same at the cost of two tasks a call."""

    def __init__(self, channel: Channel, token: str) -> None:
        self._channel = channel
        self._metadata = (("authorization", f"Bearer {token}"),)
        self.close = channel.close
        self.channel_ready = channel.channel_ready

    def unary_unary(self, *args: Any, **options: Any) -> Callable[..., Any]:
        call = self._channel.unary_unary(*args, **options)

        def authorized(request: Any, *, metadata: tuple[tuple[str, str], ...] = (), **more: Any) -> Any:
            return call(request, metadata=(*self._metadata, *metadata), **more)

        return authorized

    def unary_stream(self, *args: Any, **options: Any) -> Callable[..., Any]:
        return partial(self._channel.unary_stream(*args, **options), metadata=self._metadata)

    def stream_stream(self, *args: Any, **options: Any) -> Callable[..., Any]:
        return partial(self._channel.stream_stream(*args, **options), metadata=self._metadata)
