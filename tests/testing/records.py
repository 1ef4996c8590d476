"""Runs as tests of the comparison have them."""

from __future__ import annotations

from typing import Any

from stigmer_tui.definition.recording import RecordedAgent, RecordedCall, RecordedTurn, Tokens
from stigmer_tui.testing.records import CallMade, RunRecord

READS = RecordedCall("read_file", {"file_path": "/a.md"})
CLERK = RecordedAgent(
    agent="clerk",
    message="What is left?",
    instructions="Be kind.",
    tools=("ls", "read_file"),
    turns=(RecordedTurn("", (READS,), Tokens(10, 0, 5)), RecordedTurn("Assam", (), Tokens(20, 10, 5))),
)


def record(**changes: Any) -> RunRecord:
    """A run of an agent that has read a file and answered."""
    values: dict[str, Any] = {
        "id": "agx_1",
        "is_agent": True,
        "name": "clerk",
        "message": "What is left?",
        "state": "completed",
        "error": "",
        "seconds": 1.5,
        "variables": {},
        "text": "Assam",
        "calls": [CallMade("read_file", {"file_path": "/a.md"}), CallMade("ls", {"path": "/"})],
        "agents": [CLERK],
    }
    return RunRecord(**{**values, **changes})
