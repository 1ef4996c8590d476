"""Point 37: what would be so the next time is not tried again, and is said in plain words."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.definition.specs import http, spec
from tests.workflow.world import Reported, World

AT_ONCE: list[float] = []
FIVE_TIMES = [1.0, 2.0, 4.0, 8.0]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None] | None]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Signed by nobody but itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )
    file = tmp_path / "certificate.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + signed.public_bytes(Encoding.PEM))
    return file


@asynccontextmanager
async def listening(serve: Serve, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a server on loopback."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def saying(answer: bytes) -> Serve:
    """Something to whoever says something."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        await writer.drain()
        writer.close()

    return serve


async def ask(world: World, uri: str) -> Reported:
    return await world.run(spec(http("h", uri)))


def lookups_fail_with(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise socket.gaierror(number, "a text of the system")

    monkeypatch.setattr(socket, "getaddrinfo", fail)


async def test_an_unknown_host(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lookups_fail_with(socket.EAI_NONAME, monkeypatch)
    reported = await ask(world, "http://shop.invalid/a")
    assert reported.error == "/h failed: GET shop.invalid/a: shop.invalid: there is no host with this name"
    assert world.clock.slept == AT_ONCE


async def test_a_name_that_cannot_be_looked_up_at_the_moment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lookups_fail_with(socket.EAI_AGAIN, monkeypatch)
    reported = await ask(world, "http://shop.invalid/a")
    assert "shop.invalid: its name cannot be looked up at the moment (5 attempts)" in reported.error
    assert world.clock.slept == FIVE_TIMES


async def test_a_certificate_that_is_not_trusted(world: World, certificate: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with listening(lambda reader, writer: writer.close(), context) as port:
        reported = await ask(world, f"https://localhost:{port}/a")
    assert reported.error.endswith("the certificate of localhost is not trusted: self-signed certificate")
    assert world.clock.slept == AT_ONCE


async def test_a_handshake_that_is_refused(world: World) -> None:
    alert = b"\x15\x03\x03\x00\x02\x02\x28"
    async with listening(saying(alert)) as port:
        reported = await ask(world, f"https://127.0.0.1:{port}/a")
    assert reported.error.startswith(f"/h failed: GET 127.0.0.1:{port}/a: no secure connection: ")
    assert "handshake failure" in reported.error
    assert world.clock.slept == AT_ONCE


async def test_no_tls_at_this_port(world: World) -> None:
    async with listening(saying(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        reported = await ask(world, f"https://127.0.0.1:{port}/a")
    assert reported.error.endswith("127.0.0.1 speaks no TLS at this port; is it http:// there?")
    assert world.clock.slept == AT_ONCE


async def test_what_is_not_http(world: World) -> None:
    async with listening(saying(b"SSH-2.0-a-secret-banner\r\n\r\n")) as port:
        reported = await ask(world, f"http://127.0.0.1:{port}/a")
    assert reported.error.endswith("the answer is not HTTP: illegal status line")
    assert world.clock.slept == AT_ONCE


async def test_a_connection_that_is_closed_may_go_well_the_next_time(world: World) -> None:
    async with listening(lambda reader, writer: writer.close()) as port:
        reported = await ask(world, f"http://127.0.0.1:{port}/a")
    assert reported.error.endswith("(5 attempts)")
    assert world.clock.slept == FIVE_TIMES
