"""Size limits: clients read messages of up to 4 MiB by default, and existing servers accept up to 10 MiB
(`docs/compatibility.md` 111).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from google.protobuf.message import Message
from grpc import StatusCode

from stigmer_tui.server.errors import ApiError

MIB = 1 << 20
MAX_REQUEST = 10 * MIB
MAX_STORED = 4 * MIB - (64 << 10)
"""Bytes of one resource; leaves room for what the server adds."""

Entry = TypeVar("Entry", bound=Message)


class Sized(Protocol):
    def ByteSize(self) -> int: ...  # noqa: N802 - protobuf's name


def check_request(message: Message) -> None:
    """Raises ApiError for a request that is too large."""
    if (size := message.ByteSize()) > MAX_REQUEST:
        raise ApiError(StatusCode.RESOURCE_EXHAUSTED, f"the message has {size / MIB:.1f} MiB; at most 10 are taken")


def check_stored(noun: str, message: Sized) -> None:
    """Raises ApiError for a resource that clients could not read back."""
    if (size := message.ByteSize()) > MAX_STORED:
        limit = f"at most {MAX_STORED / MIB:.1f} can be stored, for clients read no more"
        raise ApiError(StatusCode.INVALID_ARGUMENT, f"the {noun} has {size / MIB:.1f} MiB; {limit}")


def that_fit(entries: Iterable[Entry]) -> list[Entry]:
    """As many of the first entries as fit into one message, at least one."""
    fitting: list[Entry] = []
    room = MAX_STORED
    for entry in entries:
        room -= entry.ByteSize()
        if room < 0 and fitting:
            break
        fitting.append(entry)
    return fitting
