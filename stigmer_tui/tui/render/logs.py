"""The rows of the log screen."""

from __future__ import annotations

from stigmer_tui.core.clock import parse_timestamp
from stigmer_tui.core.units import plural
from stigmer_tui.tui.log_view import LogView
from stigmer_tui.tui.render.cells import clean_lines, wrap
from stigmer_tui.tui.render.layout import joined, justified, muted, plain
from stigmer_tui.tui.render.styled_rows import Row, Span, StyleRole, text_of
from stigmer_tui.workbench.daemon_logs import LogLine

LEVEL_ROLES = {
    "debug": StyleRole.MUTED,
    "warning": StyleRole.WAITING,
    "error": StyleRole.FAILED,
    "critical": StyleRole.FAILED | StyleRole.STRONG,
}

LEVEL_WIDTH, COMPONENT_WIDTH = 9, 17

NOTHING_ABOUT_IT = (
    "No line about this run. Its beginning, its end and what goes wrong are logged; old lines make room for new ones. "
    "x shows all lines."
)

MAX_DETAIL_ROWS = 60
"""Of the selected line, with its trace."""


def log_header(view: LogView, width: int, ellipsis: str) -> Row:
    """What is shown: the choices, and how many lines match them."""
    wanted = view.wanted
    choices = joined(
        [
            ((" Logs", StyleRole.STRONG),),
            plain(wanted.component or "all processes"),
            plain(f"{wanted.level} and above" if wanted.level else "all levels"),
            plain(view.execution),
            plain(f"“{wanted.text}”" if wanted.text else ""),
        ]
    )
    count = plural(len(view.lines), "line")
    if len(view.lines) < view.count:
        count = f"{len(view.lines)} of {plural(view.count, 'line')}"
    following = (("following ", StyleRole.RUNNING),) if view.is_following else muted("not following ")
    return justified(choices, joined([muted(count), following]), width, ellipsis)


def no_line_rows(view: LogView, width: int) -> list[Row]:
    """Why there is no line."""
    if view.count:
        text = "No line matches"
    else:
        text = NOTHING_ABOUT_IT if view.execution else "No line yet: the daemon writes the first one when it starts"
    return [Row((*plain(" "), *part)) for part in wrap(muted(text), width - 2)]


def log_row(line: LogLine) -> Row:
    """A line in one row, which may be wider than the screen."""
    spans = [*_heading(line), *plain(clean_lines(line.message)[0])]
    if line.trace:
        spans += muted(f"  +{plural(len(line.trace.splitlines()), 'line')}")
    return Row((*plain(" "), *spans))


def detail_rows(line: LogLine, width: int) -> list[Row]:
    """The whole line, wrapped, with its trace and the execution that it is about."""
    heading = (*plain(" "), *_heading(line))
    margin = len(text_of(heading))
    rows = [
        Row((*(heading if number == 0 else plain(" " * margin)), *spans))
        for number, spans in enumerate(
            part for text in clean_lines(line.message) for part in wrap(plain(text), max(20, width - margin))
        )
    ]
    rows += [
        Row((*plain("     "), *part))
        for text in clean_lines(line.trace)
        if text
        for part in wrap(muted(text), width - 6)
    ]
    if line.execution:
        rows.append(Row((*plain(" " * margin), *muted(line.execution))))
    return rows[:MAX_DETAIL_ROWS]


def _heading(line: LogLine) -> list[Span]:
    moment = parse_timestamp(line.time)
    clock = moment.astimezone().strftime("%H:%M:%S.%f")[:-3] if moment else line.time
    role = LEVEL_ROLES.get(line.level, StyleRole.TEXT)
    return [
        (f"{clock}  ", StyleRole.MUTED),
        (f"{line.level:<{LEVEL_WIDTH}}", role),
        (f"{line.component:<{COMPONENT_WIDTH}}", StyleRole.NAME),
    ]
