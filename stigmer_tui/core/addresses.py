"""Addresses of the form host:port, and which of them only this machine can reach."""

from __future__ import annotations

import socket
from ipaddress import IPv6Address, ip_address

from stigmer_tui.core.errors import StigmerError


def is_loopback(address: str) -> bool:
    """Whether every address that the host stands for belongs to this machine alone; False for an unknown host."""
    host = address.rpartition(":")[0].strip("[]")
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return all(_is_loopback_ip(str(place[0])) for *_, place in found)


def require_loopback(address: str) -> None:
    """Raises StigmerError for an address at which a server without a token would be open to other machines."""
    if not is_loopback(address):
        raise StigmerError(
            f"Without a token (--no-auth) the daemon listens on this machine only, not at {address}",
            "Leave out --no-auth, or choose an address such as 127.0.0.1:50051. A daemon that was started with "
            "--no-auth stays so until it is stopped: stigmer-tui server stop",
        )


def _is_loopback_ip(text: str) -> bool:
    ip = ip_address(text.partition("%")[0])
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped:
        return ip.ipv4_mapped.is_loopback
    return ip.is_loopback
