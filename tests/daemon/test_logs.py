"""The last lines of the logs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from stigmer_tui.core.paths import Home
from stigmer_tui.daemon.logs import last_lines


def test_lines_of_an_earlier_try_are_left_out(tmp_path: Path) -> None:
    """Point 24: what a daemon wrote that ended before says nothing about the one that does not start."""
    home = Home(tmp_path)
    home.prepare()
    for name, minute, message in (("server", 1, "ended"), ("agent-runner", 2, "ended"), ("server", 3, "in use")):
        line = {"time": f"2026-11-25T10:0{minute}:00.000000Z", "level": "info", "component": name, "message": message}
        with home.log(name).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
    assert [line.message for line in last_lines(home, 8)] == ["ended", "ended", "in use"]
    since = datetime(2026, 11, 25, 10, 2, 30, tzinfo=UTC)
    assert [line.message for line in last_lines(home, 8, since=since)] == ["in use"]
