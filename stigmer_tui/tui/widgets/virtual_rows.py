"""An outline as one long sequence of rows, drawn only where visible.

Heights of entries that were never visible are estimates for the scroll bar.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

from stigmer_tui.core.clock import Clock
from stigmer_tui.tui.render.blocks import Format
from stigmer_tui.tui.widgets.entry_view import EntryView
from stigmer_tui.tui.widgets.folds import Folds
from stigmer_tui.tui.widgets.heights import Heights
from stigmer_tui.workbench.entries import EntryKey
from stigmer_tui.workbench.outline import Changed, Edit, Inserted, Outline

MAX_VIEWS = 256
"""Entries that stay drawn, enough for a few windows."""

SAMPLE = 500
"""Entries whose heights are estimated one by one; of more at once only a sample of this size is."""


class RowPosition(NamedTuple):
    """The position of a row: entry, block, and row of the block."""

    key: EntryKey = b""
    piece: int = 0
    row: int = 0


class RowLine(NamedTuple):
    """A drawn row."""

    view: EntryView
    piece: int
    row: int

    @property
    def key(self) -> EntryKey:
        return self.view.entry.key

    @property
    def place(self) -> RowPosition:
        return RowPosition(self.key, self.piece, self.row)

    @property
    def is_gap(self) -> bool:
        """Whether it is the blank row above its entry."""
        return self.piece == 0 and self.row == 0 and self.view.entry.has_gap

    @property
    def is_last(self) -> bool:
        """Whether it is the last row of its entry."""
        heights = self.view.heights
        return self.row == heights[self.piece] - 1 and not any(heights[self.piece + 1 :])


class VirtualRows:
    def __init__(self, outline: Outline, form: Format, clock: Clock) -> None:
        self.outline = outline
        self.form = form
        self._clock = clock
        self._heights = Heights()
        self._folds = Folds(outline.closed)
        self._views: OrderedDict[EntryKey, EntryView] = OrderedDict()
        if len(outline):
            # Another instance has already consumed its changes.
            self._apply(Inserted(0, len(outline)))

    @property
    def height(self) -> int:
        """Estimated number of rows."""
        return self._heights.total

    @property
    def last_key(self) -> EntryKey | None:
        index = self._heights.previous_shown(len(self._heights) - 1)
        return None if index is None else self.outline.key(index)

    def update(self) -> bool:
        """Applies changes of the outline; returns whether there were any."""
        edits = self.outline.refresh()
        for edit in edits:
            self._apply(edit)
        if len(edits) > 1 and self._folds.hides_any:
            self._hide_and_show(min(edit.index for edit in edits))
        return bool(edits)

    def forget_drawn(self) -> None:
        self._views.clear()

    def view(self, key: EntryKey) -> EntryView:
        """The up-to-date view of an entry; unchanged blocks stay drawn."""
        entry = self.outline.entry(key)
        is_unfolded, now = self._folds.is_unfolded(entry), self._clock.now()
        view = self._views.get(key)
        if view is None:
            view = self._views[key] = EntryView(entry, is_unfolded, self.form, now)
            if len(self._views) > MAX_VIEWS:
                self._views.popitem(last=False)
        else:
            view.update(entry, is_unfolded, self.form, now)
            self._views.move_to_end(key)
        return view

    def down(self, place: RowPosition) -> Iterator[RowLine]:
        """The rows from a position on."""
        index = self._heights.next_shown(self.outline.index(place.key))
        while index is not None:
            view = self.view(self.outline.key(index))
            piece, row = place[1:] if view.entry.key == place.key else (0, 0)
            for number in range(min(piece, len(view.pieces) - 1), len(view.pieces)):
                count = len(view.draw(number).rows)
                for row_number in range(min(row, max(0, count - 1)), count):
                    yield RowLine(view, number, row_number)
                row = 0
            self.note_height(view)
            index = self._heights.next_shown(index + 1)

    def up(self, place: RowPosition | None) -> Iterator[RowLine]:
        """The rows above a position, or all of them, from the last one up."""
        end = len(self._heights) - 1 if place is None else self.outline.index(place.key)
        index = self._heights.previous_shown(end)
        while index is not None:
            view = self.view(self.outline.key(index))
            piece, row = len(view.pieces), 0
            if place is not None and view.entry.key == place.key:
                piece, row = min(place.piece, len(view.pieces) - 1), place.row
                yield from (RowLine(view, piece, number) for number in range(row - 1, -1, -1))
            for number in range(piece - 1, -1, -1):
                count = len(view.draw(number).rows)
                yield from (RowLine(view, number, row_number) for row_number in range(count - 1, -1, -1))
            self.note_height(view)
            index = self._heights.previous_shown(index - 1)

    def rows_of(self, key: EntryKey) -> Iterator[RowLine]:
        """The rows of one entry."""
        view = self.view(key)
        for piece in range(len(view.pieces)):
            yield from (RowLine(view, piece, row) for row in range(len(view.draw(piece).rows)))

    def note_height(self, view: EntryView) -> None:
        """Stores the height of a view as known by now."""
        index = self.outline.index(view.entry.key)
        if self._heights[index] != view.height:
            self._heights[index] = view.height

    def rows_above(self, line: RowLine) -> int:
        """Estimated number of rows above a row."""
        return self._heights.before(self.outline.index(line.key)) + sum(line.view.heights[: line.piece]) + line.row

    def place_at(self, row: int) -> RowPosition:
        """The position of a row by its estimated number, which must exist."""
        index, row = self._heights.at(row)
        view = self.view(self.outline.key(index))
        for piece, height in enumerate(view.heights):
            if row < height:
                return RowPosition(view.entry.key, piece, row)
            row -= height
        return RowPosition(view.entry.key, len(view.pieces) - 1)

    def next_key(self, key: EntryKey) -> EntryKey | None:
        """The key of the next visible entry."""
        index = self._heights.next_shown(self.outline.index(key) + 1)
        return None if index is None else self.outline.key(index)

    def previous_key(self, key: EntryKey) -> EntryKey | None:
        index = self._heights.previous_shown(self.outline.index(key) - 1)
        return None if index is None else self.outline.key(index)

    def shown_key(self, key: EntryKey) -> EntryKey:
        """The key itself, or that of what it is folded into."""
        index = self._heights.previous_shown(self.outline.index(key))
        return key if index is None else self.outline.key(index)

    def is_foldable(self, key: EntryKey) -> bool:
        """Whether the entry can be folded."""
        return self._folds.is_foldable(self.outline.entry(key))

    def toggle(self, key: EntryKey) -> None:
        """Folds or unfolds an entry; a group or a sub-agent hides or shows its content."""
        entry = self.outline.entry(key)
        self._folds.toggle(entry)
        if self._folds.has_content(entry):
            for index in range(self.outline.index(key) + 1, len(self.outline)):
                below = self.outline.key(index)
                if not below.startswith(key):
                    break
                self._heights[index] = self._guess(below)

    def _apply(self, edit: Edit) -> None:
        match edit:
            case Inserted(index, count) if count > SAMPLE and not self._folds.hides_any:
                sample = [self._guess(self.outline.key(i)) for i in range(index, index + count, count // SAMPLE)]
                self._heights.insert(index, [round(sum(sample) / len(sample))] * count)
            case Inserted(index, count):
                self._heights.insert(index, [self._guess(self.outline.key(i)) for i in range(index, index + count)])
            case Changed(index):
                self._heights[index] = self._guess(self.outline.key(index))

    def _hide_and_show(self, first: int) -> None:
        """Corrects what several edits have hidden or shown: the index of one is not that after those that follow it."""
        for index in range(first, len(self.outline)):
            key = self.outline.key(index)
            if (self._heights[index] == 0) != self._folds.hides(key):
                self._heights[index] = self._guess(key)

    def _guess(self, key: EntryKey) -> int:
        """Estimated rows of an entry; 0 if it is hidden."""
        if self._folds.hides(key):
            return 0
        length = self.outline.text_length(key)
        return 2 + length // self.form.width if length else 1
