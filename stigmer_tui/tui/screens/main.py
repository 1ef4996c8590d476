"""The workbench: picker, execution pane, sidebar; which of them are seen depends on the room there is."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from stigmer_tui.core.clock import Clock
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.header import header_row, narrow_header_row, too_small_text
from stigmer_tui.tui.render.ink import Ink, Row
from stigmer_tui.tui.render.sidebar import SidebarFormat, sidebar_rows
from stigmer_tui.tui.widgets.entry_list import EntryList
from stigmer_tui.tui.widgets.inked import InkedScreen, RowPanel
from stigmer_tui.tui.widgets.key_bar import KeyBar
from stigmer_tui.tui.widgets.picker import Picker
from stigmer_tui.tui.widgets.rule import Rule
from stigmer_tui.tui.widgets.run_pane import RunPane
from stigmer_tui.workbench.state import WorkbenchState

MEDIUM, WIDE = 100, 140
"""Columns from which on there is room for picker and pane, and for the sidebar beside them."""

SMALLEST = (40, 12)

AGES = 60.0
"""Seconds between two looks at how long ago things were."""

PICKER, PANE, SIDEBAR = range(3)
REGION_CLASSES = ("show-picker", "show-pane", "show-sidebar")


class MainScreen(InkedScreen):
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (MEDIUM, "-medium"), (WIDE, "-wide")]  # noqa: RUF012

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "app.cancel", "cancel", id="run.cancel", tooltip="Cancel the shown run"),
        Binding("r", "app.rerun", "re-run", id="run.again", tooltip="Run it once more with the same input"),
        Binding("w", "app.toggle_watch(False)", "watch off", id="watch.off", tooltip="Let saves be saves"),
        Binding("w", "app.toggle_watch(True)", "watch on", id="watch.on", tooltip="Deploy and run again at each save"),
        Binding("slash", "filter", "filter", id="picker.filter", tooltip="Show what matches only", key_display="/"),
        Binding("tab", "next_region", "next pane", id="region.next", tooltip="Go to the next region", priority=True),
        Binding("escape", "back", "back", show=False, id="region.back", tooltip="Back to the picker"),
        Binding("1", "region(0)", "picker", show=False, id="region.picker", tooltip="Go to the picker"),
        Binding("2", "region(1)", "run", show=False, id="region.pane", tooltip="Go to the run"),
        Binding("3", "region(2)", "daemon", show=False, id="region.sidebar", tooltip="Go to the daemon"),
        Binding("left_square_bracket", "fold_picker", "fold picker", show=False, id="fold.picker", key_display="["),
        Binding("right_square_bracket", "fold_sidebar", "fold sidebar", show=False, id="fold.sidebar", key_display="]"),
    ]
    BINDING_GROUP_TITLE = "Workbench"

    def __init__(self, *, clock: Clock, glyphs: Glyphs, state: WorkbenchState) -> None:
        super().__init__(classes=REGION_CLASSES[PICKER])
        self._clock = clock
        self._glyphs = glyphs
        self._state = state
        self._region = PICKER
        self._possible: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        glyphs = self._glyphs
        yield RowPanel(glyphs=glyphs, id="header")
        yield Rule(glyphs=glyphs, id="top-rule")
        with Horizontal(id="body"):
            with Vertical(id="picker-region"):
                yield FilterInput(placeholder="/ filter", id="filter", select_on_focus=False)
                yield Picker(clock=self._clock, glyphs=glyphs, id="picker")
            yield RunPane(clock=self._clock, glyphs=glyphs, id="pane")
            yield RowPanel(glyphs=glyphs, id="sidebar")
        yield Rule(glyphs=glyphs, id="bottom-rule")
        yield KeyBar(glyphs=glyphs, id="keys")
        yield RowPanel(glyphs=glyphs, id="too-small")

    def on_mount(self) -> None:
        self._header, self._sidebar = self.query_one("#header", RowPanel), self.query_one("#sidebar", RowPanel)
        self._picker, self._pane = self.query_one(Picker), self.query_one(RunPane)
        self._filter = self.query_one(FilterInput)
        self._picker.focus()
        self.set_interval(AGES, self._show_ages)
        self.show(self._state)

    def show(self, state: WorkbenchState) -> None:
        """Draws the state; once a frame is enough."""
        before, self._state = self._state, state
        self._show_header()
        if before.resources is not state.resources or before.runs is not state.runs or before is state:
            self._picker.update(state)
        self._pane.update(state)
        self._show_sidebar()
        possible = _possible(state)
        if possible != self._possible:
            self._possible = possible
            self.refresh_bindings()

    def show_region(self, region: int) -> None:
        """In a narrow window this is the one that is seen; elsewhere the one that has the keys."""
        self._region = region
        for number, name in enumerate(REGION_CLASSES):
            self.set_class(number == region, name)
        if region == PANE:
            self._pane.query_one(EntryList).focus()
        elif region == PICKER:
            self._picker.focus()
        self._show_header()
        self._show_sidebar()

    def on_resize(self, event: events.Resize) -> None:
        width, height = event.size
        is_too_small = width < SMALLEST[0] or height < SMALLEST[1]
        self.set_class(is_too_small, "-too-small")
        self.query_one("#too-small", RowPanel).show([Row(((too_small_text(width, height), Ink.MUTED),))])
        self.call_after_refresh(self._draw_again)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "next_region":
            return not isinstance(self.focused, FilterInput)
        return True

    def action_filter(self) -> None:
        self.remove_class("-picker-folded")
        self.show_region(PICKER)
        self._filter.focus()

    def action_next_region(self) -> None:
        regions = [PICKER, PANE]
        if self.has_class("-narrow"):
            regions.append(SIDEBAR)
        elif self.has_class("-picker-folded"):
            regions.remove(PICKER)
        here = regions.index(self._region) if self._region in regions else -1
        self.show_region(regions[(here + 1) % len(regions)])

    def action_back(self) -> None:
        if self.has_class("-sidebar-open"):
            self.remove_class("-sidebar-open")
            return
        self._filter.value = ""
        self.remove_class("-picker-folded")
        self.show_region(PICKER)

    def action_region(self, region: int) -> None:
        if region == SIDEBAR and not self.has_class("-narrow"):
            self.action_fold_sidebar()
        else:
            self.remove_class("-picker-folded")
            self.show_region(region)

    def action_fold_picker(self) -> None:
        self.toggle_class("-picker-folded")
        self.call_after_refresh(self._draw_again)
        if self.has_class("-picker-folded") and self._region == PICKER:
            self.show_region(PANE)

    def action_fold_sidebar(self) -> None:
        """Where there is no room beside the pane, the sidebar opens over it."""
        self.toggle_class("-sidebar-folded" if self.has_class("-wide") else "-sidebar-open")
        self.call_after_refresh(self._draw_again)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._picker.filter(event.value)

    def on_input_submitted(self) -> None:
        self._picker.focus()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A click goes to a region, too."""
        region = PANE if isinstance(event.widget, EntryList) else PICKER
        if region != self._region:
            self.show_region(region)

    def _show_header(self) -> None:
        width = self.size.width
        if self.has_class("-narrow"):
            row = narrow_header_row(self._state, self._region, width, self._glyphs)
        else:
            has_sidebar = self.has_class("-wide") and not self.has_class("-sidebar-folded")
            row = header_row(self._state, width, self._glyphs, has_sidebar)
        self._header.show([row])

    def _show_sidebar(self) -> None:
        width = self._sidebar.content_size.width
        if self._sidebar.display and width > 0:
            self._sidebar.show(sidebar_rows(self._state, SidebarFormat(width, self._glyphs, self._clock.now())))

    def _show_ages(self) -> None:
        self._picker.update(self._state)
        self._show_sidebar()

    def _draw_again(self) -> None:
        """Once the regions have their new sizes."""
        self._show_header()
        self._show_sidebar()
        for rule in self.query(Rule):
            rule.refresh()


class FilterInput(Input):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,enter", "to_list", "to the list", show=False, tooltip="Back to the list"),
        Binding("escape", "clear", "clear", tooltip="Show everything again"),
    ]

    def action_to_list(self) -> None:
        self.screen.query_one(Picker).focus()

    def action_clear(self) -> None:
        self.value = ""
        self.screen.query_one(Picker).focus()


def _possible(state: WorkbenchState) -> tuple[object, ...]:
    """What decides which keys do something."""
    shown = state.shown
    running = shown is not None and not shown.execution.state.is_final
    watching = state.project.watching if state.project else None
    return shown is not None, running, watching, bool(state.daemon.problem)
