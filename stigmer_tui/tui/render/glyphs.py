"""The glyphs of the screen, for terminals with and without Unicode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stigmer_tui.tui.render.styled_rows import StyleRole
from stigmer_tui.workbench.model import RunState


@dataclass(frozen=True, slots=True)
class Glyphs:
    states: Mapping[RunState, str]
    bar: str
    """Down the left of what was said."""
    selection: str
    cursor: str
    """At the end of a text that grows."""
    ellipsis: str
    bullet: str
    rule: str
    quote: str
    folded: str
    unfolded: str
    meter: str
    """A part of what fills something."""
    thumb: str
    """The part of a scroll bar that shows where one is."""


UNICODE = Glyphs(
    states={
        RunState.PENDING: "·",
        RunState.RUNNING: "▸",
        RunState.WAITING: "◔",
        RunState.COMPLETED: "✓",
        RunState.FAILED: "✗",
        RunState.CANCELLED: "⊘",
        RunState.SKIPPED: "↷",
    },
    bar="┃",
    selection="▌",
    cursor="▌",
    ellipsis="…",
    bullet="•",
    rule="─",
    quote="│",
    folded="+",
    unfolded="−",
    meter="▇",
    thumb="▐",
)

ASCII = Glyphs(
    states={
        RunState.PENDING: ".",
        RunState.RUNNING: ">",
        RunState.WAITING: "=",
        RunState.COMPLETED: "+",
        RunState.FAILED: "x",
        RunState.CANCELLED: "/",
        RunState.SKIPPED: "-",
    },
    bar="|",
    selection="#",
    cursor="_",
    ellipsis="...",
    bullet="*",
    rule="-",
    quote=":",
    folded="+",
    unfolded="-",
    meter="#",
    thumb="#",
)

STATE_ROLES: Mapping[RunState, StyleRole] = {
    RunState.PENDING: StyleRole.MUTED,
    RunState.RUNNING: StyleRole.RUNNING,
    RunState.WAITING: StyleRole.WAITING,
    RunState.COMPLETED: StyleRole.COMPLETED,
    RunState.FAILED: StyleRole.FAILED,
    RunState.CANCELLED: StyleRole.MUTED,
    RunState.SKIPPED: StyleRole.MUTED,
}


def glyphs_for(encoding: str) -> Glyphs:
    """The glyphs for a terminal with this encoding."""
    try:
        "".join((*UNICODE.states.values(), UNICODE.bar, UNICODE.selection, UNICODE.thumb)).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE
