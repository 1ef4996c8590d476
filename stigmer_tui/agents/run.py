"""What belongs to one execution while it is worked on."""

from __future__ import annotations

import traceback
from dataclasses import dataclass

from stigmer_tui.agents.record import AgentJournal
from stigmer_tui.agents.transcript import Transcript
from stigmer_tui.core.clock import timestamp
from stigmer_tui.runners.lease import Lease
from stigmer_tui.runners.reporter import Reporter


@dataclass(frozen=True, slots=True)
class AgentRun:
    agent: str
    """Its name, for messages to people."""
    lease: Lease
    transcript: Transcript
    record: AgentJournal
    reporter: Reporter

    def now(self) -> str:
        return timestamp(self.lease.clock.now())

    def redacted_trace(self) -> str:
        """Of the error that is being handled, for the log."""
        return self.lease.redactor.text(traceback.format_exc())
