"""The signs that the screen is drawn with, for terminals with Unicode and for those without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stigmer_tui.tui.render.ink import Ink
from stigmer_tui.workbench.model import State


@dataclass(frozen=True, slots=True)
class Glyphs:
    states: Mapping[State, str]
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
    thumb: str
    """The part of a scroll bar that shows where one is."""


UNICODE = Glyphs(
    states={
        State.PENDING: "·",
        State.RUNNING: "▸",
        State.WAITING: "◔",
        State.COMPLETED: "✓",
        State.FAILED: "✗",
        State.CANCELLED: "⊘",
        State.SKIPPED: "↷",
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
    thumb="▐",
)

ASCII = Glyphs(
    states={
        State.PENDING: ".",
        State.RUNNING: ">",
        State.WAITING: "=",
        State.COMPLETED: "+",
        State.FAILED: "x",
        State.CANCELLED: "/",
        State.SKIPPED: "-",
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
    thumb="#",
)

STATE_INKS: Mapping[State, Ink] = {
    State.PENDING: Ink.MUTED,
    State.RUNNING: Ink.RUNNING,
    State.WAITING: Ink.WAITING,
    State.COMPLETED: Ink.COMPLETED,
    State.FAILED: Ink.FAILED,
    State.CANCELLED: Ink.MUTED,
    State.SKIPPED: Ink.MUTED,
}


def glyphs_for(encoding: str) -> Glyphs:
    """Those that a terminal with this encoding can show."""
    try:
        "".join((*UNICODE.states.values(), UNICODE.bar, UNICODE.selection, UNICODE.thumb)).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE
