"""A program in a terminal of its own, with everything that it starts there."""

from __future__ import annotations

import os
import shlex
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from stigmer_tui.core.processes import kill_all
from tests.e2e.window import Window
from tests.e2e.world import World, eventually

MARK = "STIGMER_TEST_TERMINAL"
"""Environment variable by which the processes of a terminal are found."""


@dataclass(slots=True)
class Cell:
    window: Window
    mark: str
    is_open: bool = field(default=True, init=False)

    def processes(self) -> list[psutil.Process]:
        """Without those of the daemon, which the app may have started."""
        found = []
        for process in psutil.process_iter():
            try:
                mine = process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE
                if mine and "internal-" not in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def app(self) -> psutil.Process:
        """The process that paints, and not the one that waits for it."""
        programs = [process for process in self.processes() if process.cmdline()[:1] == [sys.executable]]
        return next(process for process in programs if not process.children())

    def close_window(self) -> None:
        self.is_open = False
        os.close(self.window.descriptor)

    def wait_for_the_end(self) -> None:
        eventually(lambda: None if self.processes() else True, "every process of the terminal to end")


@contextmanager
def cell(command: Sequence[str], world: World, folder: Path) -> Iterator[Cell]:
    mark = uuid.uuid4().hex
    # Looked at by tmux, which draws no sign that its terminal may lack.
    environment = {**world.environment, MARK: mark, "LANG": "C.UTF-8", "PS1": "shell> "}
    start = f"import os; os.execvp({command[0]!r}, {list(command)!r})"
    one = Cell(Window(["-c", start], 100, 30, environment, folder), mark)
    try:
        yield one
    finally:
        kill_all(one.processes())
        if one.is_open:
            one.close_window()
        one.window.reap()


def stand_in(state: str) -> str:
    """The command line of an app on the same terminal code as ours."""
    return shlex.join([sys.executable, "-m", "tests.e2e.stand_in", state])


def in_make(program: str, folder: Path) -> list[str]:
    (folder / "Makefile").write_text(f"app:\n\t@{program}\n", encoding="utf-8")
    return ["make", "-C", str(folder), "app"]


def in_tmux(program: str, folder: Path) -> list[str]:
    return [*tmux(folder), "new-session", program]


def tmux(folder: Path) -> list[str]:
    """A server of its own, without the settings of the person who runs the tests."""
    return ["tmux", "-f", "/dev/null", "-S", f"{folder}/tmux"]
