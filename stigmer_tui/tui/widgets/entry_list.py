"""The heart of the execution pane: a list of entries of any length, live, in one widget.

It owns its scroll offset and overrides `render_lines`: a new entry costs no layout, and a frame costs what is in the
window. Of a frame only the rows that differ from the one before are painted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer

from stigmer_tui.core.clock import Clock, SystemClock
from stigmer_tui.tui.commands import Place, bindings
from stigmer_tui.tui.render.glyphs import UNICODE, Glyphs
from stigmer_tui.tui.render.palette import RowBackground
from stigmer_tui.tui.render.styled_rows import Spans
from stigmer_tui.tui.widgets.strip_renderer import LEFT, RIGHT, StripRenderer, highlighted, selected_text
from stigmer_tui.tui.widgets.themed_widget import ThemedWidget
from stigmer_tui.tui.widgets.viewport import STEP, Viewport
from stigmer_tui.tui.widgets.virtual_rows import RowLine
from stigmer_tui.workbench.entries import EntryKey, is_own_message, text_of
from stigmer_tui.workbench.outline import Nothing, Outline

OCCASIONAL = ("follow", "copy", "fold", "edit_message", "write")
"""Actions that need something to act on."""

WINDOWS = 2
"""Outlines that are remembered with their places, selections and folds: the views of one execution."""

TICK = 1.0
"""Seconds between two looks at what is running and on the screen."""


class EntryList(ThemedWidget, can_focus=True):
    DEFAULT_CSS = """
    EntryList {
        width: 1fr;
        height: 1fr;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.ENTRIES)

    class CopyRequested(Message):
        """The person wants the text of an entry in the clipboard."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class WriteRequested(Message):
        """The person wants to go on with the conversation."""

    class EditRequested(Message):
        """The person wants to change a message of their own."""

        def __init__(self, key: EntryKey) -> None:
            super().__init__()
            self.key = key

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        glyphs: Glyphs = UNICODE,
        empty: str = "",
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        """`empty` is what stands there when there is nothing: what will be here, and how to get it there."""
        super().__init__(id=id, classes=classes)
        self._glyphs = glyphs
        self._clock = clock or SystemClock()
        self._window = Viewport(Nothing(), self._clock, glyphs)
        self._windows = [self._window]
        """The last ones that were shown, the present one first."""
        self._empty = empty
        self._can_write = False
        self._tail: Spans = ()
        """What stands below the last entry."""
        self._is_live = True
        self._strips: list[Strip] = []
        self._maker: StripRenderer | None = None
        self._are_styles_stale = True
        self._possible: Mapping[str, bool] = dict.fromkeys(OCCASIONAL, False)
        self._lines_of_selection: list[RowLine] = []
        self._ticker: Timer | None = None
        self._grip: int | None = None
        """The row of the thumb by which the mouse holds it."""

    @property
    def is_following(self) -> bool:
        return self._window.is_following

    def update(
        self,
        outline: Outline,
        empty: str | None = None,
        tail: Spans = (),
        is_live: bool = True,
        can_write: bool = False,
    ) -> None:
        """Shows an outline as it is now, and below it what is waited for. Once a frame is enough.

        A new one is shown from its end, the one that was shown before this as it was left. `is_live` says whether
        time goes on for what is running, `can_write` whether a person may write to the agent.
        """
        is_other = can_write is not self._can_write
        self._can_write = can_write
        is_other |= outline is not self._window.outline or empty not in (None, self._empty) or tail != self._tail
        self._empty = self._empty if empty is None else empty
        self._tail, self._is_live = tail, is_live
        self._turn_to(outline)
        if self._window.update() or is_other:
            self._paint()

    def render_lines(self, crop: Region) -> list[Strip]:
        if self._are_styles_stale or self._maker is None or self.size != (self._maker.width, len(self._strips)):
            self._strips = self._make_strips()
        strips = self._strips[crop.y : crop.bottom]
        if crop.width < self.size.width:
            strips = [strip.crop(crop.x, crop.right) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        """One row, with what Textual needs to know which text is under the mouse."""
        return self._strips[y].apply_offsets(0, y) if y < len(self._strips) else Strip.blank(self.size.width)

    def get_selection(self, selection: Selection) -> tuple[str, str]:
        return selected_text(self._window.lines, selection), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        if selection is not None and self._grip is not None:
            # The mouse holds the scroll bar.
            self.screen.clear_selection()
        self._lines_of_selection = self._window.lines
        self._paint()

    def text_select_all(self) -> None:
        """What a double click asks for: nothing here, where each click has a meaning of its own."""

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._are_styles_stale = True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._possible.get(action, True)

    def select_text(self, text: str) -> bool:
        """Selects the first entry with a text; False where there is none."""
        is_found = self._window.select_text(text)
        if is_found:
            self._paint()
        return is_found

    def action_next(self) -> None:
        self._window.select_next()
        self._paint()

    def action_previous(self) -> None:
        self._window.select_previous()
        self._paint()

    def action_first(self) -> None:
        self._window.select_first()
        self._paint()

    def action_last(self) -> None:
        self._window.select_last()
        self._paint()

    def action_scroll(self, pages: float) -> None:
        self._window.scroll(round(pages * max(1, self.size.height - 1)))
        self._paint()

    def action_follow(self) -> None:
        if self._window.is_following:
            self._window.is_following = False
        else:
            self._window.scroll_to_end()
        self._paint()

    def action_fold(self) -> None:
        self._window.toggle()
        self._paint()

    def action_write(self) -> None:
        self.post_message(self.WriteRequested())

    def action_edit_message(self) -> None:
        if self._window.selected is not None:
            self.post_message(self.EditRequested(self._window.selected))

    def action_copy(self) -> None:
        entry = self._window.selected_entry
        if entry is not None:
            self.post_message(self.CopyRequested(text_of(entry)))

    def on_resize(self) -> None:
        self._paint()

    def on_show(self) -> None:
        self._window.lay_out()
        self._paint()

    def on_hide(self) -> None:
        self._stop_ticking()

    def on_focus(self) -> None:
        self._paint()

    def on_blur(self) -> None:
        self._paint()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._window.scroll(STEP)
        self._paint()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._window.scroll(-STEP)
        self._paint()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        thumb = self._window.thumb()
        if thumb is None or event.x != self.size.width - 1:
            return
        first, size = thumb
        self._grip = event.y - first if first <= event.y < first + size else size // 2
        self.capture_mouse()
        self._drag_to(event.y)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._grip is not None:
            self._drag_to(event.y)

    def on_mouse_up(self) -> None:
        if self._grip is not None:
            self._grip = None
            self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        if event.x >= self.size.width - 1 or event.y >= len(self._window.lines) or self.text_selection is not None:
            return
        if self._window.lines[event.y].key == self._window.selected:
            self._window.toggle()
        else:
            self._window.select_at(event.y)
        self._paint()

    def _turn_to(self, outline: Outline) -> None:
        known = [window for window in self._windows if window.outline is outline]
        self._window = known[0] if known else Viewport(outline, self._clock, self._glyphs)
        others = [window for window in self._windows if window is not self._window]
        self._windows = [self._window, *others[: WINDOWS - 1]]

    def _drag_to(self, y: int) -> None:
        thumb = self._window.thumb()
        if thumb is not None and self._grip is not None:
            room = max(1, self.size.height - thumb[1])
            self._window.scroll_to((y - self._grip) / room)
            self._paint()

    def _paint(self) -> None:
        """Has those rows painted that are not as they were."""
        if not self.size:
            # It has no place on the screen yet; it is told when it gets one.
            return
        before, self._strips = self._strips, self._make_strips()
        if self.text_selection is not None and self._window.lines != self._lines_of_selection:
            # It is kept by rows of the screen, and other text has come into these.
            self.screen.clear_selection()
        if len(before) != len(self._strips):
            self.refresh()
        else:
            width = self.size.width
            changed = [y for y, (old, new) in enumerate(zip(before, self._strips, strict=True)) if old is not new]
            if changed:
                self.refresh(*(Region(0, first, width, last - first) for first, last in _runs(changed)))
        window = self._window
        possible = {
            "follow": bool(window.lines),
            "copy": window.selected is not None,
            "fold": window.is_foldable,
            "edit_message": self._can_write and is_own_message(window.selected_entry),
            "write": self._can_write and window.is_at_last,
        }
        if possible != self._possible:
            self._possible = possible
            self.refresh_bindings()
        if self._window.is_running and self._is_live and self._ticker is None and self.is_attached:
            self._ticker = self.set_timer(TICK, self._tick)

    def _tick(self) -> None:
        self._ticker = None
        if self.is_on_screen:
            self._window.lay_out()
            self._paint()

    def _stop_ticking(self) -> None:
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker = None

    def _make_strips(self) -> list[Strip]:
        """The rows of the widget, from top to bottom."""
        width, height = self.size
        maker = self._strip_maker(width)
        tail = [maker.of_spans(self._tail)] if self._tail and height > 1 else []
        height -= len(tail)
        self._window.resize(width - LEFT - RIGHT, height)
        lines = self._window.lines
        if not lines:
            return [*self._empty_strips(maker, height), *tail]
        first, size = self._window.thumb() or (0, 0)
        background = RowBackground.SELECTED if self.has_focus else RowBackground.BLURRED
        strips = []
        for y in range(height):
            has_thumb = first <= y < first + size
            if y >= len(lines):
                strips.append(maker.blank(has_thumb))
            else:
                is_selected = lines[y].key == self._window.selected and not lines[y].is_gap
                strips.append(maker.of(lines[y], background if is_selected else RowBackground.PLAIN, has_thumb))
        # Below the last entry and a blank row, or at the foot.
        strips[len(lines) + 1 : len(lines) + 1] = tail
        if (selection := self.text_selection) is not None:
            style = Style(bgcolor=self.screen.get_component_rich_style("screen--selection").bgcolor)
            strips = [highlighted(strip, y, selection, style) for y, strip in enumerate(strips)]
        return strips

    def _empty_strips(self, maker: StripRenderer, height: int) -> list[Strip]:
        texts = self._empty.split("\n") if self._empty else []
        strips = [maker.blank(False), *map(maker.of_text, texts)][:height]
        return strips + [maker.blank(False)] * (height - len(strips))

    def _strip_maker(self, width: int) -> StripRenderer:
        """Makes strips in the colours of now; when these have changed, nothing that was drawn is kept."""
        if self._maker is None or self._are_styles_stale or self._maker.width != width:
            palette = self.read_palette()
            if self._maker is None or palette != self._maker.palette:
                for window in self._windows:
                    window.redraw()
            self._maker = StripRenderer(palette, self._glyphs, width)
            self._are_styles_stale = False
        return self._maker


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Beginning and end of the runs in a list of rising numbers."""
    first = last = numbers[0]
    for number in numbers[1:]:
        if number != last + 1:
            yield first, last + 1
            first = number
        last = number
    yield first, last + 1
