"""The rows of the screen that shows what a model was asked."""

from __future__ import annotations

from collections.abc import Iterable

from stigmer_tui.core.shortening import without_middle
from stigmer_tui.core.units import count_text
from stigmer_tui.tui.render.cells import clean_lines, one_line, wrap
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.layout import joined, justified, muted, plain
from stigmer_tui.tui.render.styled_rows import EMPTY_ROW, Row, Span, StyleRole
from stigmer_tui.workbench.model_requests import RequestName, Section, SentRequest, context_shares
from stigmer_tui.workbench.usage import Usage, usage_sentence

MAX_TEXT = 8_000
"""Characters of a section; the middle of a longer one is left out. All of it is in the command that is copied."""

METER_WIDTH = 30

METER_ROLES = {
    "instructions": StyleRole.NUMBER,
    "tools": StyleRole.KEYWORD,
    "skills": StyleRole.LINK,
    "history": StyleRole.RUNNING,
    "results": StyleRole.TEXT_VALUE,
}


def request_header(name: RequestName, place: int, count: int, width: int, ellipsis: str) -> Row:
    """Which request it is of those of the run, who asked which model, and when."""
    call = name.call
    asked = joined(
        [
            ((" Request", StyleRole.STRONG), *plain(f" {place} of {count}")),
            plain(one_line(name.agent)),
            plain(one_line(call.model)),
        ]
    )
    at = f"{call.asked_at.astimezone():%H:%M:%S}" if call.asked_at else ""
    return justified(asked, joined([muted(usage_sentence(Usage((call,)))), muted(f"{at} ")]), width, ellipsis)


def meter_row(request: SentRequest, glyphs: Glyphs) -> Row:
    """`ctx 41 %  ▇▇▇ instructions 30 %  ▇ tools 9 %`: how full the context of the model is, and what fills it."""
    share = Usage((request.call,)).context_share
    spans: list[Span] = [(f" ctx {round(100 * share)} %" if share is not None else " filled by", StyleRole.STRONG)]
    for name, percent in context_shares(request.body).items():
        bar = glyphs.meter * max(1, round(METER_WIDTH * percent / 100))
        spans += [(f"  {bar}", METER_ROLES[name]), (f" {name} {percent} %", StyleRole.MUTED)]
    return Row(tuple(spans))


def section_rows(section: Section, width: int, glyphs: Glyphs) -> list[Row]:
    """The title, what stands there, and a blank row."""
    role = StyleRole.RUNNING if section.is_new else StyleRole.MUTED
    rows = [Row(((f" {one_line(section.title)}", role | StyleRole.STRONG), *muted("  new" * section.is_new)))]
    text = without_middle(section.text, MAX_TEXT, lambda left_out: f"\n… {count_text(left_out)} characters …\n")
    rows += _text_rows(clean_lines(text), width, (f" {glyphs.bar} ", role))
    return [*rows, EMPTY_ROW]


def _text_rows(lines: Iterable[str], width: int, margin: Span) -> list[Row]:
    room = max(1, width - len(margin[0]) - 1)
    return [Row((margin, *part)) for line in lines for part in wrap(plain(line), room)]
