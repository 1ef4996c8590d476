"""What the faces draw, as plain data: what can be run, and the runs of it.

Nothing here imports a generated message, so that the screen can stand before the wire is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from stigmer_tui.core.run_variable import RunVariable


class ResourceKind(StrEnum):
    WORKFLOW = "workflow"
    AGENT = "agent"
    TASK = "task"
    """Of a project, for coding agents of others; on no server."""


def run_label(kind: ResourceKind, resource: str, message: str) -> str:
    """What was run, and of a task, which its message names, the agent that worked on it."""
    return f"{resource} by {message}" if kind is ResourceKind.TASK and message else resource


BUILT_IN = "stigmer-tui"
"""In place of the project of a task that every installation has."""


class RunState(StrEnum):
    """Where an execution, a task or a tool call stands; each has its glyph and its colour."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"

    @property
    def is_final(self) -> bool:
        return self in (RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED, RunState.SKIPPED)


class ResourceKey(NamedTuple):
    """What a resource is known by on one server and in one organization."""

    kind: ResourceKind
    slug: str


@dataclass(frozen=True, slots=True)
class Resource:
    """An agent or a workflow as it is deployed, or a task."""

    kind: ResourceKind
    id: str
    slug: str
    name: str
    organization: str = ""
    description: str = ""
    variables: tuple[RunVariable, ...] = ()
    updated_at: datetime | None = None
    project: str = ""
    """Name of the project that deployed it, where that is known."""
    instance: str = ""
    """Id of the instance with which it runs; empty for its default one."""
    input_schema: str = ""
    """Of a workflow: the JSON schema of its input; empty where it declares none."""

    @property
    def key(self) -> ResourceKey:
        return ResourceKey(self.kind, self.slug)


@dataclass(frozen=True, slots=True)
class Run:
    """An execution, in a line of a list."""

    kind: ResourceKind
    id: str
    resource_id: str
    resource: str
    """Slug of the agent or workflow."""
    state: RunState
    message: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    error: str = ""
