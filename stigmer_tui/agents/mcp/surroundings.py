"""What MCP servers get from the run they belong to, and not from their definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stigmer_tui.agents.sandbox.confinement import PASSED_ON
from stigmer_tui.core.processes import OWNER_MARK

ALSO_PASSED_ON = ("HOME", "SHELL", "TERM", "TMPDIR")
"""Variables that programs which fetch themselves need, such as npx and uvx: they keep what they fetched at home."""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Seconds that programs may take; an HTTP server has a limit of its own."""

    start: float = 60.0
    """Until it answers; npx and docker may have to fetch it first."""
    call: float = 120.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    folder: Path
    """The working folder of the agent."""
    environment: Mapping[str, str]
    """Variables that every program gets."""
    redact: Callable[[str], str]
    """Also for texts that were cut."""
    limits: ServerLimits = field(default_factory=ServerLimits)


def server_environment(process: Mapping[str, str], owner: str) -> dict[str, str]:
    """A few variables of a process; keys of model providers are not among them. `owner` marks what belongs to it."""
    passed_on = {name: process[name] for name in (*PASSED_ON, *ALSO_PASSED_ON) if name in process}
    return {**passed_on, OWNER_MARK: owner}
