"""Who a runner is: what its supervisor knows of it, never what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunnerIdentity:
    """One process that the supervisor has started."""

    name: str
    """Of the component, such as `agent-runner`."""
    pid: int
