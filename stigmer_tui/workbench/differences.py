"""How the code differs from what is deployed, resource by resource, as people read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from enum import StrEnum

ORPHANED = "orphaned"
"""What is done with a resource that only the server has: it stays, unless it is pruned."""


class LineKind(StrEnum):
    """What a line of a difference is."""

    CONTEXT = "context"
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    """Both sides of it stand in the line."""
    GAP = "gap"
    """Stands for unchanged lines that are left out."""
    TITLE = "title"
    """About the lines below it."""


SIGNS = {
    LineKind.CONTEXT: " ",
    LineKind.ADDED: "+",
    LineKind.REMOVED: "-",
    LineKind.CHANGED: "≠",
    LineKind.GAP: "⋮",
    LineKind.TITLE: "",
}
"""What stands before a line."""


@dataclass(frozen=True, slots=True)
class DifferenceLine:
    kind: LineKind
    text: str


@dataclass(frozen=True, slots=True)
class ResourceDifference:
    """What applying the project would change of one resource."""

    kind: str
    """As people call it, such as `workflow`."""
    slug: str
    action: str
    """`created`, `updated`, or `orphaned` for what only the server has."""
    what: tuple[str, ...] = ()
    """What an update changes, such as `instructions` or `task fetch`."""
    lines: tuple[DifferenceLine, ...] = ()

    @property
    def title(self) -> str:
        """`workflow tally · updated: task add`."""
        parts = f": {', '.join(self.what)}" if self.what else ""
        return f"{self.kind} {self.slug} · {self.action}{parts}"


ALL_DEPLOYED = "All that the project defines is deployed"
"""What is said where nothing differs."""


CONTEXT_LINES = 3
"""Unchanged lines before and after each change."""

_KINDS = {" ": LineKind.CONTEXT, "+": LineKind.ADDED, "-": LineKind.REMOVED}


def difference_lines(before: Sequence[str], after: Sequence[str]) -> Iterator[DifferenceLine]:
    """How one text became another, line by line."""
    # The first two lines name files, and the third a position, which what is compared here does not have.
    for index, line in enumerate(unified_diff(before, after, n=CONTEXT_LINES, lineterm="")):
        if line.startswith("@@"):
            if index > 2:
                yield DifferenceLine(LineKind.GAP, "")
        elif index > 1:
            yield DifferenceLine(_KINDS[line[0]], line[1:])


def lines_of(differences: Iterable[ResourceDifference]) -> Iterator[DifferenceLine]:
    """Each resource below its title, with a blank line after it."""
    for difference in differences:
        yield DifferenceLine(LineKind.TITLE, difference.title)
        yield from difference.lines
        yield DifferenceLine(LineKind.TITLE, "")
