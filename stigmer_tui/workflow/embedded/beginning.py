"""What is the same for the whole of an execution, in whichever process it goes on."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from stigmer_tui.core.clock import Clock
from stigmer_tui.runners.journal import ExecutionJournal

STEP = "/"


@dataclass(frozen=True, slots=True)
class RunSeed:
    started_at: datetime
    nonce: str
    """What makes identifiers and marks of this execution its own; nobody outside can guess it."""


def begin(journal: ExecutionJournal, clock: Clock) -> RunSeed:
    """As it was the first time, where there was one."""
    recorded = journal.find(STEP)
    if recorded is not None:
        return RunSeed(datetime.fromisoformat(recorded.value["started"]), recorded.value["nonce"])
    beginning = RunSeed(clock.now(), secrets.token_hex(8))
    journal.note(STEP, {"started": beginning.started_at.isoformat(), "nonce": beginning.nonce}, done=False)
    return beginning
