"""How the project's code differs from what is deployed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Label, Static

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.tui.commands import Place, bindings, footer_text
from stigmer_tui.tui.render.cells import clean, clean_lines
from stigmer_tui.tui.screens.dismissal import Modal
from stigmer_tui.workbench.differences import ALL_DEPLOYED, SIGNS, LineKind, ResourceDifference, lines_of

Compare = Callable[[], Awaitable[Sequence[ResourceDifference]]]


class DifferencesScreen(Modal[None]):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.DIFFERENCES)
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"differences--{kind}" for kind in LineKind}

    def __init__(self, compare: Compare) -> None:
        super().__init__()
        self._compare = compare
        self._text = Static("Running the project's code …", id="differences-text", markup=False)

    def compose(self) -> ComposeResult:
        with Vertical(id="differences"):
            yield Label("From what is deployed to the code", id="differences-title")
            with VerticalScroll(id="differences-body", can_focus=False):
                yield self._text
            yield Label(footer_text("differences.leave"), id="differences-keys")

    def on_mount(self) -> None:
        self.run_worker(self._show(), exit_on_error=True)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_scroll(self, rows: int) -> None:
        self.query_one("#differences-body").scroll_relative(y=rows, animate=False)

    async def _show(self) -> None:
        try:
            found = await self._compare()
        except StigmerError as error:
            self._text.update(Text("\n".join(clean_lines(str(error)))))
            return
        if not found:
            self._text.update(ALL_DEPLOYED)
            return
        styles = {kind: self.get_component_rich_style(f"differences--{kind}", partial=True) for kind in LineKind}
        text = Text(no_wrap=False)
        for line in lines_of(found):
            text.append(clean(SIGNS[line.kind] + line.text) + "\n", styles[line.kind])
        self._text.update(text)
