"""What happens in a session: `reduce` makes its state of it, and the outputs without a screen print it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.workbench.abilities import Abilities
from stigmer_tui.workbench.daemon_state import DaemonState
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource, Run
from stigmer_tui.workbench.state import Deployment, Level, ProjectProblem, ShownRun

# The server


@dataclass(frozen=True, slots=True)
class ServerSearched:
    """A person wants the server to be looked for again."""


@dataclass(frozen=True, slots=True)
class ServerConnected:
    address: str
    abilities: Abilities


@dataclass(frozen=True, slots=True)
class ServerLost:
    problem: str
    log_lines: tuple[str, ...] = ()
    """The last ones of our own daemon."""


@dataclass(frozen=True, slots=True)
class DaemonReported:
    """A daemon of ours has sent its status."""

    daemon: DaemonState


@dataclass(frozen=True, slots=True)
class KeysHandedOver:
    """Our daemon had not these keys of model providers, and has them now, in memory."""

    names: tuple[str, ...]
    """Of variables."""
    at: datetime


@dataclass(frozen=True, slots=True)
class ListsChanged:
    """What can be run and what was run, as far as it is known."""

    resources: tuple[Resource, ...]
    runs: tuple[Run, ...]


# The project


@dataclass(frozen=True, slots=True)
class ProjectDetected:
    """A run by name belongs to a project, whose code is applied first."""


@dataclass(frozen=True, slots=True)
class ProjectLoaded:
    """Stigmer.yaml has been read; the project's code runs next."""

    name: str


@dataclass(frozen=True, slots=True)
class CodePrinted:
    """A line of the project's code; `is_error` when it came by standard error."""

    line: str
    is_error: bool


@dataclass(frozen=True, slots=True)
class ManifestsLoaded:
    """The code has run; what it defines is compared with the server, and sent, next."""

    resources: int


@dataclass(frozen=True, slots=True)
class Deployed:
    deployment: Deployment
    saved: str = ""
    """The files whose change led to it: `main.py`, or `main.py and 2 more`."""
    rerun: str = ""
    """Slug of the resource that runs again because of it."""


@dataclass(frozen=True, slots=True)
class DeploymentFailed:
    error: StigmerError
    problem: ProjectProblem


@dataclass(frozen=True, slots=True)
class DeploymentInterrupted:
    """A newer change has made it pointless; the code runs again."""


# Watching


@dataclass(frozen=True, slots=True)
class WatchSwitched:
    is_on: bool


@dataclass(frozen=True, slots=True)
class FilesWatched:
    count: int


@dataclass(frozen=True, slots=True)
class FilesSaved:
    change: str
    """`main.py changed (+2 −1)`."""
    at: datetime


@dataclass(frozen=True, slots=True)
class LatencyMeasured:
    """From a save to the first event of the run that it started."""

    seconds: float


# Runs


@dataclass(frozen=True, slots=True)
class RunStarted:
    run: ShownRun


@dataclass(frozen=True, slots=True)
class RunOpened:
    """A run that exists already is shown from its beginning."""

    run: ShownRun


@dataclass(frozen=True, slots=True)
class RunChanged:
    execution: Execution


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """While a run is followed; it is followed on when the server is found again."""

    execution: Execution


@dataclass(frozen=True, slots=True)
class RunEnded:
    execution: Execution


@dataclass(frozen=True, slots=True)
class RunReplaced:
    """Another run takes its place before its end was seen: it is followed no longer."""

    execution: Execution


@dataclass(frozen=True, slots=True)
class RunDetached:
    """It goes on, and nobody follows it."""

    execution: Execution


@dataclass(frozen=True, slots=True)
class Noticed:
    """Anything else that a person should know, in a sentence."""

    text: str
    level: Level
    at: datetime


ServerEvent = ServerSearched | ServerConnected | ServerLost | DaemonReported | KeysHandedOver | ListsChanged
ProjectEvent = (
    ProjectDetected
    | ProjectLoaded
    | CodePrinted
    | ManifestsLoaded
    | Deployed
    | DeploymentFailed
    | DeploymentInterrupted
    | WatchSwitched
    | FilesWatched
    | FilesSaved
    | LatencyMeasured
)
RunEvent = RunStarted | RunOpened | RunChanged | ConnectionLost | RunEnded | RunReplaced | RunDetached
Event = ServerEvent | ProjectEvent | RunEvent | Noticed
