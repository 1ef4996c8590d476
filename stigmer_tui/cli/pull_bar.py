"""How far the download of a model is."""

from __future__ import annotations

from typing import TextIO

from stigmer_tui.core.control_text import ControlFilter
from stigmer_tui.core.units import progress_bar, size_text

CLEAR_TO_END = "\x1b[K"


class PulledSize:
    """Bytes of a model, of all its parts together."""

    def __init__(self) -> None:
        self._layers: dict[str, tuple[int, int]] = {}

    def after(self, layer: str, completed: int, total: int) -> tuple[int, int]:
        """How many have come, and how many there are, once a part has come so far; no part changes nothing."""
        if layer and total:
            self._layers[layer] = (completed, total)
        return sum(done for done, _ in self._layers.values()), sum(whole for _, whole in self._layers.values())


class PullBar:
    """The progress of a download: one line that is drawn again, or a line for each step where nobody watches."""

    def __init__(self, output: TextIO, is_terminal: bool) -> None:
        self._output = output
        self._is_terminal = is_terminal
        self._shown = ""
        self._size = PulledSize()

    def show(self, status: str, layer: str, completed: int, total: int) -> None:
        text = progress_bar(*self._size.after(layer, completed, total)) if layer else status
        if not self._is_terminal and layer:
            # A line for each part, when it begins.
            text = f"{status} ({size_text(total)})"
        text = ControlFilter().feed(text).replace("\n", " ")
        if text == self._shown:
            return
        self._shown = text
        self._output.write(f"\r{text}{CLEAR_TO_END}" if self._is_terminal else f"{text}\n")
        self._output.flush()

    def close(self) -> None:
        if self._is_terminal and self._shown:
            self._output.write("\n")
