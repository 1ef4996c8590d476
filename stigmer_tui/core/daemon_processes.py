"""The processes of a daemon, in one table, and the identity of a running one as known to its supervisor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunnerIdentity:
    """A process that the supervisor has started."""

    name: str
    """Name of the component, such as `agent-runner`."""
    pid: int


Ask = Callable[[float], Awaitable[str]]
"""Asks a runner what keeps it from its work; empty for nothing. Raises TimeoutError when it does not answer in so many
seconds.
"""


@dataclass(frozen=True, slots=True)
class DaemonProcess:
    name: str
    """In the status, in the logs, and as the name of its log file."""
    label: str
    """In the sidebar."""
    noun: str
    """In sentences: `The agent runner was killed`."""
    kind: str = ""
    """Name in runner.proto's `Hello.Kind` of what a runner takes; empty for the server."""
    main: str = ""
    """Entry point of a runner: a coroutine function of configuration, channel and the event that ends it."""

    @property
    def command(self) -> str:
        """The hidden command that is this process."""
        return f"internal-{self.name}"


SERVER = DaemonProcess("server", "server", "daemon")

AGENT_RUNNER = DaemonProcess("agent-runner", "agents", "agent runner", "AGENTS", "stigmer_tui.agents.runner:run_agents")

RUNNERS = (
    DaemonProcess(
        "workflow-runner", "workflows", "workflow runner", "WORKFLOWS", "stigmer_tui.workflow.runner:run_workflows"
    ),
    AGENT_RUNNER,
)
"""Started and watched by the server."""

PROCESSES = (SERVER, *RUNNERS)

LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
"""Of their log lines, the least severe first."""
