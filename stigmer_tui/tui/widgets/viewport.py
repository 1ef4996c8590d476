"""The visible part of an outline: its position and selection. Independent of Textual.

It is anchored to a row of an entry, so that nothing moves when something above changes.
"""

from __future__ import annotations

from itertools import islice

from stigmer_tui.core.clock import Clock
from stigmer_tui.tui.render.blocks import Format
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.widgets.virtual_rows import RowLine, RowPosition, VirtualRows
from stigmer_tui.workbench.entries import Entry, EntryKey, text_of
from stigmer_tui.workbench.outline import Outline

STEP = 3
"""Rows per step of the wheel, and of a move within an entry that is higher than the window."""


class Viewport:
    """A viewport on an outline, initially at its end."""

    def __init__(self, outline: Outline, clock: Clock, glyphs: Glyphs) -> None:
        self.lines: list[RowLine] = []
        self.selected: EntryKey | None = None
        self.is_following = True
        """Whether it stays at the end while the outline grows."""
        self._sheet = VirtualRows(outline, Format(1, glyphs), clock)
        self._height = 0
        self._top = RowPosition()

    @property
    def outline(self) -> Outline:
        return self._sheet.outline

    @property
    def selected_entry(self) -> Entry | None:
        return None if self.selected is None else self.outline.entry(self.selected)

    @property
    def is_foldable(self) -> bool:
        """Whether the selected entry can be folded."""
        return self.selected is not None and self._sheet.is_foldable(self.selected)

    @property
    def is_at_end(self) -> bool:
        return not self.lines or (self.lines[-1].key == self._sheet.last_key and self.lines[-1].is_last)

    @property
    def is_at_last(self) -> bool:
        """Whether the last entry is in sight, and no other one is selected."""
        return self.is_at_end and self.selected in (None, self._sheet.last_key)

    @property
    def is_running(self) -> bool:
        """Whether a visible entry shows a running time."""
        return any(line.view.is_running for line in self.lines)

    def update(self) -> bool:
        """Applies changes of the outline; returns whether there were any. At the end, the selection follows."""
        is_last_selected = self.selected is not None and self.selected == self._sheet.last_key
        if not self._sheet.update():
            return False
        if is_last_selected and self.is_following:
            self.selected = self._sheet.last_key
        self.lay_out()
        return True

    def resize(self, width: int, height: int) -> None:
        form = Format(max(1, width), self._sheet.form.glyphs)
        if (form, height) != (self._sheet.form, self._height):
            self._sheet.form, self._height = form, height
            self.lay_out()

    def redraw(self) -> None:
        """Discards everything drawn, after a change of colours."""
        self._sheet.forget_drawn()
        self.lay_out()

    def lay_out(self) -> None:
        """Computes the visible rows, and draws those that are new."""
        lines = [] if self.is_following else list(islice(self._sheet.down(self._top), self._height))
        if len(lines) < self._height:
            lines = list(islice(self._sheet.up(None), self._height))[::-1]
        self.lines = lines
        self._top = lines[0].place if lines else RowPosition()
        for line in (*lines[:1], *lines[-1:]):
            self._sheet.note_height(line.view)

    def thumb(self) -> tuple[int, int] | None:
        """First row and height of the scroll bar's thumb; None if everything is visible."""
        total = self._sheet.height
        if total <= self._height or not self.lines:
            return None
        size = max(1, self._height * self._height // total)
        room = self._height - size
        if self.is_at_end:
            return room, size
        above = self._sheet.rows_above(self.lines[0])
        # At the very ends only if the viewport is.
        return max(min(round(room * above / (total - self._height)), room - 1), min(above, 1)), size

    def scroll(self, rows: int) -> None:
        """Scrolls by rows, down or up; at the end it follows again."""
        if not self.lines:
            return
        lines = self._sheet.down(self._top) if rows > 0 else self._sheet.up(self._top)
        line = next(islice(lines, rows if rows > 0 else -rows - 1, None), None)
        if line is not None:
            self._move(line.place)
        elif rows > 0:
            self.scroll_to_end()
        else:
            self.scroll_to_start()

    def scroll_to_start(self) -> None:
        self._move(RowPosition())

    def scroll_to_end(self) -> None:
        self.is_following = True
        self.lay_out()

    def scroll_to(self, fraction: float) -> None:
        """Scrolls to a fraction between 0 (start) and 1 (end)."""
        if fraction >= 1:
            self.scroll_to_end()
        elif self._sheet.height > self._height:
            self._move(self._sheet.place_at(int(max(0.0, fraction) * (self._sheet.height - self._height))))

    def select_next(self) -> None:
        if not self._is_selection_visible:
            self._select_row(-1 if self.is_following else 0)
        elif self.selected == self.lines[-1].key and not self.lines[-1].is_last:
            self.scroll(STEP)
        elif self.selected is not None and (key := self._sheet.next_key(self.selected)) is not None:
            self._select(key)

    def select_previous(self) -> None:
        if not self._is_selection_visible:
            self._select_row(-1)
        elif self.selected == self.lines[0].key and self.lines[0].place != RowPosition(self.selected):
            self.scroll(-STEP)
        elif self.selected is not None and (key := self._sheet.previous_key(self.selected)) is not None:
            self._select(key)

    def select_first(self) -> None:
        if self.lines:
            self.scroll_to_start()
            self._select(self.lines[0].key)

    def select_last(self) -> None:
        self.selected = self._sheet.last_key
        self.scroll_to_end()

    def select_at(self, row: int) -> None:
        """Selects the entry at a row of the window."""
        if row < len(self.lines):
            self._select_row(row)

    def select_text(self, text: str) -> bool:
        """Selects the first entry with a text, whatever its case, or what this is folded into. False where there is
        none.
        """
        wanted = text.lower()
        for entry in self.outline if self.lines else ():
            if wanted in text_of(entry).lower():
                self._select(self._sheet.shown_key(entry.key))
                return True
        return False

    def toggle(self) -> None:
        """Folds or unfolds the selected entry, and keeps its first row in place if possible."""
        if self.selected is not None and self.is_foldable:
            self._sheet.toggle(self.selected)
            self.is_following = False
            self.lay_out()
            self._reveal(self.selected)

    @property
    def _is_selection_visible(self) -> bool:
        return any(line.key == self.selected for line in self.lines)

    def _move(self, place: RowPosition) -> None:
        self.is_following = False
        self._top = place
        self.lay_out()
        self.is_following = self.is_at_end

    def _select_row(self, row: int) -> None:
        if self.lines:
            self.selected = self.lines[row].key
            self.is_following = self.is_at_end and self.selected == self._sheet.last_key

    def _select(self, key: EntryKey) -> None:
        self.selected = key
        self.is_following = False
        self._reveal(key)

    def _reveal(self, key: EntryKey) -> None:
        """Scrolls just enough to see an entry, or the beginning of one that is too high."""
        rows = list(islice(self._sheet.rows_of(key), self._height))
        shown = [line.place for line in self.lines if line.key == key]
        if rows and self.lines:
            if key < self.lines[0].key or (shown and shown[0] != rows[0].place):
                self._top = RowPosition(key)
            elif len(shown) < len(rows):
                above = list(islice(self._sheet.up(RowPosition(key)), self._height - len(rows)))
                self._top = above[-1].place if above else RowPosition(key)
        self.lay_out()
        self.is_following = self.is_at_end and key == self._sheet.last_key
