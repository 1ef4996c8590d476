"""The identity of a runner, as known to its supervisor, never as claimed by the runner."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunnerIdentity:
    """A process that the supervisor has started."""

    name: str
    """Name of the component, such as `agent-runner`."""
    pid: int
