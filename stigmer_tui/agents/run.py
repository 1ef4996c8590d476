"""A run of an agent: what belongs to one execution, and the instructions for its model."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field

from stigmer_tui.agents.journal import AgentJournal
from stigmer_tui.agents.spending import Spending
from stigmer_tui.agents.transcript import TranscriptRecorder
from stigmer_tui.api.model_call_pb2 import ModelCall
from stigmer_tui.core.approval_policy import ApprovalPolicy
from stigmer_tui.core.clock import timestamp
from stigmer_tui.runners.lease import Lease, Reporter


@dataclass(frozen=True, slots=True)
class AgentRun:
    """An execution of an agent that a runner works on."""

    agent: str
    """The name of the agent, for messages to people."""
    lease: Lease
    transcript: TranscriptRecorder
    record: AgentJournal
    reporter: Reporter
    spending: Spending
    approve: ApprovalPolicy = field(default_factory=ApprovalPolicy)
    """The configured tools that wait for approval, where neither the run nor its agent names any."""

    def now(self) -> str:
        """The current time, RFC 3339."""
        return timestamp(self.lease.clock.now())

    def note_call(self, call: ModelCall) -> None:
        """A model has answered."""
        self.spending.note(call)
        self.transcript.note_call(call)

    def redacted_trace(self) -> str:
        """The traceback of the error that is being handled, without secrets, for the log."""
        return self.lease.redactor.text(traceback.format_exc())


DEFAULT = "You are a helpful assistant."

WORKING_FOLDER = """
## Working folder

You have a folder to work in, and tools to list, read, write, edit, search and run things there. Paths start with /,
which is that folder. Shell commands start in it too; name files by relative paths in them. Use the tools when they
help, and answer directly when they do not.
"""


def instructions_for(agent_instructions: str) -> str:
    """The agent's instructions, followed by those about its working folder."""
    return f"{agent_instructions.strip() or DEFAULT}\n{WORKING_FOLDER}"
