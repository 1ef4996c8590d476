"""What the models of a run were asked, request by request, and what filled their contexts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.tui.clipboard import copy_to_terminal
from stigmer_tui.tui.commands import Place, bindings
from stigmer_tui.tui.render.cells import clean, wrap
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.layout import plain
from stigmer_tui.tui.render.model_request import meter_row, request_header, section_rows
from stigmer_tui.tui.render.styled_rows import EMPTY_ROW, Row
from stigmer_tui.tui.screens.full_screen import FullScreen
from stigmer_tui.tui.widgets.scrolled_rows import ScrolledRows
from stigmer_tui.tui.widgets.themed_widget import RowPanel
from stigmer_tui.workbench.model_requests import RequestName, SentRequest, curl_command, sections

Read = Callable[[str, int], Awaitable[SentRequest]]
"""By the id of an execution, and the number of the request in it."""


class ModelRequestScreen(FullScreen):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.REQUEST)

    AUTO_FOCUS = "#request"

    def __init__(self, names: Sequence[RequestName], place: int, read: Read, glyphs: Glyphs) -> None:
        """`place` is that of the request among `names` that is shown first."""
        super().__init__(glyphs)
        self._names = names
        self._place = place
        self._read = read
        self._request: SentRequest | None = None
        self._before: SentRequest | None = None
        self._problem = ""
        self._new: list[int] = []
        """The rows at which something begins that the request before did not have."""

    def body(self) -> ComposeResult:
        yield RowPanel(glyphs=self._glyphs, id="meter")
        yield ScrolledRows(self._glyphs, id="request")

    def on_mount(self) -> None:
        self._load()

    def action_go(self, step: int) -> None:
        """To another request of the run."""
        if 0 <= self._place + step < len(self._names):
            self._place += step
            self._load()

    def action_new(self) -> None:
        """To the next part that is new; from the last one to the first."""
        text = self.query_one(ScrolledRows)
        if self._new:
            text.go_to(next((row for row in self._new if row > text.top), self._new[0]))

    def action_copy(self) -> None:
        """The request as a command for a shell, with its key as a variable."""
        if self._request is None:
            return
        try:
            copy_to_terminal(self.app, curl_command(self._request))
        except StigmerError as error:
            self._problem = f"{error.message}."
        else:
            self._problem = "Copied as a command of curl."
        self.draw()

    def _load(self) -> None:
        self._request, self._problem = None, ""
        self.draw()
        self.run_worker(self._show_request(self._names[self._place]), exclusive=True)

    async def _show_request(self, name: RequestName) -> None:
        try:
            self._before = await self._read(name.execution_id, name.number - 1) if name.number > 1 else None
            self._request = await self._read(name.execution_id, name.number)
        except StigmerError as error:
            self._problem = str(error)
        self.draw()
        self.query_one(ScrolledRows).go_to(self._new[0] if self._new else 0)

    def draw(self) -> None:
        width, name = self.size.width, self._names[self._place]
        self.show_header(request_header(name, self._place + 1, len(self._names), width, self._glyphs.ellipsis))
        text = self.query_one(ScrolledRows)
        notice = [Row((*plain(" "), *part)) for part in wrap(plain(clean(self._problem)), width - 2) if self._problem]
        if self._request is None:
            self.query_one("#meter", RowPanel).show([EMPTY_ROW])
            text.fill(notice)
            return
        self.query_one("#meter", RowPanel).show(notice[:1] or [meter_row(self._request, self._glyphs)])
        rows: list[Row] = []
        self._new = []
        for section in sections(self._request.body, self._before.body if self._before else None):
            if section.is_new:
                self._new.append(len(rows))
            rows += section_rows(section, width, self._glyphs)
        text.fill(rows)
