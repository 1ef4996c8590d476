"""The footer: the keys that are available now."""

from __future__ import annotations

from textual import events
from textual.binding import Binding
from textual.screen import Screen

from stigmer_tui.tui.commands import BY_ID, Command, Place
from stigmer_tui.tui.render.cells import cells
from stigmer_tui.tui.render.styled_rows import EMPTY_ROW, Row, Span, StyleRole
from stigmer_tui.tui.widgets.themed_widget import RowPanel

GAP = "   "

OTHER = Command("", "", Place.APP, rank=9)
"""Stands for keys of the framework."""


class KeyBar(RowPanel):
    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_updated)
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def on_click(self, event: events.Click) -> None:
        """Runs the command of the clicked key."""
        start = 1
        for binding in self._fitting(self._shown()):
            end = start + len(self._key(binding)) + 1 + cells(binding.description)
            if start <= event.x < end:
                self.app.simulate_key(binding.key.split(",")[0])
                return
            start = end + len(GAP)

    def _bindings_updated(self, screen: Screen[object]) -> None:
        if screen is self.screen:
            self._draw()

    def _draw(self) -> None:
        spans: list[Span] = [(" ", StyleRole.TEXT)]
        for binding in self._fitting(self._shown()):
            if len(spans) > 1:
                spans.append((GAP, StyleRole.TEXT))
            spans += [(self._key(binding), StyleRole.KEYWORD), (f" {binding.description}", StyleRole.MUTED)]
        self.show([Row(tuple(spans)) if len(spans) > 1 else EMPTY_ROW])

    def _shown(self) -> list[Binding]:
        shown: dict[str, Binding] = {}
        for active in self.screen.active_bindings.values():
            if active.enabled and active.binding.show:
                shown.setdefault(active.binding.action, active.binding)
        return sorted(shown.values(), key=lambda binding: _command(binding).at_end)

    def _fitting(self, bindings: list[Binding]) -> list[Binding]:
        """The bindings that fit, by rank and then by order."""
        kept = list(bindings)
        while kept and self._width(kept) > self.size.width - 1:
            kept.remove(max(reversed(kept), key=lambda binding: _command(binding).rank))
        return kept

    def _width(self, bindings: list[Binding]) -> int:
        texts = [len(self._key(binding)) + 1 + cells(binding.description) for binding in bindings]
        return sum(texts) + len(GAP) * (len(texts) - 1)

    def _key(self, binding: Binding) -> str:
        return binding.key_display or binding.key


def _command(binding: Binding) -> Command:
    return BY_ID.get(binding.id or "", OTHER)
