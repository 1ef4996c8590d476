"""Which parts of an execution changed since a revision, so that a reader looks at those and at nothing else."""

from __future__ import annotations

from collections import OrderedDict
from enum import IntEnum, auto
from typing import NamedTuple

MAX_CHANGES = 4096
"""Parts. More than change between two frames at any rate that a person can follow; a reader further behind than
this looks at the whole execution once."""


class PartKind(IntEnum):
    EXECUTION = auto()
    """State, error, output and times of the execution itself."""
    MESSAGE = auto()
    CALL = auto()
    TASK = auto()
    CHILD = auto()


class Part(NamedTuple):
    kind: PartKind
    name: int | str
    """Index of a message, id of a call or a task; for a child, the id of its task."""


class ChangeLog:
    """The parts that changed lately, each once, in the order of their last changes."""

    def __init__(self) -> None:
        self._revisions: OrderedDict[Part, int] = OrderedDict()
        self._forgotten = 0

    def note(self, part: Part, revision: int) -> None:
        self._revisions[part] = revision
        self._revisions.move_to_end(part)
        if len(self._revisions) > MAX_CHANGES:
            _, self._forgotten = self._revisions.popitem(last=False)

    def since(self, revision: int) -> list[Part] | None:
        """What changed after a revision, the oldest change first; None when that is no longer known."""
        if revision < self._forgotten:
            return None
        found = []
        for part, changed in reversed(self._revisions.items()):
            if changed <= revision:
                break
            found.append(part)
        found.reverse()
        return found
