"""The workbench: picker, execution pane and sidebar, as many of them as fit."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.widgets import Input

from stigmer_tui.core.clock import Clock
from stigmer_tui.tui.commands import Place, bindings, possible
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.header import header_row, narrow_header_row, too_small_text
from stigmer_tui.tui.render.styled_rows import Row, StyleRole
from stigmer_tui.tui.sizes import MIN_SIZE, PICKER_WIDTH, SIDEBAR_WIDTH, size_class
from stigmer_tui.tui.widgets.approval_panel import ApprovalPanel
from stigmer_tui.tui.widgets.completed_field import takes_tab
from stigmer_tui.tui.widgets.entry_list import EntryList
from stigmer_tui.tui.widgets.key_bar import KeyBar
from stigmer_tui.tui.widgets.notice_area import NoticeArea
from stigmer_tui.tui.widgets.picker import Picker
from stigmer_tui.tui.widgets.rule import Rule
from stigmer_tui.tui.widgets.run_pane import MESSAGE_INPUT, RunPane
from stigmer_tui.tui.widgets.sidebar import Sidebar
from stigmer_tui.tui.widgets.themed_widget import RowPanel, ThemedScreen
from stigmer_tui.workbench.approvals import WaitingCall
from stigmer_tui.workbench.model import Resource
from stigmer_tui.workbench.state import WorkbenchState

AGES = 60.0
"""Seconds between updates of ages."""

PICKER, PANE, SIDEBAR = range(3)
REGION_CLASSES = ("show-picker", "show-pane", "show-sidebar")
REGIONS = {RunPane: PANE, Sidebar: SIDEBAR}
"""What is focused in them belongs to these regions; anything else to the picker."""


class MainScreen(ThemedScreen):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.WORKBENCH)

    AUTO_FOCUS = "#picker"
    """Also gets the keys that are pressed during the start."""

    def __init__(self, *, clock: Clock, glyphs: Glyphs, state: WorkbenchState) -> None:
        super().__init__(classes=REGION_CLASSES[PICKER])
        self._clock = clock
        self._glyphs = glyphs
        self._state = state
        self._region = PICKER
        self._possible: tuple[bool, ...] = ()

    def compose(self) -> ComposeResult:
        # Before there are widgets, whose styles would all have to be applied anew.
        self._fit(self.app.size)
        glyphs = self._glyphs
        yield RowPanel(glyphs=glyphs, id="header")
        yield Rule(glyphs=glyphs, id="top-rule")
        with Horizontal(id="body"):
            with Vertical(id="picker-region"):
                yield FilterInput(placeholder="/ filter", id="filter", select_on_focus=False)
                yield Picker(clock=self._clock, glyphs=glyphs, id="picker")
            yield RunPane(clock=self._clock, glyphs=glyphs, id="pane")
            yield Sidebar(clock=self._clock, glyphs=glyphs, id="sidebar")
        yield NoticeArea(glyphs=glyphs, id="notice-area")
        yield Rule(glyphs=glyphs, id="bottom-rule")
        yield KeyBar(glyphs=glyphs, id="keys")
        yield RowPanel(glyphs=glyphs, id="too-small")

    def on_mount(self) -> None:
        self._header, self._sidebar = self.query_one("#header", RowPanel), self.query_one(Sidebar)
        self._picker, self._pane = self.query_one(Picker), self.query_one(RunPane)
        self._filter = self.query_one(FilterInput)
        self.set_interval(AGES, self._show_ages)
        self._pane.look_ahead(self._region == PICKER)
        self.show(self._state)

    def show(self, state: WorkbenchState) -> None:
        """Draws the state; call it once per frame."""
        before, self._state = self._state, state
        self._show_header()
        if _lists(before) != _lists(state) or before is state:
            self._picker.update(state)
        self._picker.show_preview(state.preview)
        self._pane.update(state)
        self._sidebar.update(state)
        if (now := possible(state)) != self._possible:
            self._possible = now
            self.refresh_bindings()

    @property
    def selected_resource(self) -> Resource | None:
        """What would be run."""
        item = self._picker.selected_item
        return item if isinstance(item, Resource) else None

    @property
    def waiting_call(self) -> WaitingCall | None:
        """The tool call that a person can decide on now."""
        return self.query_one(ApprovalPanel).call

    def look_for(self, execution_id: str, text: str) -> None:
        """Selects what has the text, as soon as this run is shown."""
        self._pane.look_for(execution_id, text)

    def show_region(self, region: int) -> None:
        """Shows a region in a narrow window; focuses it in a wide one."""
        self._region = region
        for number, name in enumerate(REGION_CLASSES):
            self.set_class(number == region, name)
        if region == PANE:
            self.set_focus(self._pane.query_one(EntryList))
        elif region == PICKER:
            self.set_focus(self._picker)
        else:
            self.set_focus(self._sidebar)
        self._pane.look_ahead(region == PICKER)
        self._show_header()

    def on_resize(self, event: events.Resize) -> None:
        width, height = event.size
        was_too_small = self.has_class("-too-small")
        self._fit(event.size)
        if was_too_small and not self.has_class("-too-small"):
            # A hidden region must not keep the focus.
            self.call_after_refresh(self.show_region, self._region)
        elif self._region == SIDEBAR and not self._is_sidebar_seen:
            self.show_region(PICKER)
        self.query_one("#too-small", RowPanel).show([Row(((too_small_text(width, height), StyleRole.MUTED),))])
        self._show_header()
        self._draw_rules()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "filter":
            return not isinstance(self.focused, FilterInput) and not self._is_writing
        if action == "next_region":
            return not isinstance(self.focused, FilterInput) and not takes_tab(self.focused)
        return True

    def action_filter(self) -> None:
        self._unfold_picker()
        self.show_region(PICKER)
        self.set_focus(self._filter)

    def action_next_region(self) -> None:
        regions = [PICKER, PANE]
        if self.has_class("-narrow"):
            regions.append(SIDEBAR)
        elif self.has_class("-picker-folded"):
            regions.remove(PICKER)
        here = regions.index(self._region) if self._region in regions else -1
        self.show_region(regions[(here + 1) % len(regions)])

    def action_next_field(self) -> None:
        """From the message of a conversation."""
        self.action_next_region()

    def action_back(self) -> None:
        if self.has_class("-medium") and self.has_class("-sidebar-open"):
            self.action_fold_sidebar()
            return
        self._filter.value = ""
        self._unfold_picker()
        self.show_region(PICKER)

    def action_region(self, region: int) -> None:
        if region == PICKER:
            self._unfold_picker()
        elif region == SIDEBAR and not self._is_sidebar_seen:
            self.action_fold_sidebar()
        self.show_region(region)

    def _fit(self, size: Size) -> None:
        for name in ("-wide", "-medium", "-narrow"):
            self.set_class(name == size_class(size.width), name)
        self.set_class(size.width < MIN_SIZE[0] or size.height < MIN_SIZE[1], "-too-small")

    def _unfold_picker(self) -> None:
        if self.has_class("-picker-folded"):
            self.action_fold_picker()

    def action_fold_picker(self) -> None:
        self.toggle_class("-picker-folded")
        self._draw_rules()
        if self.has_class("-picker-folded") and self._region == PICKER:
            self.show_region(PANE)

    def action_fold_sidebar(self) -> None:
        """Toggles the sidebar; if the window is too narrow for all three, it covers a part of the pane."""
        self.toggle_class("-sidebar-folded" if self.has_class("-wide") else "-sidebar-open")
        self._show_header()
        self._draw_rules()
        if self._region == SIDEBAR and not self._is_sidebar_seen:
            self.show_region(PANE if self._state.shown else PICKER)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._picker.filter(event.value)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Keeps the shown region in step with clicks."""
        around = map(type, event.widget.ancestors_with_self)
        region = next((REGIONS[kind] for kind in around if kind in REGIONS), PICKER)
        if region != self._region:
            self.show_region(region)

    @property
    def _is_writing(self) -> bool:
        return self.focused is not None and self.focused.id == MESSAGE_INPUT

    @property
    def _has_sidebar(self) -> bool:
        """Whether the sidebar is visible beside the pane."""
        return self.has_class("-wide") and not self.has_class("-sidebar-folded")

    @property
    def _is_sidebar_seen(self) -> bool:
        if self.has_class("-medium"):
            return self.has_class("-sidebar-open")
        return self.has_class("-narrow") or self._has_sidebar

    def _show_header(self) -> None:
        width = self.size.width
        if self.has_class("-narrow"):
            row = narrow_header_row(self._state, self._region, width, self._glyphs)
        else:
            row = header_row(self._state, width, self._glyphs, self._has_sidebar)
        self._header.show([row])

    def _draw_rules(self) -> None:
        columns: set[int] = set()
        if not self.has_class("-narrow"):
            if not self.has_class("-picker-folded"):
                columns.add(PICKER_WIDTH - 1)
            if self._has_sidebar or (self.has_class("-medium") and self.has_class("-sidebar-open")):
                columns.add(self.size.width - SIDEBAR_WIDTH)
        for rule in self.query(Rule):
            rule.draw(self.size.width, columns)

    def _show_ages(self) -> None:
        self._picker.update(self._state)
        self._sidebar.update(self._state)


def _lists(state: WorkbenchState) -> tuple[object, ...]:
    """What the picker depends on, compared by identity rather than by long lists."""
    defines = state.project.defines if state.project else None
    return id(state.resources), id(state.runs), defines, state.listed, state.daemon.connected, state.daemon.problem


class FilterInput(Input):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.FILTER)

    def action_to_list(self) -> None:
        self.screen.query_one(Picker).focus()

    def action_clear(self) -> None:
        self.value = ""
        self.screen.query_one(Picker).focus()
