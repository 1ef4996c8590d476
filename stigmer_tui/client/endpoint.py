"""Where a server is, and what it wants to hear."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endpoint:
    address: str
    """host:port."""
    token: str
    """Empty for a server that wants none."""
