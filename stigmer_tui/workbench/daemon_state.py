"""What the sidebar shows of the daemon."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from stigmer_tui.workbench.abilities import ALL, Abilities


class ComponentState(StrEnum):
    STARTING = "starting"
    READY = "ready"
    BUSY = "busy"
    NOT_READY = "not ready"
    """It is there, and does not answer, or something such as a full disk keeps it from its work."""
    RESTARTING = "restarting"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Component:
    """One process of the daemon."""

    name: str
    state: ComponentState
    pid: int = 0
    memory: int = 0
    """Bytes."""
    cpu: float = 0.0
    """Percent of one core."""
    started_at: datetime | None = None
    restarts: int = 0
    detail: str = ""
    notice: str = ""
    """What a person should know of it, though it works."""
    queued: int = 0
    """Executions that wait for it."""
    last_error: str = ""
    """How its last unexpected end came about; it stays after the restart."""
    last_error_at: datetime | None = None
    log_lines: tuple[str, ...] = ()
    """The last ones that it wrote, once it has failed."""


@dataclass(frozen=True, slots=True)
class DaemonState:
    """Nothing is known before the first status; `problem` says why there is none."""

    connected: bool = False
    address: str = ""
    version: str = ""
    home: str = ""
    requires_token: bool = True
    started_at: datetime | None = None
    model: str = ""
    sandbox: str = ""
    secrets: str = ""
    engine: str = ""
    free_bytes: int = 0
    """On the disk of the home; 0 where that is not known."""
    running: int = 0
    components: tuple[Component, ...] = ()
    abilities: Abilities = ALL
    problem: str = ""
    log_lines: tuple[str, ...] = ()
    """The last ones that it wrote, where there is a problem with it."""

    @property
    def failed(self) -> tuple[Component, ...]:
        """Those that are given up."""
        return tuple(component for component in self.components if component.state is ComponentState.FAILED)
