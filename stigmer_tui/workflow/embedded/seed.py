"""What is the same for the whole of an execution, in every process that goes on with it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from stigmer_tui.core.clock import Clock
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.runners.journal import ExecutionJournal

STEP = "/"

VERSION = 2
"""Of the steps of an execution. In the first one a step was a whole request, with all its attempts."""


class OtherVersionError(StigmerError):
    """Another version of the program has written the journal of an execution."""


@dataclass(frozen=True, slots=True)
class RunSeed:
    started_at: datetime
    nonce: str
    """A random text from which the identifiers and marks of this execution are made, so that they cannot be guessed."""


def start_run(journal: ExecutionJournal, clock: Clock) -> RunSeed:
    """The seed of the execution; made when it starts.

    Raises OtherVersionError.
    """
    seed = recorded_seed(journal)
    if seed is None:
        seed = RunSeed(clock.now(), secrets.token_hex(8))
        value = {"version": VERSION, "started": seed.started_at.isoformat(), "nonce": seed.nonce}
        journal.note(STEP, value, done=False)
    return seed


def recorded_seed(journal: ExecutionJournal) -> RunSeed | None:
    """None before the execution has started. Raises OtherVersionError."""
    step = journal.find(STEP)
    if step is None:
        return None
    if step.value.get("version", 1) != VERSION:
        raise OtherVersionError(
            "Another version of stigmer-tui began this run, which this one cannot continue: run it again"
        )
    return RunSeed(datetime.fromisoformat(step.value["started"]), step.value["nonce"])
