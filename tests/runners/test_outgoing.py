"""The way of calls out of a runner: which proxy, whom to trust, and what is wrong with either."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from stigmer_tui.runners.outgoing import OutgoingTransport, SettingUnusableError
from tests.workflow.http_server import HttpServer, Reply, http_server

LIMITS = httpx2.Limits()


@asynccontextmanager
async def transport(environment: Mapping[str, str]) -> AsyncIterator[OutgoingTransport]:
    # An empty context: nothing here is encrypted to the end.
    opened = OutgoingTransport(LIMITS, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), environment)
    try:
        yield opened
    finally:
        await opened.aclose()


def asked(server: HttpServer) -> list[str]:
    return [request.target for request in server.asked]


async def get(transport: OutgoingTransport, url: str) -> bytes:
    response = await transport.handle_async_request(httpx2.Request("GET", url))
    return await response.aread()


async def test_each_call_goes_the_way_that_the_environment_names_when_it_is_made() -> None:
    environment: dict[str, str] = {}
    async with http_server() as server, http_server() as proxy, transport(environment) as outgoing:
        server.replies(Reply(200, "straight"))
        proxy.replies(Reply(200, "through the proxy"))
        assert await get(outgoing, f"{server.url}/a") == b"straight"
        environment["http_proxy"] = proxy.url
        assert await get(outgoing, "http://shop.example/b") == b"through the proxy"
        # This machine is never asked through a proxy.
        assert await get(outgoing, f"{server.url}/c") == b"straight"
        assert (asked(server), asked(proxy)) == (["/a", "/c"], ["http://shop.example/b"])


async def test_the_variable_is_named_whose_proxy_calls_go_through() -> None:
    environment = {"http_proxy": "http://proxy.example:3128", "no_proxy": "near.example", "HTTPS_PROXY": "ftp://x"}
    async with transport(environment) as outgoing:
        assert outgoing.proxy_variable("http://shop.example/") == "http_proxy"
        assert outgoing.proxy_variable("http://near.example/") == ""
        assert outgoing.proxy_variable("https://shop.example/") == ""


@pytest.mark.parametrize("url", ["http://shop.example/", "https://shop.example/"])
async def test_a_proxy_that_is_none_fails_the_call_with_its_variable(url: str) -> None:
    async with transport({"all_proxy": "ftp://secret@proxy.example"}) as outgoing:
        with pytest.raises(SettingUnusableError) as raised:
            await get(outgoing, url)
        assert str(raised.value) == "all_proxy names a proxy of a kind that is not supported: ftp"


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
async def test_certificates_that_cannot_be_read_are_named_with_their_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)

    def create() -> ssl.SSLContext:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(httpx2, "create_ssl_context", create)
    outgoing = OutgoingTransport(LIMITS, environment={})
    with pytest.raises(SettingUnusableError) as raised:
        await get(outgoing, "https://shop.example/")
    assert str(raised.value) == "the certificates cannot be read: No such file or directory"
    monkeypatch.setenv(variable, str(tmp_path / "missing"))
    with pytest.raises(SettingUnusableError) as raised:
        await get(outgoing, "https://shop.example/")
    assert str(raised.value) == f"the certificates that {variable} names cannot be read: No such file or directory"
