"""Point 37: bodies, whatever their charset and encoding; and half of one is an error (point 35)."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from stigmer_tui.workflow.http_content import ContentError, charset_named, decoded
from tests.definition.specs import http, set_, spec
from tests.workflow.http_server import HttpServer, Reply
from tests.workflow.world import World

zipped = partial(gzip.compress, mtime=0)

TEXT = "grün ist die Hoffnung. " * 40
JSON = '{"farbe": "grün"}'
DATA = {"farbe": "grün"}
RAW = zlib.compressobj(wbits=-15)
RAW_DEFLATE = RAW.compress(TEXT.encode()) + RAW.flush()


def typed(content_type: str) -> dict[str, str]:
    return {"Content-Type": content_type}


@pytest.mark.parametrize(
    "name", ["undefined", "hex", "base64", "idna", "punycode", "rot13", "unicode_escape", "no", ""]
)
async def test_what_is_no_charset_is_utf_8(name: str, world: World, server: HttpServer) -> None:
    server.replies(Reply(200, TEXT, typed(f"text/plain; charset={name}")))
    assert await value(world, server) == TEXT


@pytest.mark.parametrize(
    ("content_type", "content", "found"),
    [
        ("application/json; charset=iso-8859-1", JSON.encode("latin-1"), DATA),
        ("application/json; charset=utf-16", JSON.encode("utf-16"), DATA),
        ("application/json; charset=UTF-8", b"\xef\xbb\xbf" + JSON.encode(), DATA),
        ("application/json", JSON.encode("utf-16"), DATA),
        ("application/json", JSON.encode("utf-32-be"), DATA),
        ("application/json; charset=shift_jis", '"色"'.encode("shift_jis"), "色"),
        ('text/plain; charset="windows-1252"; format=flowed', "5 €".encode("cp1252"), "5 €"),
        ("text/plain; charset=gbk", "绿".encode("gbk"), "绿"),
        # From reports of other clients: two charsets, one that is not true, one misspelt.
        ("text/html; charset=utf-8,gbk", "grün".encode(), "grün"),
        ("text/xml; charset=utf-8,charset=utf-8", "grün".encode(), "grün"),
        ("application/json; charset=us-ascii", JSON.encode(), DATA),
        ("text/plain; charset=uft-8", "grün".encode(), "grün"),
        ("text/plain; charset=ascii", b"gr\xfcn", "gr\ufffdn"),
        (f"text/plain; charset={'x' * 4000}", b"a", "a"),
        ("text/plain; charset=\xfc", b"a", "a"),
    ],
)
async def test_a_charset_is_honoured(
    content_type: str, content: bytes, found: Any, world: World, server: HttpServer
) -> None:
    server.replies(Reply(200, content, typed(content_type)))
    assert await value(world, server) == found


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("gzip", zipped(TEXT.encode())),
        ("X-GZIP", zipped(TEXT.encode())),
        ("gzip", zipped(TEXT[:100].encode()) + zipped(TEXT[100:].encode())),
        ("gzip", zipped(TEXT.encode()) + b"\0" * 20),
        ("deflate", zlib.compress(TEXT.encode())),
        ("deflate", RAW_DEFLATE),
        ("deflate, gzip", zipped(zlib.compress(TEXT.encode()))),
        ("identity", TEXT.encode()),
        ("", TEXT.encode()),
        # Servers that mean the charset.
        ("UTF-8", TEXT.encode()),
    ],
)
async def test_an_encoding_is_undone(encoding: str, content: bytes, world: World, server: HttpServer) -> None:
    server.replies(Reply(200, content, {"Content-Encoding": encoding}))
    assert await value(world, server) == TEXT
    assert server.asked[0].headers["accept-encoding"] == "gzip, deflate"


async def test_no_content_needs_no_encoding(world: World, server: HttpServer) -> None:
    server.replies(Reply(204, "", {"Content-Encoding": "gzip"}))
    assert await value(world, server) == ""


@pytest.mark.parametrize(
    ("headers", "encoding", "content", "error"),
    [
        ({}, "br", b"\x0b\x02\x80", "the answer is encoded as br, which was not asked for"),
        ({}, "zstd", b"(\xb5/\xfd", "the answer is encoded as zstd, which was not asked for"),
        ({"Accept-Encoding": "identity"}, "gzip", b"x", "the answer is encoded as gzip, which was not asked for"),
        (
            {"accept-encoding": "br;q=1, *"},
            "br",
            b"x",
            "encoded as br, which cannot be read; ask for gzip",
        ),
        ({}, "gzip", b"not gzip", "the answer is not gzip, although it says so, or is damaged"),
        ({}, "gzip", zipped(b"a")[:-8] + bytes(8), "the answer is not gzip, although it says so, or is damaged"),
    ],
)
async def test_an_encoding_that_cannot_be_undone_is_an_error_at_once(
    headers: Mapping[str, str], encoding: str, content: bytes, error: str, world: World, server: HttpServer
) -> None:
    server.replies(Reply(200, content, {"Content-Encoding": encoding}))
    reported = await world.run(spec(http("h", server.url, headers=dict(headers))))
    assert error in reported.error
    assert (len(server.asked), world.clock.slept) == (1, [])


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, zipped(TEXT.encode())[:-20], {"Content-Encoding": "gzip"}),
        Reply(200, zipped(TEXT.encode())[:-1], {"Content-Encoding": "gzip"}),
        Reply(200, zipped(b"a") + zipped(b"b")[:12], {"Content-Encoding": "gzip"}),
        Reply(200, zlib.compress(TEXT.encode())[:-20], {"Content-Encoding": "deflate"}),
        Reply(200, RAW_DEFLATE[:-20], {"Content-Encoding": "deflate"}),
        Reply(200, TEXT, {"Content-Length": "5000"}, closes=True),
        Reply(200, b"5\r\nhalf", {"Transfer-Encoding": "chunked", "Content-Length": ""}, closes=True),
    ],
)
async def test_half_an_answer_is_asked_for_again(reply: Reply, world: World, server: HttpServer) -> None:
    """Point 35: and it is an error where it stays half."""
    server.replies(reply, Reply(200, "whole"))
    assert await value(world, server) == "whole"
    world.renew("again.db")
    server.replies(reply)
    reported = await world.run(spec(http("h", server.url)))
    assert "the answer was cut off: " in reported.error
    assert reported.error.endswith("(5 attempts)")


async def test_an_error_that_cannot_be_decoded_is_still_that_error(world: World, server: HttpServer) -> None:
    server.replies(Reply(404, "nothing", {"Content-Encoding": "br"}))
    assert (await world.run(spec(http("h", server.url)))).error.endswith("answered 404 Status 404")


def test_what_is_small_on_the_wire_may_be_too_large() -> None:
    bomb = zipped(zipped(bytes(50_000_000)))
    with pytest.raises(ContentError, match=r"larger than 1\.0 kB"):
        decoded(bomb, ["gzip", "gzip"], 1000)
    assert decoded(zipped(b"") * 5000 + zipped(b"a"), ["gzip"], 1000) == b"a"


def test_charsets_by_their_names() -> None:
    assert charset_named("Latin1") == "iso8859-1"
    assert {charset_named(name) for name in ("utf8", "UTF-8", "cp65001")} <= {"utf-8"}
    assert charset_named("zlib") is charset_named("a\0b") is charset_named("aliases") is None


async def value(world: World, server: HttpServer) -> Any:
    reported = await world.run(spec(http("h", server.url), set_("s", v="${ $data.h }")))
    assert reported.error == ""
    return reported.output["v"]
