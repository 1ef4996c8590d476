"""The content of HTTP messages: headers that can be sent, and answers whole, decoded, and as data."""

from __future__ import annotations

import codecs
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import httpx2

from stigmer_tui.core.units import size_text
from stigmer_tui.workflow.http_failures import HttpError
from stigmer_tui.workflow.json_text import read_json

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_OWN = {"content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade"}
"""What the client says of the connection and of the length itself, as it knows it better."""


def sendable(headers: Mapping[str, str]) -> httpx2.Headers:
    """Raises HttpError for what cannot be sent, without the value, which may be a secret."""
    pairs = []
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise HttpError(f"{name!r} is not a valid name of a header")
        value = value.strip(" \t")
        if found := _UNSENDABLE.search(value):
            what = "a line break" if found[0] in "\r\n" else "a character that is none"
            end = ", at its end" if found.end() == len(value) else ""
            raise HttpError(f"the header {name} cannot be sent: its value has {what} in it{end}")
        if name.lower() not in _OWN:
            pairs.append((name.encode(), value.encode()))
    return httpx2.Headers(pairs)


ACCEPTED = "gzip, deflate"
"""Encodings that are asked for, unless the request asks for others."""

_NOT_CHARSETS = {"undefined", "idna", "punycode", "unicode-escape", "raw-unicode-escape", "charmap", "mbcs", "oem"}
"""Codecs of Python that turn bytes into text, but that are no way to write text down."""

_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([A-Za-z0-9._:+-]{1,40})\s*["']?\s*(?:;|$)""", re.IGNORECASE)
_GZIP = b"\x1f\x8b"
_PIECE = 8192
"""Bytes that are decoded in one go, so that what follows the end is not copied again and again."""


class ContentError(Exception):
    """The text is for people."""


class CutOffError(ContentError):
    """A part is missing."""


def encodings_of(header: str, asked_for: str) -> Sequence[str]:
    """The encodings to undo, the last one first. Raises ContentError for one that was not asked for.

    The arguments are the Content-Encoding of the answer and the Accept-Encoding of the request.
    """
    names = [name.strip().lower().removeprefix("x-") for name in header.split(",")]
    # Some servers say the charset here, which changes nothing about the content.
    names = [name for name in names if name not in ("", "identity") and charset_named(name) is None]
    asked = {name.partition(";")[0].strip().lower().removeprefix("x-") for name in asked_for.split(",")}
    for name in names:
        if name not in asked and "*" not in asked:
            raise ContentError(f"the answer is encoded as {name[:40]}, which was not asked for")
        if name not in ("gzip", "deflate"):
            raise ContentError(f"the answer is encoded as {name[:40]}, which cannot be read; ask for gzip instead")
    return names[::-1]


def decoded(content: bytes, encodings: Sequence[str], limit: int) -> bytes:
    """Raises ContentError for what is not encoded as it says, is too large, or was cut off."""
    # An answer without content may name an encoding all the same.
    for encoding in encodings if content else ():
        content = _inflated(content, encoding, limit)
    return content


def _inflated(content: bytes, encoding: str, limit: int) -> bytes:
    window = 31 if encoding == "gzip" else 15 if _has_zlib_header(content) else -15
    whole, position, inflating = bytearray(), 0, zlib.decompressobj(window)
    while position < len(content):
        if inflating.eof:
            # There may be several in a row (RFC 1952, 2.2); whatever else follows is no part of it.
            if not content.startswith(_GZIP, position):
                break
            inflating = zlib.decompressobj(window)
        piece = content[position : position + _PIECE]
        try:
            whole += inflating.decompress(piece, limit + 1 - len(whole))
        except zlib.error as error:
            raise ContentError(f"the answer is not {encoding}, although it says so, or is damaged") from error
        if len(whole) > limit:
            raise ContentError(f"the answer is larger than {size_text(limit)}")
        position += len(piece) - len(inflating.unused_data)
    if not inflating.eof:
        raise CutOffError(f"the answer was cut off: its {encoding} data have no end")
    return bytes(whole)


def _has_zlib_header(content: bytes) -> bool:
    """Servers disagree on what deflate is: with the header of zlib (RFC 9110, 8.4.1.2) or without."""
    return len(content) > 1 and content[0] & 0x0F == 8 and int.from_bytes(content[:2]) % 31 == 0


def charset_named(name: str) -> str | None:
    """What Python calls the charset with this name; None where there is none."""
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    # What `bytes.decode` asks too: there are codecs for hex, base64, zlib and others.
    is_text = getattr(codec, "_is_text_encoding", True)
    return codec.name if is_text and codec.name not in _NOT_CHARSETS else None


def text_of(content: bytes, content_type: str) -> str:
    """In the declared charset; in UTF-8 where there is none, or where the content is UTF-8 and not what it says."""
    match = _CHARSET.search(content_type)
    declared = charset_named(match[1]) if match else None
    for charset in (declared or "utf-8", "utf-8"):
        try:
            return content.decode(charset)
        except UnicodeError:
            continue
    return content.decode(declared or "utf-8", "replace")


def data_of(content: bytes, content_type: str) -> Any:
    """The value of what is JSON, whatever its type says (`docs/compatibility.md` 54); else the text."""
    text = text_of(content, content_type)
    try:
        return read_json(text.removeprefix("\ufeff"))
    except ValueError:
        pass
    if not _CHARSET.search(content_type) and (found := json.detect_encoding(content)) != "utf-8":
        try:
            return read_json(content.decode(found))
        except ValueError:
            pass
    return text
