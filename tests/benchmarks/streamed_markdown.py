"""100 KB of Markdown in chunks of 50 characters, every chunk drawn: CPU in all, and the longest stall."""

from __future__ import annotations

import time

from rich.style import Style

from stigmer_tui.core.clock import SystemClock
from stigmer_tui.tui.gc_tuner import GcTuner
from stigmer_tui.tui.render.glyphs import UNICODE
from stigmer_tui.tui.render.palette import Palette, RowBackground
from stigmer_tui.tui.render.styled_rows import StyleRole
from stigmer_tui.tui.widgets.strip_renderer import StripRenderer
from stigmer_tui.tui.widgets.viewport import Viewport
from stigmer_tui.workbench.nodes import Message, Role
from stigmer_tui.workbench.transcript import Transcript
from tests.benchmarks.report import heading, line
from tests.benchmarks.shapes import MARKDOWN, markdown, new_execution
from tests.workbench.trees import put_message

CHUNK = 50
WIDTH, HEIGHT = 90, 40


def main() -> None:
    heading(f"Streamed Markdown: 100 KB in chunks of {CHUNK}, each of them drawn, at {WIDTH}×{HEIGHT}")
    _stream("mixed", 2_000)  # imports and lexers
    # As the app does.
    GcTuner(SystemClock()).begin()
    for shape in MARKDOWN:
        cpu, stall = _stream(shape, 100_000)
        line(f"{shape}: CPU", cpu, "s", 2.0)
        line(f"{shape}: longest stall", stall * 1000, "ms", 33)


def _stream(shape: str, size: int) -> tuple[float, float]:
    """Seconds of CPU in all, and of the longest frame."""
    text = markdown(shape, size)
    execution = new_execution()
    put_message(execution, 0, Message(Role.AGENT, text[:CHUNK]))
    window = Viewport(Transcript(execution), SystemClock(), UNICODE)
    window.resize(WIDTH, HEIGHT)
    maker = StripRenderer(_palette(), UNICODE, WIDTH + 4)
    started = time.process_time()
    longest = 0.0
    for end in range(2 * CHUNK, size + CHUNK, CHUNK):
        before = time.process_time()
        put_message(execution, 0, Message(Role.AGENT, text[:end]))
        window.update()
        for row in window.lines:
            maker.of(row, RowBackground.PLAIN, has_thumb=False)
        longest = max(longest, time.process_time() - before)
    return time.process_time() - started, longest


def _palette() -> Palette:
    style = Style.parse("white on black")
    backgrounds = dict.fromkeys(RowBackground, style)
    return Palette(dict.fromkeys((StyleRole.TEXT, *StyleRole), style), backgrounds, backgrounds, style)


if __name__ == "__main__":
    main()
