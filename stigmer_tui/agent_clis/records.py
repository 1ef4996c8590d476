"""The records of runs: `logs/TASK/AGENT/RUN_ID/`, and what collects them.

metadata.json     all that is known of the run, also while it goes on and when it failed
summary.txt       a line and the last message, for people
transcript.log    what the program printed, while it prints
stdout.log        the end of that, once it has ended
runner.log        what the runner did
changes.patch     what the agent has committed
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from stigmer_tui.agent_clis.git import Commit
from stigmer_tui.core.clock import timestamp
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home
from stigmer_tui.core.private_files import open_private, write_private
from stigmer_tui.core.units import duration_text

METADATA = "metadata.json"
TRANSCRIPT = "transcript.log"
PATCH = "changes.patch"
CANCELLED = "cancelled"
"""As `classified_error` names it."""
HEARTBEAT = "heartbeat"
"""In place of a task: a line for each heartbeat."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What is kept of a run; the names are those of metadata.json."""

    run_id: str
    agent: str
    task: str
    start_time: str
    end_time: str | None = None
    """None as long as it runs, and for ever where the runner itself has died."""
    elapsed_seconds: float | None = None
    exit_code: int | None = None
    token_count: int | None = None
    cost: float | None = None
    """US dollars, where the program says."""
    last_message: str = ""
    commits: tuple[Commit, ...] = ()
    files_changed: int = 0
    insertions: int = 0
    deletions: int = 0
    debug_prompt: str | None = None
    """The whole prompt, with --debug."""
    dry_run: bool = False
    requires_commit: bool = False
    classified_error: str | None = None
    error: str = ""
    """Why it failed, in a sentence."""
    model: str = ""
    folder: str = ""
    """In which the agent worked."""
    project: str = ""
    """The folder in which the run was begun."""
    branch: str = ""
    """Of its worktree, if it had one."""
    notification: str = ""
    """`sent`, `off`, or why it was not sent; empty as long as none was tried."""
    pid: int = field(default_factory=os.getpid)
    """Of the runner."""

    @property
    def is_cancelled(self) -> bool:
        return self.classified_error == CANCELLED

    @property
    def summary(self) -> str:
        """A line, and the last message."""
        parts = [self.start_time, f"[{self.agent}/{self.task}]"]
        parts.append("SUCCESS" if self.exit_code == 0 else f"FAILED ({self.classified_error or 'unfinished'})")
        if self.elapsed_seconds is not None:
            parts.append(duration_text(self.elapsed_seconds))
        parts.append(f"{self.token_count if self.token_count is not None else '-'} tokens")
        parts.append(f"{self.files_changed} files, +{self.insertions} -{self.deletions} lines")
        said = self.error or self.last_message
        return " ".join(parts) + (f"\n{said.strip()}\n" if said.strip() else "\n")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The files of one run."""

    path: Path

    @classmethod
    def create(cls, logs: Path, task: str, agent: str, started: datetime) -> RunFolder:
        """Two runs that start in the same second get ids of their own. Raises StigmerError."""
        parent = logs / task / agent
        stem = started.strftime("%Y%m%d_%H%M%S")
        try:
            parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            for number in range(1, 1000):
                path = parent / (stem if number == 1 else f"{stem}_{number}")
                try:
                    path.mkdir(mode=0o700)
                except FileExistsError:
                    continue
                return cls(path)
        except OSError as error:
            raise StigmerError(f"Cannot make a folder for the run in {parent}: {error.strerror}") from error
        raise StigmerError(f"There are too many runs of this second in {parent}")

    @property
    def run_id(self) -> str:
        return self.path.name

    @property
    def transcript(self) -> Path:
        return self.path / TRANSCRIPT

    def log(self, moment: datetime, text: str) -> None:
        """Adds a line to runner.log."""
        _append(self.path / "runner.log", f"{timestamp(moment)} {text}\n")

    def write(self, record: RunRecord, output: str = "", patch: str = "") -> None:
        """Writes what is known now; at once, so that a reader never sees half of it."""
        write_private(self.path / METADATA, json.dumps(asdict(record), ensure_ascii=False, indent=2) + "\n")
        if record.end_time is not None:
            write_private(self.path / "summary.txt", record.summary)
            write_private(self.path / "stdout.log", output)
            if patch:
                write_private(self.path / PATCH, patch)

    def collect(self, record: RunRecord) -> None:
        """Adds the summary to those of the task and of the agent."""
        _append(self.path.parents[1] / "task.log", record.summary)
        _append(self.path.parent / "agent.log", record.summary)


def logs_of(home: Home) -> Path:
    """The folder of all runs, unless a person names another."""
    return home.root / "logs"


def read_record(path: Path) -> RunRecord | None:
    """Of a run's folder; None where it cannot be read."""
    try:
        data: Any = json.loads((path / METADATA).read_text(encoding="utf-8"))
        known = {name: data[name] for name in RunRecord.__dataclass_fields__ if name in data}
        record = RunRecord(**known)
        return replace(record, commits=tuple(Commit(**commit) for commit in data.get("commits", ())))
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def read_runs(logs: Path, task: str = "", agent: str = "") -> Iterator[tuple[Path, RunRecord]]:
    """The newest first; those of one task or agent, where one is named."""
    found = [path.parent for path in logs.glob(f"{task or '*'}/{agent or '*'}/*/{METADATA}")]
    for path in sorted(found, key=lambda path: path.name, reverse=True):
        if record := read_record(path):
            yield path, record


def is_alive(record: RunRecord) -> bool:
    """Whether the process with the pid of its runner is a runner of tasks."""
    try:
        command = psutil.Process(record.pid).cmdline()
    except (psutil.Error, ValueError):
        return False
    return record.task in command and any("stigmer" in part for part in command)


def note_heartbeat(logs: Path, moment: datetime) -> Path:
    """Adds a line; returns the file."""
    path = logs / HEARTBEAT / "task.log"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _append(path, f"{timestamp(moment)}\n")
    return path


def _append(path: Path, text: str) -> None:
    with os.fdopen(open_private(path, os.O_WRONLY | os.O_APPEND), "a", encoding="utf-8") as file:
        file.write(text)
