"""How far the download of a model is."""

from __future__ import annotations

from typing import TextIO

from stigmer_tui.core.control_text import ControlFilter
from stigmer_tui.core.units import size_text

BAR_WIDTH = 30
"""Cells."""

CLEAR_TO_END = "\x1b[K"


class PullBar:
    """The progress of a download: one line that is drawn again, or a line for each step where nobody watches."""

    def __init__(self, output: TextIO, is_terminal: bool) -> None:
        self._output = output
        self._is_terminal = is_terminal
        self._shown = ""
        self._layers: dict[str, tuple[int, int]] = {}
        """Bytes that have come and bytes in all, of each part of the model."""

    def show(self, status: str, layer: str, completed: int, total: int) -> None:
        if layer and total:
            self._layers[layer] = (completed, total)
        text = self._bar() if layer else status
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

    def _bar(self) -> str:
        done = sum(completed for completed, _ in self._layers.values())
        whole = sum(total for _, total in self._layers.values())
        share = min(1.0, done / whole) if whole else 0.0
        filled = round(share * BAR_WIDTH)
        return f"{'█' * filled}{'░' * (BAR_WIDTH - filled)} {share:4.0%}  {size_text(done)} of {size_text(whole)}"
