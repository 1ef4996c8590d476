"""A run of an agent: what belongs to one execution, and the instructions for its model."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stigmer_tui.agents.allowed_tools import AllowedTools
from stigmer_tui.agents.journal import AgentJournal
from stigmer_tui.agents.sandbox.folder import Folder
from stigmer_tui.agents.sandbox.skill_files import RunSkill
from stigmer_tui.agents.skills import skills_section
from stigmer_tui.agents.spending import Spending
from stigmer_tui.agents.transcript import TranscriptRecorder
from stigmer_tui.agents.working_time import WorkingTime
from stigmer_tui.api.model_call_pb2 import ModelCall
from stigmer_tui.api.phases import Phase
from stigmer_tui.core.approval_policy import ApprovalPolicy
from stigmer_tui.core.clock import timestamp
from stigmer_tui.core.configuration import AnswerSettings
from stigmer_tui.definition.script import Script
from stigmer_tui.definition.tool_names import ToolNames
from stigmer_tui.runners.lease import Lease, Reporter

if TYPE_CHECKING:
    from stigmer_tui.agents.mcp.shared import Server


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run has ended."""

    phase: Phase
    error: str = ""
    answer: str = ""
    """The last text of the agent."""


@dataclass(frozen=True, slots=True)
class Caller:
    """What a sub-agent has from the run that called it."""

    depth: int
    """Of the sub-agent: 1 for one that an agent has called."""
    folder: Folder
    """The working folder of both."""
    servers: Sequence[Server]
    script: Script | None
    """The script of the calling run, which has those of its sub-agents."""
    run: AgentRun
    """The calling run."""
    tool_names: ToolNames
    """What the tools of the servers are called in both: an approval names them once."""


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
    """Of the run and its sub-agents."""
    allowed: AllowedTools
    """In the run and its sub-agents."""
    time: WorkingTime
    work: Callable[[Lease, Caller], Awaitable[Outcome]]
    """Works on the lease of a sub-agent."""
    caller: Caller | None = None
    """What has called this run, if it is that of a sub-agent."""
    approve: ApprovalPolicy = field(default_factory=ApprovalPolicy)
    """The configured tools that wait for approval, where neither the run nor its agent names any."""
    history_tokens: int = 0
    """What the history of the conversation may take; 0 for what the window of the model allows."""

    answers: AnswerSettings = field(default_factory=AnswerSettings)

    def now(self) -> str:
        """The current time, RFC 3339."""
        return timestamp(self.lease.clock.now())

    def note_call(self, call: ModelCall) -> None:
        """A model has answered."""
        self.spending.note(self.lease.execution_id, call)
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


SUB_AGENT = """
## Your answer

Another agent has given you this task, in the first message. It sees only your last one: say all of the result there.
"""


def instructions_for(agent_instructions: str, is_sub_agent: bool = False, skills: Sequence[RunSkill] = ()) -> str:
    """The agent's instructions, followed by those about its working folder, its skills, and about its answer if an
    agent asks.
    """
    answer = SUB_AGENT if is_sub_agent else ""
    return f"{agent_instructions.strip() or DEFAULT}\n{WORKING_FOLDER}{skills_section(skills)}{answer}"
