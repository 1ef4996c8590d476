"""Ids of resources (a prefix for the kind and a lower-case ULID, https://github.com/ulid/spec), and slugs."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from enum import StrEnum

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class Prefix(StrEnum):
    AGENT = "agt"
    AGENT_EXECUTION = "agx"
    AGENT_INSTANCE = "ain"
    ENVIRONMENT = "env"
    EXECUTION_CONTEXT = "exec"
    SESSION = "ses"
    SKILL = "skl"
    WORKFLOW = "wf"
    WORKFLOW_EXECUTION = "wfx"
    WORKFLOW_INSTANCE = "win"


TASK_PREFIX = "task:"
"""Of what stands in place of the id of an agent, where a coding agent of others works on a task: then its name."""

EXECUTIONS = (Prefix.AGENT_EXECUTION, Prefix.WORKFLOW_EXECUTION)

EXISTING_PREFIXES = {prefix.value: prefix for prefix in Prefix} | {
    "aex": Prefix.AGENT_EXECUTION,
    "wex": Prefix.WORKFLOW_EXECUTION,
    "wfl": Prefix.WORKFLOW,
}
"""Prefixes by kind, including those that only existing servers use (`docs/compatibility.md` 113–117)."""

_ID = re.compile(rf"({'|'.join(EXISTING_PREFIXES)})[-_]([{ALPHABET}]{{26}})", re.IGNORECASE)


class IdSource:
    """Makes ids that sort by creation time, also within a millisecond."""

    def __init__(self, milliseconds: Callable[[], int], entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._milliseconds = milliseconds
        self._entropy = entropy
        self._lock = threading.Lock()
        self._last = 0

    def new(self, prefix: Prefix) -> str:
        return f"{prefix}_{self.ulid()}"

    def ulid(self) -> str:
        value = self._milliseconds() << 80 | int.from_bytes(self._entropy(10), "big")
        with self._lock:
            if value <= self._last:
                value = self._last + 1
            self._last = value
        return _written(value)


def first_ulid(milliseconds: int) -> str:
    """No ULID of this moment or of a later one sorts before it."""
    return _written(milliseconds << 80)


def _written(value: int) -> str:
    return "".join(ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))


def find_ids(text: str) -> Iterator[tuple[str, Prefix]]:
    """The ids in a text, with their kinds."""
    for found in _ID.finditer(text):
        yield found[0], EXISTING_PREFIXES[found[1].lower()]


def find_execution(text: str) -> str:
    """The first id of an execution in a text; empty for none."""
    return next((found for found, prefix in find_ids(text) if prefix in EXECUTIONS), "")


def parse_id(text: str) -> tuple[Prefix, str] | None:
    """Kind and ULID of an id, in our form or in that of existing servers (`wfl-…`). None for any other text."""
    match = _ID.fullmatch(text.strip())
    if match is None:
        return None
    return EXISTING_PREFIXES[match[1].lower()], match[2].lower()


def canonical_id(text: str) -> str:
    """The id in our form; any other text is returned unchanged."""
    parsed = parse_id(text)
    return f"{parsed[0]}_{parsed[1]}" if parsed else text


def shorten_id(text: str) -> str:
    """A short form of an id, such as `wfx_…7f3k`."""
    prefix, separator, rest = text.partition("_")
    return f"{prefix}_…{rest[-4:]}" if separator and len(rest) > 8 else text


_DROPPED = re.compile(r"[^a-z0-9-]")
_HYPHENS = re.compile(r"-{2,}")


def slug_of(name: str) -> str:
    """The slug of a name: lower case, hyphens for blanks, only ASCII letters, digits and hyphens. May be empty."""
    text = _DROPPED.sub("", name.lower().replace(" ", "-"))
    return _HYPHENS.sub("-", text).strip("-")
