"""A machine of one's own for a test: a home, projects, and the program as a command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil

from stigmer_tui.core.paths import Home
from stigmer_tui.core.processes import OWNER_MARK, kill_all, marked_processes
from stigmer_tui.daemon.record import read_record
from tests.e2e.window import PATIENCE, Window

T = TypeVar("T")

PROGRAM = ("-m", "stigmer_tui")

FOREIGN = (
    *("STIGMER", "SANDBOX", "ANTHROPIC", "OPENAI", "OLLAMA", "NO_COLOR", "TEXTUAL", "PYTEST", "LC_", "LANG"),
    # Without bytecode to load, every process would compile the program anew.
    "PYTHONDONTWRITEBYTECODE",
)
"""How variables begin with which a person would change what is tested."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """What `--output json` printed."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(slots=True)
class World:
    """Nothing of the person who runs the tests reaches the program, and nothing of the program reaches them."""

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Home:
        return Home(self.folder / "home")

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        own = {
            "HOME": str(self.folder),
            "STIGMER_HOME": str(self.home.root),
            # Any free port, so that worlds stand side by side.
            "STIGMER_ADDRESS": "127.0.0.1:0",
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }
        return {**inherited, **own, **self.variables}

    def project(self, code: str, name: str = "shop") -> Path:
        """A project with this `main.py`."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "Stigmer.yaml").write_text(f"name: {name}\nruntime: python\n", encoding="utf-8")
        (folder / "main.py").write_text(code, encoding="utf-8")
        return folder

    def new_project(self, name: str = "shop") -> Path:
        """The example that `new` makes."""
        finished = self.run("new", name)
        assert finished.code == 0, finished.err
        return self.folder / name

    def run(self, *arguments: str, cwd: Path | None = None, stdin: str = "") -> Finished:
        """A whole command, with pipes instead of a terminal."""
        process = self.started(*arguments, cwd=cwd)
        out, err = process.communicate(stdin, timeout=PATIENCE * 2)
        return Finished(process.returncode, out, err)

    def started(self, *arguments: str, cwd: Path | None = None) -> subprocess.Popen[str]:
        """A command that goes on; whoever asks for it waits for its end."""
        return subprocess.Popen(
            [sys.executable, *PROGRAM, *arguments],
            cwd=cwd or self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @contextmanager
    def window(self, *arguments: str, cwd: Path, width: int = 160, height: int = 48) -> Iterator[Window]:
        """The program in a terminal; without arguments, the full-screen app."""
        window = Window([*PROGRAM, *arguments], width, height, self.environment, cwd)
        try:
            yield window
        finally:
            window.close()

    # The daemon of this world

    def server(self) -> psutil.Process:
        record = read_record(self.home)
        assert record is not None and record.alive, "the daemon does not run"
        return psutil.Process(record.pid)

    def runner(self, name: str) -> psutil.Process:
        """`workflow-runner` or `agent-runner`; waits for one that is being started again."""
        return eventually(lambda: self._runner(name), f"there to be a {name}")

    def _runner(self, name: str) -> psutil.Process | None:
        try:
            children = self.server().children()
            return next((child for child in children if f"internal-{name}" in child.cmdline()), None)
        except psutil.Error:
            return None

    def processes(self) -> list[psutil.Process]:
        """Everything that is alive because of this world's daemon, commands of agents included."""
        found = []
        for process in psutil.process_iter():
            try:
                mine = process.environ().get("STIGMER_HOME") == str(self.home.root)
                if mine and "stigmer_tui" in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
        return [*found, *marked_processes(OWNER_MARK, str(self.home.data))]

    def close(self) -> None:
        self.run("server", "stop")
        kill_all(self.processes())


def eventually(found: Callable[[], T | None], what: str, seconds: float = PATIENCE) -> T:
    """The first thing found. For what nobody tells a test, such as the end of a process that is not its child."""
    end = time.monotonic() + seconds
    while (value := found()) is None:
        assert time.monotonic() < end, f"waited {seconds:g} s for {what}"
        time.sleep(0.02)
    return value
