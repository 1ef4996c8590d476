"""What happens in a session: `reduce` makes its state of it, and the outputs without a screen print it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.watch_rules import WatchRules
from stigmer_tui.workbench.abilities import Abilities
from stigmer_tui.workbench.daemon_state import DaemonState
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource, Run
from stigmer_tui.workbench.preview import Preview
from stigmer_tui.workbench.project_tests import Tests
from stigmer_tui.workbench.state import Deployment, Level, ProjectProblem, ShownRun

# A dataclass takes a third of a millisecond to make, which every command would wait for: events of one shape share one.


@dataclass(frozen=True, slots=True)
class PlainEvent:
    """That it has happened is all there is to be said."""


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """Something happens to the run that is shown."""

    run: ShownRun


@dataclass(frozen=True, slots=True)
class ExecutionEvent:
    """Something happens to an execution, which is changed in place."""

    execution: Execution


# The server


class ServerSearched(PlainEvent):
    """A person wants the server to be looked for again."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ServerConnected:
    """The server answers."""

    address: str
    abilities: Abilities


@dataclass(frozen=True, slots=True)
class ServerLost:
    """The server does not answer, or there is none."""

    problem: str
    log_lines: tuple[str, ...] = ()
    """The last ones of our own daemon."""


@dataclass(frozen=True, slots=True)
class DaemonReported:
    """A daemon of ours has sent its status."""

    daemon: DaemonState


@dataclass(frozen=True, slots=True)
class SecretsRecalled:
    """The keyring has values for these variables of a run, which nobody has given."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SecretsRemembered:
    """These are in the keyring now, for runs from the folder of the session."""

    names: tuple[str, ...]


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


@dataclass(frozen=True, slots=True)
class ResourcePreviewed:
    """What a person looks at before a run; None when that is over."""

    preview: Preview | None


# The project


class ProjectDetected(PlainEvent):
    """A run by name belongs to a project, whose code is applied first."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ProjectLoaded:
    """Stigmer.yaml has been read; the project's code runs next."""

    name: str
    elsewhere: str = ""
    """The project's folder, where the program was not started in it."""


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
    """The code's resources are on the server."""

    deployment: Deployment
    saved: str = ""
    """The files whose change led to it: `main.py`, or `main.py and 2 more`."""
    rerun: str = ""
    """Slug of the resource that runs again because of it."""
    waits: bool = False
    """Whether it runs again when its run that goes on has ended."""


@dataclass(frozen=True, slots=True)
class DeploymentFailed:
    """The code does not run, or the server does not take what it defines."""

    error: StigmerError
    problem: ProjectProblem


class DeploymentInterrupted(PlainEvent):
    """A newer change has made it pointless; the code runs again."""

    __slots__ = ()


# Watching


@dataclass(frozen=True, slots=True)
class WatchSwitched:
    """Saves are deployed from now on, or no longer."""

    is_on: bool


@dataclass(frozen=True, slots=True)
class WatchRulesChanged:
    """By Stigmer.yaml, or by a person."""

    rules: WatchRules


@dataclass(frozen=True, slots=True)
class FilesWatched:
    """So many files of the project are watched."""

    count: int


@dataclass(frozen=True, slots=True)
class FilesSaved:
    """A person has saved something."""

    change: str
    """`main.py changed (+2 −1)`."""
    at: datetime


@dataclass(frozen=True, slots=True)
class LatencyMeasured:
    """From a save to the first event of the run that it started."""

    seconds: float


@dataclass(frozen=True, slots=True)
class TestsChanged:
    """How the tests of the project stand."""

    __test__ = False  # pytest collects by the name

    tests: Tests


# Runs


class RunStarted(ShownEvent):
    """A new run is shown."""

    __slots__ = ()


class RunOpened(ShownEvent):
    """A run that exists already is shown from its beginning."""

    __slots__ = ()


class RunChanged(ExecutionEvent):
    """Something has happened in a followed run."""

    __slots__ = ()


class ConnectionLost(ExecutionEvent):
    """While a run is followed; it is followed on when the server is found again."""

    __slots__ = ()


class RunEnded(ExecutionEvent):
    """The end of a followed run has been seen."""

    __slots__ = ()


class RunReplaced(ExecutionEvent):
    """Another run takes its place before its end was seen: it is followed no longer."""

    __slots__ = ()


class RunDetached(ExecutionEvent):
    """It goes on, and nobody follows it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Noticed:
    """Anything else that a person should know, in a sentence."""

    text: str
    level: Level
    at: datetime


ServerEvent = (
    ServerSearched
    | ServerConnected
    | ServerLost
    | DaemonReported
    | KeysHandedOver
    | SecretsRecalled
    | SecretsRemembered
    | ListsChanged
    | ResourcePreviewed
)
ProjectEvent = (
    ProjectDetected
    | ProjectLoaded
    | CodePrinted
    | ManifestsLoaded
    | Deployed
    | DeploymentFailed
    | DeploymentInterrupted
    | WatchSwitched
    | WatchRulesChanged
    | FilesWatched
    | FilesSaved
    | LatencyMeasured
    | TestsChanged
)
RunEvent = RunStarted | RunOpened | RunChanged | ConnectionLost | RunEnded | RunReplaced | RunDetached
Event = ServerEvent | ProjectEvent | RunEvent | Noticed
