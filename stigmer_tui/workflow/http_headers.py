"""Headers that a workflow gives a request, as they can be sent."""

from __future__ import annotations

import re
from collections.abc import Mapping

import httpx2

from stigmer_tui.workflow.http_failures import HttpError

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
