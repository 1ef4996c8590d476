"""The forms in which a secret value may appear: plain, escaped and encoded, as programs and libraries write it."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote, quote_plus

MIN_LINE_LENGTH = 8
"""Characters. A line of a multi-line secret that is at least this long is a secret by itself."""

MIME_LINE = 76
"""Characters per line of the base64 command and of MIME."""

_UNESCAPED_IN_URLS = (
    "",  # urllib, and RFC 3986
    "/",  # urllib's default
    "!'()*",  # encodeURIComponent
    ";,/?:@&=+$!'()*#",  # encodeURI
    "!$&'()*+,;=:@/",  # a path, as most HTTP clients write it
    "!$&'()*+,;=:@/?",  # a query, likewise
    "!$%&()*+,-./:;=?@[\\]^_`{|}~",  # a query, as browsers write it
)
"""Characters that each URL encoder leaves alone, besides letters, digits and `-._~`."""


def forms(value: str) -> Iterator[str]:
    """All forms of a value. Some may be equal, and some too short to search for."""
    for text in {value, value.strip()}:
        yield from _texts(text)
        yield from _encoded(text.encode("utf-8", "surrogatepass"))
    lines = value.splitlines()
    if len(lines) > 1:
        for line in lines:
            if len(line.strip()) >= MIN_LINE_LENGTH:
                yield from _texts(line.strip())


def _texts(text: str) -> Iterator[str]:
    """Readable forms: plain and escaped."""
    yield text
    # Twice escaped: an error message quotes JSON, and a log line quotes the error message.
    for once in {escape(text) for escape in _ESCAPES}:
        yield once
        yield from (escape(once) for escape in _ESCAPES)
    yield from _bytes_repr(text)
    yield from (html.escape(text, quote=False), html.escape(text), html.escape(text).replace("&#x27;", "&#39;"))
    for safe in _UNESCAPED_IN_URLS:
        for encode in (quote, quote_plus):
            encoded = encode(text, safe=safe, errors="surrogatepass")
            yield encoded
            yield _lower_escapes(encoded)


def _encoded(data: bytes) -> Iterator[str]:
    yield data.hex()
    yield data.hex().upper()
    mime = base64.encodebytes(data).decode()
    yield mime.strip()
    yield mime.strip().replace("\n", "\r\n")
    if len(data) > MIME_LINE:
        yield from (line for line in mime.splitlines() if len(line) >= MIN_LINE_LENGTH)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(data).decode()
        # In base64 of a longer text, such as `user:secret`, a value starts at one of three offsets in a group of three
        # bytes, and the characters at its borders depend on its neighbours.
        for offset in range(3):
            encoded = encode(bytes(offset) + data).decode().rstrip("=")
            bits = (offset + len(data)) * 8
            yield encoded[-(-offset * 8 // 6) : bits // 6]


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _ascii_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _upper_json(text: str) -> str:
    """Like _ascii_json, with upper-case hexadecimal digits."""
    signs = map(_ascii_json, text)
    return "".join(sign.upper().replace("\\U", "\\u") if sign.startswith("\\u") else sign for sign in signs)


def _slashed_json(text: str) -> str:
    return _json(text).replace("/", "\\/")


def _html_json(text: str) -> str:
    """JSON that is safe within HTML."""
    return "".join(f"\\u{ord(sign):04x}" if sign in "<>&" else sign for sign in _json(text))


def _repr(text: str) -> str:
    """Python's `repr`, without the quotes."""
    return repr("'\"" + text)[4:-1]


def _double_quoted_repr(text: str) -> str:
    return _repr(text).replace("\\'", "'")


_ESCAPES: Iterable[Callable[[str], str]] = (
    _json,
    _ascii_json,
    _upper_json,
    _slashed_json,
    _html_json,
    _repr,
    _double_quoted_repr,
)


def _bytes_repr(text: str) -> Iterator[str]:
    written = repr(b"'\"" + text.encode("utf-8", "surrogatepass"))[5:-1]
    yield written
    yield written.replace("\\'", "'")


def _lower_escapes(encoded: str) -> str:
    pieces = encoded.split("%")
    return pieces[0] + "".join(f"%{piece[:2].lower()}{piece[2:]}" for piece in pieces[1:])
