"""A named server by TLS: what is wrong is a sentence of its own, each with what to do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc.aio
import pytest

from stigmer_tui.client.connection import Connection
from stigmer_tui.client.endpoint import Endpoint
from stigmer_tui.core.errors import StigmerError
from tests.certificates import Authority, Signed


class Server(grpc.GenericRpcHandler):
    """Refuses every call, after it has looked at the token."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        async def answer(request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
            has_token = ("authorization", "Bearer right") in (context.invocation_metadata() or ())
            code = grpc.StatusCode.NOT_FOUND if has_token else grpc.StatusCode.UNAUTHENTICATED
            await context.abort(code, "no")

        return grpc.unary_unary_rpc_method_handler(answer)


@asynccontextmanager
async def serving(signed: Signed | None) -> AsyncIterator[str]:
    """The address, at 127.0.0.1; plaintext for None."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers([Server()])
    if signed:
        credentials = grpc.ssl_server_credentials([(signed.key, signed.certificate)])
        port = server.add_secure_port("127.0.0.1:0", credentials)
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)


async def check(endpoint: Endpoint) -> str:
    """What is said against it; empty for nothing."""

    async def locate() -> Endpoint:
        return endpoint

    connection = Connection(locate)
    try:
        await connection.check()
    except StigmerError as error:
        return str(error)
    finally:
        await connection.close()
    return ""


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def ca(tmp_path: Path, authority: Authority) -> Path:
    path = tmp_path / "ca.pem"
    path.write_bytes(authority.certificate)
    return path


def named(address: str, ca: Path | None, token: str = "right", tls: bool = True) -> Endpoint:
    return Endpoint(address, token, is_ours=False, tls=tls, ca=ca, context="far")


async def test_a_server_is_reached_by_tls_with_its_token(ca: Path, authority: Authority) -> None:
    async with serving(authority.sign("127.0.0.1")) as address:
        assert await check(named(address, ca)) == ""


@pytest.mark.parametrize(("token", "expected"), [("wrong", "wrong or has expired"), ("", "the context far has none")])
async def test_the_token(ca: Path, authority: Authority, token: str, expected: str) -> None:
    async with serving(authority.sign("127.0.0.1")) as address:
        problem = await check(named(address, ca, token))
    assert expected in problem
    assert "stigmer-tui context set far --token" in problem


async def test_an_authority_that_is_not_trusted(authority: Authority) -> None:
    async with serving(authority.sign("127.0.0.1")) as address:
        problem = await check(named(address, None))
    assert "is not trusted" in problem
    assert "stigmer-tui context set far --ca FILE" in problem


async def test_a_certificate_for_another_name(ca: Path, authority: Authority) -> None:
    async with serving(authority.sign("stigmer.example")) as address:
        assert "is for another name" in await check(named(address, ca))


async def test_a_certificate_that_has_expired(ca: Path, authority: Authority) -> None:
    async with serving(authority.sign("127.0.0.1", expired=True)) as address:
        assert "has expired" in await check(named(address, ca))


async def test_tls_at_a_plaintext_port(ca: Path) -> None:
    async with serving(None) as address:
        assert "does not speak TLS" in await check(named(address, ca))


async def test_plaintext_at_a_tls_port(authority: Authority) -> None:
    async with serving(authority.sign("127.0.0.1")) as address:
        problem = await check(named(address, None, tls=False))
    assert "speaks TLS, and it was called without" in problem
    assert f"stigmer-tui context set far --server {address} --tls" in problem


async def test_nobody_is_there(ca: Path) -> None:
    async with serving(None) as address:
        pass
    assert f"Cannot reach the server at {address}" in await check(named(address, ca))


@pytest.mark.parametrize(("content", "expected"), [(None, "Cannot read the CA file"), ("x", "holds no certificates")])
async def test_a_useless_ca_file(tmp_path: Path, content: str | None, expected: str) -> None:
    path = tmp_path / "mine.pem"
    if content:
        path.write_text(content)
    assert expected in await check(named("127.0.0.1:1", path))
