"""What a running daemon says of itself on disk, so that others find it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from stigmer_tui.core.paths import Home, write_private
from stigmer_tui.core.processes import ProcessIdentity


@dataclass(frozen=True, slots=True)
class DaemonRecord:
    pid: int
    created: float
    """When the process was started, as the system tells it: a pid alone may belong to another by now."""
    address: str
    version: str
    requires_token: bool

    @property
    def process(self) -> ProcessIdentity:
        return ProcessIdentity(self.pid, self.created)

    @property
    def alive(self) -> bool:
        return self.process.alive


def read_record(home: Home) -> DaemonRecord | None:
    """The record of the daemon that runs, or of one that was killed; None after a graceful stop."""
    try:
        return DaemonRecord(**json.loads(home.daemon.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write_record(home: Home, record: DaemonRecord) -> None:
    write_private(home.daemon, json.dumps(asdict(record)))
    write_private(home.pid_file("daemon"), str(record.pid))


def remove_record(home: Home) -> None:
    home.daemon.unlink(missing_ok=True)
    home.pid_file("daemon").unlink(missing_ok=True)
