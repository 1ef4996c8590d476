"""The picker: resources and recent runs. The selected line has a bar and a background."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message

from stigmer_tui.core.clock import Clock
from stigmer_tui.tui.commands import Place, bindings
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.palette import RowBackground
from stigmer_tui.tui.render.picker import Item, PickerFormat, PickerLine, Special, picker_lines
from stigmer_tui.tui.render.styled_rows import EMPTY_ROW, Row, StyleRole
from stigmer_tui.tui.widgets.themed_widget import RowPanel
from stigmer_tui.workbench.model import Resource, Run
from stigmer_tui.workbench.preview import Preview
from stigmer_tui.workbench.state import SourceLine, WorkbenchState

MARGIN = 1
"""Cells on the left, for the selection bar, and on the right."""


class Picker(RowPanel, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.PICKER)

    class Chosen(Message):
        """The user chose a resource to run, or a run to show."""

        def __init__(self, item: Resource | Run) -> None:
            super().__init__()
            self.item = item

    class Highlighted(Message):
        """Another line is selected, or it says something else."""

    class EditRequested(Message):
        """The user wants to edit the input of a resource."""

        def __init__(self, resource: Resource) -> None:
            super().__init__()
            self.resource = resource

    class SourceRequested(Message):
        """The user wants to see where a resource is defined."""

        def __init__(self, source: SourceLine) -> None:
            super().__init__()
            self.source = source

    class ToolsRequested(Message):
        """The user wants to see the tools of an agent's MCP servers."""

        def __init__(self, resource: Resource) -> None:
            super().__init__()
            self.resource = resource

    class ByNameRequested(Message):
        """The user wants to run a resource by name."""

    class ExportRequested(Message):
        """The user wants a test of a run."""

        def __init__(self, run: Run) -> None:
            super().__init__()
            self.run = run

    class CopyRequested(Message):
        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, clock: Clock, glyphs: Glyphs, id: str | None = None) -> None:  # noqa: A002
        super().__init__(glyphs=glyphs, id=id)
        self._clock = clock
        self._state = WorkbenchState()
        self._preview: Preview | None = None
        self._pattern = ""
        self._lines: list[PickerLine] = []
        self._lines_width = 0
        self._selected = ""
        """Key of the selected line, which stays selected when it moves."""
        self._was_moved = False
        """Whether the user has moved the selection; until then it is the first line."""
        self._is_unfolded = False
        """Whether resources from other projects are shown."""
        self._top = 0
        self._announced: Item | None = None

    @property
    def selected_item(self) -> Item | None:
        return next((line.item for line in self._lines if line.item and line.key == self._selected), None)

    def update(self, state: WorkbenchState) -> None:
        """Shows the lists of a state."""
        self._state = state
        self._draw()

    def show_preview(self, preview: Preview | None) -> None:
        """What is known of the selected resource, which decides what can be done with it."""
        if preview is not self._preview:
            self._preview = preview
            self.refresh_bindings()

    def filter(self, pattern: str) -> None:
        self._pattern = pattern
        self._draw()

    def row(self, y: int) -> Row:
        if self._lines_width != self.size.width:
            # The first paint comes before the first resize event.
            self._lay_out()
        index = self._top + y
        if index >= len(self._lines):
            return EMPTY_ROW
        line = self._lines[index]
        bar = self.glyphs.selection if line.item and line.key == self._selected else " "
        return Row(((bar, StyleRole.RUNNING if self.has_focus else StyleRole.MUTED), *line.row.spans))

    def background(self, y: int) -> RowBackground:
        index = self._top + y
        if index >= len(self._lines) or not self._selected or self._lines[index].key != self._selected:
            return RowBackground.PLAIN
        return RowBackground.SELECTED if self.has_focus else RowBackground.BLURRED

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "copy":
                return isinstance(self.selected_item, Resource | Run)
            case "export":
                return isinstance(self.selected_item, Run)
            case "tools":
                preview, item = self._preview, self.selected_item
                is_shown = preview is not None and isinstance(item, Resource) and preview.resource.key == item.key
                return is_shown and preview is not None and preview.has_mcp_servers
            case "source":
                return self._source is not None
            case "fold":
                return self.selected_item is Special.ELSEWHERE
            case "by_name":
                return self.selected_item is Special.BY_NAME
            case "run" | "edit":
                return isinstance(self.selected_item, Resource)
            case "open":
                return isinstance(self.selected_item, Run)
            case _:
                return True

    def action_run(self) -> None:
        self._choose()

    def action_open(self) -> None:
        self._choose()

    def action_edit(self) -> None:
        if isinstance(item := self.selected_item, Resource):
            self.post_message(self.EditRequested(item))

    @property
    def _source(self) -> SourceLine | None:
        item, project = self.selected_item, self._state.project
        return project.sources.get(item.key) if project and isinstance(item, Resource) else None

    def action_source(self) -> None:
        if source := self._source:
            self.post_message(self.SourceRequested(source))

    def action_tools(self) -> None:
        if isinstance(item := self.selected_item, Resource):
            self.post_message(self.ToolsRequested(item))

    def action_copy(self) -> None:
        if isinstance(item := self.selected_item, Resource | Run):
            self.post_message(self.CopyRequested(item.id))

    def action_export(self) -> None:
        if isinstance(item := self.selected_item, Run):
            self.post_message(self.ExportRequested(item))

    def action_fold(self) -> None:
        """Folds or unfolds resources from other projects."""
        self._is_unfolded = not self._is_unfolded
        self._draw()

    def action_by_name(self) -> None:
        self.post_message(self.ByNameRequested())

    def action_move(self, step: int) -> None:
        places = self._places()
        if not places:
            return
        here = self._place()
        if here is None:
            target = places[0 if step > 0 else -1]
        else:
            target = places[min(max(places.index(here) + step, 0), len(places) - 1)]
        self._select(target)

    def action_first(self) -> None:
        if places := self._places():
            self._top = 0
            self._select(places[0])

    def action_last(self) -> None:
        if places := self._places():
            self._select(places[-1])

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(1, self.size.height - 2))

    def on_resize(self) -> None:
        self._draw()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        index = self._top + event.y
        if index < len(self._lines) and self._lines[index].item:
            self._select(index)
            if self.selected_item is Special.ELSEWHERE:
                self.action_fold()
            elif event.chain == 2:
                self._choose()

    def on_mouse_scroll_down(self) -> None:
        self._scroll(1)

    def on_mouse_scroll_up(self) -> None:
        self._scroll(-1)

    def _choose(self) -> None:
        if self.selected_item is Special.BY_NAME:
            self.action_by_name()
        elif isinstance(item := self.selected_item, Resource | Run):
            self._was_moved = True
            self.post_message(self.Chosen(item))

    def _draw(self) -> None:
        before = self.selected_item
        self._lay_out()
        self.refresh()
        self._announce()
        if type(before) is not type(self.selected_item) or isinstance(before, Special):
            self.refresh_bindings()

    def _lay_out(self) -> None:
        self._lines_width = self.size.width
        width = max(1, self._lines_width - 2 * MARGIN)
        form = PickerFormat(width, self.glyphs, self._clock.now(), self._is_unfolded)
        self._lines = picker_lines(self._state, self._pattern, form)
        if self._place() is None or not self._was_moved:
            self._selected = next((line.key for line in self._lines if self._may_be_first(line)), "")
        self._show_selected()

    def _may_be_first(self, line: PickerLine) -> bool:
        """Only own resources and matches of a filter: enter runs the default selection."""
        return isinstance(line.item, Resource | Run) and (line.is_own or bool(self._pattern))

    def _places(self) -> list[int]:
        """Indexes of selectable lines."""
        return [index for index, line in enumerate(self._lines) if line.item]

    def _place(self) -> int | None:
        return next((i for i, line in enumerate(self._lines) if line.item and line.key == self._selected), None)

    def _select(self, index: int) -> None:
        self._was_moved = True
        self._selected = self._lines[index].key
        self._show_selected()
        self.refresh()
        self.refresh_bindings()
        self._announce()

    def _announce(self) -> None:
        if (item := self.selected_item) != self._announced:
            self._announced = item
            # It would not get beyond a screen that has caused it.
            self.post_message(self.Highlighted().set_sender(self))

    def _show_selected(self) -> None:
        """Scrolls the selected line into view; the first line of a group with its title."""
        height = max(1, self.size.height)
        place = self._place() or 0
        first = place - 1 if place and not self._lines[place - 1].item else place
        if first < self._top:
            self._top = first
        elif place >= self._top + height:
            self._top = place - height + 1
        self._top = max(0, min(self._top, len(self._lines) - height))

    def _scroll(self, rows: int) -> None:
        self._top = max(0, min(self._top + rows, len(self._lines) - self.size.height))
        self.refresh()
