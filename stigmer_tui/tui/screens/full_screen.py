"""Screens in the place of the workbench: a header, something between two rules, and the keys."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.await_complete import AwaitComplete

from stigmer_tui.tui.frame_throttle import FrameThrottle
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.styled_rows import Row
from stigmer_tui.tui.widgets.key_bar import KeyBar
from stigmer_tui.tui.widgets.notice_area import NoticeArea
from stigmer_tui.tui.widgets.rule import Rule
from stigmer_tui.tui.widgets.themed_widget import RowPanel, ThemedScreen

TICK = 1.0
"""Seconds between two drawings while nothing happens but time."""


class FullScreen(ThemedScreen):
    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__()
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        yield RowPanel(glyphs=self._glyphs, id="header")
        yield Rule(glyphs=self._glyphs, id="top-rule")
        yield from self.body()
        yield Rule(glyphs=self._glyphs, id="bottom-rule")
        yield NoticeArea(glyphs=self._glyphs, id="notice-area")
        yield KeyBar(glyphs=self._glyphs, id="keys")

    def body(self) -> ComposeResult:
        """What stands between the rules."""
        raise NotImplementedError

    def draw(self) -> None:
        """Shows everything as it is now."""
        raise NotImplementedError

    def show_header(self, row: Row) -> None:
        self.query_one("#header", RowPanel).show([row])

    def on_resize(self) -> None:
        for rule in self.query(Rule):
            rule.draw(self.size.width, set())
        self.draw()

    def action_leave(self) -> None:
        self.dismiss(None)

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Once: see `dismissal`."""
        return super().dismiss(result) if self.is_active else AwaitComplete()


class LiveScreen(FullScreen):
    """One whose content changes: drawn at the rate of frames, and while something goes on every second."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(glyphs)
        self._frames: FrameThrottle[None] = FrameThrottle(lambda _: self.draw())

    def changed(self) -> None:
        """Something has happened."""
        self._frames.put(None)

    @property
    def is_live(self) -> bool:
        """Whether something goes on."""
        raise NotImplementedError

    def on_mount(self) -> None:
        self.set_interval(TICK, self._tick)

    def on_unmount(self) -> None:
        self._frames.close()

    def _tick(self) -> None:
        if self.is_live:
            self.draw()
