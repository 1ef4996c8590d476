"""Everything that the faces know, as one frozen value. Only executions, which can be long, are changed in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from stigmer_tui.core.watch_rules import USUAL, WatchRules
from stigmer_tui.workbench.daemon_state import DaemonState
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource, ResourceKey, ResourceKind, Run
from stigmer_tui.workbench.preview import Preview
from stigmer_tui.workbench.project_tests import NO_TESTS, Tests


@dataclass(frozen=True, slots=True)
class Value:
    """A variable of a run, as the person gave it."""

    text: str
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class RunInput:
    """What a run is started with."""

    message: str = ""
    environment: Mapping[str, Value] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    """What else is asked of this run, by the names of `definition/extensions`."""


@dataclass(frozen=True, slots=True)
class ShownRun:
    """The run in the pane."""

    execution: Execution
    resource: Resource
    input: RunInput = field(default_factory=RunInput)
    number: int = 0
    """Counts the runs of this resource in this session; 0 for a run that was opened from the list."""
    why: str = ""
    """What started it: a person, or a file that changed."""
    earlier: tuple[Execution, ...] = ()
    """The executions before it in its conversation, the oldest first."""
    later: Execution | None = None
    """The next execution in its session, when an old one is shown."""
    has_newer_code: bool = False
    """Whether the agent was deployed again since: the next message runs on that."""

    is_test: bool = False
    """Whether it is the run of a test, which is deleted after the next one."""

    @property
    def conversation(self) -> tuple[Execution, ...]:
        return (*self.earlier, self.execution)

    @property
    def can_continue(self) -> bool:
        """Whether a person can write to the agent."""
        return self.execution.kind is ResourceKind.AGENT and bool(self.execution.session) and not self.is_test


class Stage(StrEnum):
    """What the project is going through."""

    IDLE = "idle"
    SYNTHESIS = "synthesis"
    APPLY = "apply"


@dataclass(frozen=True, slots=True)
class ApplySummary:
    """The outcome of bringing the server up to date with the code."""

    at: datetime
    created: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    orphaned: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        return len(self.created) + len(self.updated) + len(self.unchanged)

    @property
    def summary(self) -> str:
        """`1 updated, 4 unchanged`; only what is not zero."""
        parts = (
            (self.created, "created"),
            (self.updated, "updated"),
            (self.unchanged, "unchanged"),
            (self.orphaned, "orphaned"),
        )
        return ", ".join(f"{len(names)} {word}" for names, word in parts if names) or "nothing to deploy"


RUNNABLE = frozenset(map(str, ResourceKind))


@dataclass(frozen=True, slots=True)
class SourceLine:
    """Where a resource is defined."""

    file: str
    """Relative to the folder of the project."""
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class DeploymentItem:
    """One resource of a project, and what was done about it, or is to be done."""

    kind: str
    """A `ResourceKind` for what can be run; the noun of the kind for anything else."""
    name: str
    slug: str
    action: str
    """`created`, `updated` or `unchanged`."""
    resource: Resource | None = None
    """As it is deployed; None for one that is not, yet, and for what cannot be run."""
    id: str = ""
    """Empty for one that is not deployed, yet."""
    source: SourceLine | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """How the project stands on the server, or would stand."""

    applied: ApplySummary
    items: tuple[DeploymentItem, ...]
    affected: frozenset[ResourceKey]
    """What runs differently now."""
    warnings: tuple[str, ...] = ()

    @property
    def resources(self) -> tuple[Resource, ...]:
        """What can be run; workflows first, as they are listed everywhere."""
        found = [item.resource for item in self.items if item.resource]
        return tuple(sorted(found, key=lambda resource: resource.kind is ResourceKind.AGENT))

    def named(self, reference: str) -> Resource | None:
        """What can be run and has this name, a workflow before an agent."""
        return next((each for each in self.resources if reference in (each.slug, each.name)), None)

    @property
    def defines(self) -> frozenset[ResourceKey]:
        """All that the code defines and that can be run."""
        return frozenset(
            ResourceKey(ResourceKind(item.kind), item.slug) for item in self.items if item.kind in RUNNABLE
        )

    @property
    def sources(self) -> dict[ResourceKey, SourceLine]:
        """Of what can be run, as far as they are known."""
        return {
            ResourceKey(ResourceKind(item.kind), item.slug): item.source
            for item in self.items
            if item.source and item.kind in RUNNABLE
        }

    def count(self, kind: ResourceKind) -> int:
        return sum(item.kind == kind for item in self.items)


@dataclass(frozen=True, slots=True)
class ProjectProblem:
    """Code that does not become a deployment: the tool's own words, file and line first."""

    where: str
    """`main.py:14`, or empty when the tool did not say."""
    message: str
    output: str = ""


@dataclass(frozen=True, slots=True)
class ProjectState:
    """The project that the workbench was opened on."""

    name: str
    folder: str
    stage: Stage = Stage.IDLE
    defines: frozenset[ResourceKey] | None = None
    """What the code defines, as it was last deployed; None where that is not known yet."""
    sources: Mapping[ResourceKey, SourceLine] = field(default_factory=dict)
    """Where the code defines it, since it was deployed in this session."""
    warnings: frozenset[str] = frozenset()
    """Of the last deployment, in this session or before it."""
    applied: ApplySummary | None = None
    problem: ProjectProblem | None = None
    watching: bool = False
    watch_rules: WatchRules = USUAL
    watched_files: int = 0
    last_change: str = ""
    """`main.py (+2 −1)`."""
    last_change_at: datetime | None = None
    latency: float | None = None
    """Seconds from the last save to the first event of the run that it started."""


class Level(StrEnum):
    INFORMATION = "information"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened, in a sentence; `number` tells two equal ones apart, and grows."""

    text: str
    level: Level = Level.INFORMATION
    number: int = 0
    at: datetime | None = None
    is_known: bool = False
    """Whether it was shown before and still holds: it is in the list, and is not shown again."""


@dataclass(frozen=True, slots=True)
class WorkbenchState:
    daemon: DaemonState = field(default_factory=DaemonState)
    project: ProjectState | None = None
    resources: tuple[Resource, ...] = ()
    runs: tuple[Run, ...] = ()
    """Newest first."""
    listed: bool = False
    """Whether the lists are the server's; before that they are what the last session saw."""
    shown: ShownRun | None = None
    preview: Preview | None = None
    """Of the resource that a person looks at, unless its run is shown."""
    notices: tuple[Notice, ...] = ()
    """The latest last."""
    recent_projects: tuple[str, ...] = ()
    """Folders, the latest first."""
    tests: Tests = NO_TESTS
    context: str = ""
    """The name of the backend that is used; empty for the daemon of this home, and for a mere address."""
