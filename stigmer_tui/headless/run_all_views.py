"""How many runs at once are shown: lines that follow each other, a block that is drawn anew in place, or JSON lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stigmer_tui.core.clock import Clock
from stigmer_tui.core.control_text import ControlFilter
from stigmer_tui.core.units import duration_text
from stigmer_tui.headless.json_output import JsonOutput
from stigmer_tui.headless.run_all import RunLine
from stigmer_tui.workbench.model import RunState

SIGNS = {
    RunState.PENDING: "·",
    RunState.RUNNING: "▸",
    RunState.WAITING: "▸",
    RunState.COMPLETED: "✓",
    RunState.FAILED: "✗",
    RunState.CANCELLED: "⊘",
}

HEADER = ("RESULT", "TYPE", "NAME", "TOOK", "ID", "ERROR")


def result_table(lines: Sequence[RunLine]) -> list[str]:
    rows = [HEADER, *(_row(line) for line in lines)]
    if not any(line.error for line in lines):
        rows = [row[:-1] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _row(line: RunLine) -> tuple[str, ...]:
    seconds = line.took(None)
    return (
        line.state.value,
        line.resource.kind.value,
        line.resource.slug,
        "-" if seconds is None else duration_text(seconds),
        line.execution.id if line.execution else "-",
        in_a_line(line.error),
    )


def in_a_line(text: str) -> str:
    """Without control characters, which the text of a run may contain."""
    return " ".join(ControlFilter().feed(text).split())


def summary(lines: Sequence[RunLine]) -> str:
    counts = {state: sum(line.state is state for line in lines) for state in RunState}
    return ", ".join(f"{count} {state}" for state, count in counts.items() if count)


class PlainLines:
    """For a pipe: a line when a run starts, and one when it has ended."""

    def __init__(self, echo: Callable[[str], None]) -> None:
        self._echo = echo

    def begin(self, lines: Sequence[RunLine]) -> None:
        self._echo("")

    def started(self, line: RunLine) -> None:
        identity = line.execution.id if line.execution else ""
        self._echo(f"{SIGNS[RunState.RUNNING]} {line.resource.slug} started ({line.resource.kind}) {identity}")

    def changed(self, line: RunLine) -> None:
        return

    def ended(self, line: RunLine) -> None:
        seconds = line.took(None)
        duration = f" in {duration_text(seconds)}" if seconds is not None else ""
        error = f": {in_a_line(line.error)}" if line.error else ""
        self._echo(f"{SIGNS[line.state]} {line.resource.slug} {line.state}{duration}{error}")

    def finish(self, lines: Sequence[RunLine]) -> None:
        self._echo("")
        for row in result_table(lines):
            self._echo(row)
        self._echo("")
        self._echo(summary(lines))


class JsonLines:
    """For programs: an event when a run starts, and one when it has ended."""

    def __init__(self, output: JsonOutput) -> None:
        self._output = output

    def begin(self, lines: Sequence[RunLine]) -> None:
        return

    def started(self, line: RunLine) -> None:
        if line.execution:
            self._output.started(line.execution, line.resource, "")

    def changed(self, line: RunLine) -> None:
        return

    def ended(self, line: RunLine) -> None:
        if line.execution and not line.refusal:
            self._output.ended(line.execution)
        else:
            self._output.refused(line.resource, line.error)

    def finish(self, lines: Sequence[RunLine]) -> None:
        return


class Block:
    """For a terminal: a line for each run, which is drawn anew in place."""

    def __init__(
        self,
        write: Callable[[str], object],
        size: Callable[[], tuple[int, int]],
        fit: Callable[[str, int], str],
        clock: Clock,
    ) -> None:
        """`size` is columns and rows of the terminal; `fit` makes a text that many columns wide."""
        self._write = write
        self._size = size
        self._fit = fit
        self._clock = clock
        self._lines: Sequence[RunLine] = ()
        self._height = 0

    def begin(self, lines: Sequence[RunLine]) -> None:
        self._lines = lines
        self._write("\n")
        self.draw()

    def started(self, line: RunLine) -> None:
        self.draw()

    def changed(self, line: RunLine) -> None:
        self.draw()

    def ended(self, line: RunLine) -> None:
        self.draw()

    def tick(self) -> None:
        """Called while nothing happens, since time passes."""
        if self._height:
            self.draw()

    def draw(self) -> None:
        columns, rows = self._size()
        # What goes on comes first where there is no room for all.
        shown = (
            sorted(self._lines, key=lambda line: line.state.is_final) if len(self._lines) > rows - 2 else self._lines
        )
        texts = [self._text(line, columns - 1) for line in shown[: max(1, rows - 2)]]
        up = f"\x1b[{self._height}A" if self._height else ""
        self._write("\r" + up + "\x1b[J" + "".join(f"{text}\n" for text in texts))
        self._height = len(texts)

    def finish(self, lines: Sequence[RunLine]) -> None:
        up = f"\x1b[{self._height}A" if self._height else ""
        self._height = 0
        self._write("\r" + up + "\x1b[J" + "".join(f"{row}\n" for row in [*result_table(lines), "", summary(lines)]))

    def _text(self, line: RunLine, columns: int) -> str:
        seconds = line.took(self._clock.now())
        name = max((len(each.resource.slug) for each in self._lines), default=0)
        time = "" if seconds is None else duration_text(seconds)
        what = line.error if line.state is RunState.FAILED else line.activity
        row = f"{SIGNS[line.state]} {line.resource.slug:<{name}}  {line.state.value:<9}  {time:>8}  {in_a_line(what)}"
        return self._fit(row, columns).rstrip()
