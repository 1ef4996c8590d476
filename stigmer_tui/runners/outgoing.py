"""The way of HTTP calls out of a runner: through the proxy that the environment names for an address, or straight."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping

import httpx2

from stigmer_tui.core.proxies import BadProxyError, Proxy, proxy_for


class SettingUnusableError(httpx2.UnsupportedProtocol):
    """A variable that a call depends on cannot be used; the message says which, and why."""


class OutgoingTransport(httpx2.AsyncBaseTransport):
    """Keeps connections, to each proxy its own. The environment is read by the calls that need it."""

    def __init__(
        self,
        limits: httpx2.Limits,
        ssl_context: ssl.SSLContext | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        """`ssl_context` says whom to trust, instead of what the machine and SSL_CERT_FILE say."""
        self._limits = limits
        self._ssl_context = ssl_context
        self._environment = environment
        self._transports: dict[tuple[str, str], httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises SettingUnusableError, and what httpx2 raises."""
        try:
            proxy = proxy_for(str(request.url), self._environment)
        except BadProxyError as error:
            raise SettingUnusableError(error.message) from error
        way = (request.url.scheme, proxy.url if proxy else "")
        if way not in self._transports:
            self._transports[way] = self._transport(request.url.scheme, proxy)
        return await self._transports[way].handle_async_request(request)

    async def aclose(self) -> None:
        for transport in self._transports.values():
            await transport.aclose()

    def proxy_variable(self, url: str) -> str:
        """Name of the variable whose proxy calls to an address go through; empty when they go straight."""
        try:
            proxy = proxy_for(url, self._environment)
        except BadProxyError:
            return ""
        return proxy.variable if proxy else ""

    def _transport(self, scheme: str, proxy: Proxy | None) -> httpx2.AsyncHTTPTransport:
        # What is not encrypted needs no certificates, which take tens of milliseconds to load.
        context = self._trust() if scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            way = httpx2.Proxy(proxy.url) if proxy else None
            return httpx2.AsyncHTTPTransport(verify=context, limits=self._limits, proxy=way)
        except (ValueError, ImportError, httpx2.InvalidURL) as error:
            variable = proxy.variable if proxy else "a proxy"
            raise SettingUnusableError(f"{variable} does not hold the address of a proxy") from error

    def _trust(self) -> ssl.SSLContext:
        if self._ssl_context is None:
            try:
                self._ssl_context = httpx2.create_ssl_context()
            except OSError as error:
                variable = next((name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)), "")
                where = f" that {variable} names" if variable else ""
                raise SettingUnusableError(f"the certificates{where} cannot be read: {error.strerror}") from error
        return self._ssl_context
