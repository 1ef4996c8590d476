"""How a run of an agent on a task ends: its exit code, and what kind of failure it was."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum

NO_COMMITS = "No git commits detected"


class ExitCode(IntEnum):
    """Of `task run` and `agent-runner run`."""

    SUCCESS = 0
    AGENT_ERROR = 1
    UNEXPECTED = 2
    USAGE_LIMIT = 10
    TIMEOUT = 11
    CONNECTIVITY = 12
    NO_AGENT = 13

    @property
    def kind(self) -> str | None:
        """As `classified_error` names it; None for a success."""
        return None if self is ExitCode.SUCCESS else self.name.lower()


ADVICE = {
    ExitCode.AGENT_ERROR: "Read the end of the transcript; run the program by hand with the same prompt.",
    ExitCode.UNEXPECTED: "Read runner.log; this is a fault of the runner or of the machine.",
    ExitCode.USAGE_LIMIT: "Wait until the limit is lifted, or take another agent.",
    ExitCode.TIMEOUT: "Give the task more time (--timeout), or make it smaller.",
    ExitCode.CONNECTIVITY: "Check the network, the proxy and the login of the program.",
    ExitCode.NO_AGENT: "Install an agent: stigmer-tui task agents",
}

CONNECTIVITY = (
    r"\benotfound\b",
    r"\beconnrefused\b",
    r"\beconnreset\b",
    r"\betimedout\b",
    r"connection refused",
    r"could not resolve",
    r"fetch failed",
    r"network is unreachable",
    r"unable to connect",
    r"error sending request",
)
"""Patterns of what programs print that do not reach their provider."""

MAX_MATCHED = 20_000
"""Characters at the end of what was printed in which the cause of a failure is searched."""
MAX_NOTICE = 300
"""Characters of a last message that can be a notice of the program. A longer one is the agent's own."""


def classify(
    status: int, timed_out: bool, failures: Sequence[str], output: str, last_message: str, limits: Sequence[str]
) -> ExitCode:
    """The exit code of an agent that has ended with this status. `failures` is what the program says that failed,
    `output` the end of what it printed, and `limits` the patterns of its usage limits.
    """
    if timed_out:
        return ExitCode.TIMEOUT
    if not status and not failures:
        # Some exit with 0 although the limit was reached, and say so in place of an answer.
        is_limited = len(last_message) <= MAX_NOTICE and matches(limits, last_message)
        return ExitCode.USAGE_LIMIT if is_limited else ExitCode.SUCCESS
    searched = "\n".join([*failures, output[-MAX_MATCHED:]])
    if matches(limits, searched):
        return ExitCode.USAGE_LIMIT
    return ExitCode.CONNECTIVITY if matches(CONNECTIVITY, searched) else ExitCode.AGENT_ERROR


def matches(patterns: Sequence[str], text: str) -> bool:
    return any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns)
