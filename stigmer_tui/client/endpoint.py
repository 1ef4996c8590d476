"""Where a server is, and what it wants to hear."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endpoint:
    address: str
    """host:port."""
    token: str
    """Empty for a server that wants none."""
    is_ours: bool = True
    """False for a server that STIGMER_SERVER_ADDR names: it may be elsewhere, and proxies on the way to it."""
