"""Notices above the footer, which cover nothing; further ones wait."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from functools import partial

from stigmer_tui.core.units import plural
from stigmer_tui.tui.render.cells import clean_lines, wrap
from stigmer_tui.tui.render.layout import muted, plain
from stigmer_tui.tui.render.styled_rows import Row, StyleRole
from stigmer_tui.tui.widgets.themed_widget import RowPanel
from stigmer_tui.workbench.state import Level, Notice

MAX_SHOWN = 3
"""Notices at a time."""

MAX_ROWS = 3
"""Rows of one notice; the list of notices shows all of it."""

SECONDS = {Level.INFORMATION: 4.0, Level.WARNING: 8.0, Level.ERROR: 12.0}
"""Seconds for which a notice is shown."""

SECONDS_OF_MANY = 3.0
"""Seconds for which a notice is shown while others wait."""

INKS = {Level.INFORMATION: StyleRole.RUNNING, Level.WARNING: StyleRole.WAITING, Level.ERROR: StyleRole.FAILED}


class NoticeArea(RowPanel):
    """As high as its content; a click dismisses the shown notices."""

    def on_mount(self) -> None:
        self._waiting: deque[Notice] = deque()
        self._shown: list[Notice] = []
        self.display = False

    def add(self, notices: Iterable[Notice]) -> None:
        self._waiting.extend(notices)
        self._fill()

    def on_resize(self) -> None:
        self._draw()

    def on_click(self) -> None:
        self._shown.clear()
        self._fill()

    def _fill(self) -> None:
        while self._waiting and len(self._shown) < MAX_SHOWN:
            notice = self._waiting.popleft()
            self._shown.append(notice)
            seconds = SECONDS_OF_MANY if self._waiting else SECONDS[notice.level]
            self.set_timer(seconds, partial(self._expire, notice))
        self._draw()

    def _expire(self, notice: Notice) -> None:
        if notice in self._shown:
            self._shown.remove(notice)
            self._fill()

    def _draw(self) -> None:
        width = self.size.width or self.app.size.width
        rows = [row for notice in self._shown for row in self._rows(notice, width)]
        if self._waiting:
            rows.append(Row(muted(f"  {plural(len(self._waiting), 'more notice')} · ctrl+p Notices")))
        self.display = bool(rows)
        self.styles.height = len(rows)
        self.show(rows)

    def _rows(self, notice: Notice, width: int) -> list[Row]:
        """The rows of a notice, cut to MAX_ROWS."""
        lines = [line for line in clean_lines(notice.text) if line.strip()]
        texts = [spans for line in lines for spans in wrap(plain(line), max(1, width - 3))]
        if len(texts) > MAX_ROWS:
            texts[MAX_ROWS - 1] = (*texts[MAX_ROWS - 1], (f" {self.glyphs.ellipsis}", StyleRole.MUTED))
        bar = (f"{self.glyphs.selection} ", INKS[notice.level])
        return [Row((bar, *spans)) for spans in texts[:MAX_ROWS]]
