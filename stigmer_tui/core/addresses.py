"""Addresses of the form host:port, and which of them only this machine can reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stigmer_tui.core.errors import StigmerError

# Imported lazily: every command opens a channel to this machine, and most have no address to parse.
if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

USUAL = ("127.0.0.1", "localhost", "::1")
"""The usual names of this machine."""


def names_this_machine(host: str) -> bool:
    """Whether a name or an IP address is that of this machine for itself. Nobody is asked."""
    host = host.strip("[]").rstrip(".").lower()
    if host in USUAL:
        return True
    ip = parse_ip(host)
    if ip is None:
        return host.endswith(".localhost")
    ip = _unmapped(ip)
    return ip.is_loopback or ip.is_unspecified


def resolves_to_loopback(address: str) -> bool:
    """Whether every IP address that host:port stands for belongs to this machine alone; False for an unknown host."""
    import socket

    host = address.rpartition(":")[0].strip("[]")
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    ips = (parse_ip(str(place[0])) for *_, place in found)
    return all(ip is not None and _unmapped(ip).is_loopback for ip in ips)


def require_loopback(address: str) -> None:
    """Raises StigmerError for an address at which a server without a token would be open to other machines."""
    if not resolves_to_loopback(address):
        raise StigmerError(
            f"Without a token (--no-auth) the daemon listens on this machine only, not at {address}",
            "Leave out --no-auth, or choose an address such as 127.0.0.1:50051. A daemon that was started with "
            "--no-auth stays so until it is stopped: stigmer-tui server stop",
        )


def bind_error(address: str) -> str:
    """The system's reason why nothing can listen at host:port; empty if something can."""
    import socket

    host, _, port = address.rpartition(":")
    try:
        family, kind, _, _, place = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as attempt:
            # A connection that was closed a moment ago does not keep the address.
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            attempt.bind(place)
            attempt.listen()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def parse_ip(host: str) -> IPv4Address | IPv6Address | None:
    """Without the zone of an IPv6 address; None for what is no IP address."""
    from ipaddress import ip_address

    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _unmapped(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    return getattr(ip, "ipv4_mapped", None) or ip
