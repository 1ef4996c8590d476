"""Lines of a difference, in the colours of what they are."""

from __future__ import annotations

from collections.abc import Iterable

from stigmer_tui.tui.render.styled_rows import Row, StyleRole
from stigmer_tui.workbench.differences import SIGNS, DifferenceLine, LineKind

ROLES = {
    LineKind.CONTEXT: StyleRole.TEXT,
    LineKind.ADDED: StyleRole.COMPLETED,
    LineKind.REMOVED: StyleRole.FAILED,
    LineKind.CHANGED: StyleRole.WAITING,
    LineKind.GAP: StyleRole.MUTED,
    LineKind.TITLE: StyleRole.STRONG,
}


def difference_rows(lines: Iterable[DifferenceLine]) -> list[Row]:
    return [Row(((f" {SIGNS[line.kind]}{line.text}", ROLES[line.kind]),)) for line in lines]
