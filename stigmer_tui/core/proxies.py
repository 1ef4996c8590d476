"""One rule for all outgoing calls: which proxy the environment names for an address, if any.

Reads `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, in lower case first, then in upper case. Loopback
addresses never use a proxy. Variables are read only when a call needs them, so an invalid one never prevents a start.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from stigmer_tui.core.addresses import names_this_machine, parse_ip
from stigmer_tui.core.errors import StigmerError

SCHEMES = {"http": "http", "https": "https", "socks5": "socks5", "socks5h": "socks5h", "socks": "socks5"}
"""Proxy schemes by what variables contain; desktops write `socks`."""

DEFAULT_PORTS = {"http": 80, "https": 443}


class BadProxyError(StigmerError):
    """A proxy variable with an invalid value."""

    def __init__(self, variable: str, what: str) -> None:
        # Without the value, which may contain a password.
        super().__init__(
            f"{variable} {what}",
            f"Expected an address such as http://proxy.example:3128 or socks5://127.0.0.1:1080 in {variable}; "
            "hosts in no_proxy are called without it.",
        )


@dataclass(frozen=True, slots=True)
class Proxy:
    url: str
    """With a scheme of SCHEMES, and with credentials if given."""
    variable: str
    """The variable that named it, in the case that was used."""


def proxy_for(url: str, environment: Mapping[str, str]) -> Proxy | None:
    """The proxy for calls to a URL, or None. Raises BadProxyError."""
    from urllib.parse import urlsplit

    try:
        address = urlsplit(url)
        host, port = address.hostname or "", address.port or DEFAULT_PORTS.get(address.scheme, 0)
    except ValueError:
        # The call itself will fail with a better error.
        return None
    if not host or names_this_machine(host) or _is_excepted(host, port, environment):
        return None
    for name in (f"{address.scheme}_proxy", "all_proxy"):
        # An empty lower-case variable disables the proxy, whatever the upper-case one says.
        for variable in (name, name.upper()):
            if variable in environment:
                if value := environment[variable].strip():
                    return Proxy(_proxy_url(value, variable), variable)
                break
    return None


def _is_excepted(host: str, port: int, environment: Mapping[str, str]) -> bool:
    exceptions = environment.get("no_proxy", environment.get("NO_PROXY", ""))
    return any(_covers(exception, host.rstrip("."), port) for exception in re.split(r"[\s,]+", exceptions.lower()))


def _covers(exception: str, host: str, port: int) -> bool:
    """Patterns: `*`, a domain (with its subdomains), an IP address or a network, each with an optional port."""
    if not exception:
        return False
    if exception == "*" or exception.strip("[]") == host:
        return True
    address = parse_ip(host)
    if address is not None:
        from ipaddress import ip_network

        try:
            if address in ip_network(exception, strict=False):
                return True
        except (ValueError, TypeError):
            pass
    name, separator, number = exception.rpartition(":")
    if separator and number.isdecimal() and number.isascii():
        return int(number) == port and _covers(name, host, port)
    domain = exception.removeprefix("*").removeprefix(".")
    return bool(domain) and address is None and (host == domain or host.endswith(f".{domain}"))


def _proxy_url(value: str, variable: str) -> str:
    from urllib.parse import SplitResult, urlsplit

    text = value if "://" in value else f"http://{value}"
    try:
        address = urlsplit(text)
        host, _ = address.hostname, address.port
    except ValueError as error:
        raise BadProxyError(variable, "does not hold the address of a proxy") from error
    if not host or re.search(r"[\s\x00-\x1f\x7f]", text):
        raise BadProxyError(variable, "does not hold the address of a proxy")
    if address.scheme not in SCHEMES:
        raise BadProxyError(variable, f"names a proxy of a kind that is not supported: {address.scheme}")
    return SplitResult(SCHEMES[address.scheme], address.netloc, "", "", "").geturl()
