"""Point 34: HTTP calls of workflows go through the proxy that the environment names, and say so when they fail."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from stigmer_tui.workflow.http_client import HttpClient
from stigmer_tui.workflow.http_failures import HttpError
from stigmer_tui.workflow.port import HttpRequest
from tests.workflow.http_server import HttpServer, Reply, http_server
from tests.workflow.world import SSL_CONTEXT

PLACE = "http://shop.example/orders"


def request(uri: str) -> HttpRequest:
    return HttpRequest(method="GET", uri=uri, headers={}, body=None, timeout=10)


@pytest.fixture
async def proxy() -> AsyncIterator[HttpServer]:
    async with http_server() as server:
        server.replies(Reply(200, "from afar"))
        yield server


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"])
async def test_a_call_goes_through_the_proxy_of_the_environment(proxy: HttpServer, variable: str) -> None:
    # Without its scheme, as people write it too.
    client = HttpClient(SSL_CONTEXT, {variable: proxy.url.removeprefix("http://")})
    assert (await client.send(request(PLACE))).data == "from afar"
    assert [asked.target for asked in proxy.asked] == [PLACE]
    await client.close()


async def test_a_socks_proxy_is_one_too() -> None:
    asked = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """RFC 1928: no authentication, then one connection, which is answered here."""
        await reader.readexactly(3)
        writer.write(b"\x05\x00")
        await reader.readexactly(4)
        asked.append(await reader.readexactly((await reader.readexactly(1))[0]))
        await reader.readexactly(2)
        writer.write(b"\x05\x00\x00\x01" + bytes(6))
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfrom afar")
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = HttpClient(SSL_CONTEXT, {"all_proxy": f"socks5h://127.0.0.1:{listener.sockets[0].getsockname()[1]}"})
    assert (await client.send(request(PLACE))).data == "from afar"
    assert asked == [b"shop.example"]
    await client.close()
    listener.close()


async def test_this_machine_is_asked_straight(proxy: HttpServer) -> None:
    client = HttpClient(SSL_CONTEXT, {"http_proxy": "http://127.0.0.1:1", "all_proxy": "nonsense://"})
    assert (await client.send(request(f"{proxy.url}/here"))).data == "from afar"
    await client.close()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("127.0.0.1:1", "connection refused, through the proxy that HTTP_PROXY names"),
        ("socks4://bob:pw@127.0.0.1:1", "HTTP_PROXY names a proxy of a kind that is not supported: socks4"),
        ("http://host:port", "HTTP_PROXY does not hold the address of a proxy"),
        ("a b", "HTTP_PROXY does not hold the address of a proxy"),
    ],
)
async def test_a_call_that_fails_names_the_variable(value: str, message: str) -> None:
    client = HttpClient(SSL_CONTEXT, {"HTTP_PROXY": value})
    with pytest.raises(HttpError) as failure:
        await client.send(request(PLACE))
    assert failure.value.failure.message == message
    await client.close()


async def test_a_proxy_that_refuses_is_named(proxy: HttpServer) -> None:
    proxy.replies(Reply(407))
    client = HttpClient(SSL_CONTEXT, {"http_proxy": proxy.url, "https_proxy": proxy.url})
    for place in (PLACE, "https://shop.example/"):
        with pytest.raises(HttpError) as failure:
            await client.send(request(place))
        assert re.search(r"407 .*through the proxy that https?_proxy names", failure.value.failure.message)
    await client.close()


async def test_certificates_that_are_not_there_fail_only_the_calls_that_need_them(
    proxy: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    client = HttpClient(environment={})
    assert (await client.send(request(proxy.url))).data == "from afar"
    with pytest.raises(HttpError) as failure:
        await client.send(request("https://127.0.0.1:1"))
    assert failure.value.failure.message.startswith("the certificates that SSL_CERT_FILE names cannot be read: ")
    await client.close()
