"""Places in a sequence that stay the same whatever is added to it."""

from __future__ import annotations

import struct

EntryKey = bytes
"""A number of four bytes for each level, so that keys sort as what they name stands, and the key of a thing begins
with the key of the thing around it."""

LEVEL = 4
"""Bytes of each number."""

LAST = 2**32 - 1
"""The number of whatever stands at the end."""

_FORMATS = (">", ">I", ">2I", ">3I")


def key_of(*numbers: int) -> EntryKey:
    return struct.pack(_FORMATS[len(numbers)], *numbers)


def numbers_of(key: EntryKey) -> tuple[int, ...]:
    return struct.unpack(f">{level(key)}I", key)


def level(key: EntryKey) -> int:
    return len(key) // LEVEL


def parent_of(key: EntryKey) -> EntryKey:
    """The key of the thing around; empty at the top."""
    return key[:-LEVEL]
