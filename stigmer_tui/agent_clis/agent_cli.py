"""What is known of the program of an agent."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stigmer_tui.agent_clis.events import LineReader

RATE_LIMIT = ("rate limit", "quota", r"\b429\b")
"""Patterns of usage limits that most programs print."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What the command of a run is made of."""

    prompt: str
    folder: Path
    """In which the agent works."""
    run_folder: Path
    """In which the run is recorded."""
    model: str
    git_folder: str = ""
    """In which the repository keeps its commits; empty outside of one."""


@dataclass(frozen=True, slots=True)
class OwnLog:
    """A file in which a program tells what its output does not, such as that it waits for the end of a usage limit."""

    path: Callable[[Path], Path]
    """In the folder of the run."""
    environment: Callable[[Path], Mapping[str, str]]
    """Has the program write it there; given the folder of the run."""
    reader: Callable[[], LineReader]


@dataclass(frozen=True, slots=True)
class AgentCli:
    """A coding agent that is run without a person at it."""

    name: str
    binary: str
    """A name on PATH, or a path."""
    install: str
    """The command that installs it; empty if unknown."""
    preference: int
    """`auto` tries the highest one first."""
    arguments: Callable[[Launch], list[str]]
    """What stands behind the binary."""
    reader: Callable[[], LineReader]
    """Makes the reader of a run's output."""
    default_model: str = ""
    """Empty for that of the program's own configuration."""
    model_variable: str = ""
    """Environment variable that names another model."""
    usage_limits: tuple[str, ...] = RATE_LIMIT
    """Patterns of what it prints when its usage limit is reached, also with exit code 0."""
    last_message: Callable[[Path], Path] | None = None
    """The file in the run's folder to which it writes its last message, if it does."""
    own_log: OwnLog | None = None
    """Read beside its output, while it runs."""
    refusal: Callable[[Mapping[str, str]], str] = lambda environment: ""
    """Why it cannot run in an environment; empty if it can."""

    def model(self, asked: str, environment: Mapping[str, str]) -> str:
        """The model of a run that asks for this one; empty for the program's own."""
        configured = environment.get(self.model_variable, "") if self.model_variable else ""
        return asked or configured or self.default_model

    def found(self, environment: Mapping[str, str]) -> str:
        """The path of its binary; empty if there is none."""
        return shutil.which(self.binary, path=environment.get("PATH")) or ""
