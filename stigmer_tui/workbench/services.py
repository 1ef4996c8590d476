"""What a session works with: the server, and where it is open on a project, the project's code."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stigmer_tui.core.clock import Clock
from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.project.project_file import find_project, load_project
from stigmer_tui.workbench.backend import Backend
from stigmer_tui.workbench.state_store import StateStore

if TYPE_CHECKING:
    from stigmer_tui.project.watch import Watcher
    from stigmer_tui.workbench.deployment import Deployer
    from stigmer_tui.workbench.project_tests import Tester


@dataclass(frozen=True, slots=True)
class Services:
    backend: Backend
    make_deployer: Callable[[StateStore], Deployer]
    """Raises StigmerError where Stigmer.yaml is wrong."""
    make_watcher: Callable[[], Watcher]
    make_tester: Callable[[], Tester] | None = None
    """None where nothing is tested or exported."""


def load_services_with_tasks(configuration: Configuration, folder: Path, organization: str, clock: Clock) -> Services:
    """As `load_services`; the tasks of the folder, and those of the program, are run beside what the server runs."""
    return load_services(configuration, folder, organization, clock, has_tasks=True)


def load_services(
    configuration: Configuration,
    folder: Path,
    organization: str,
    clock: Clock,
    manifests: Path | None = None,
    has_tasks: bool = False,
) -> Services:
    """Loads the wire, which takes a quarter of a second. `organization` is what a person has said; it may be empty.

    `manifests` are deployed instead of a project: a file, a folder, or `-`.
    """
    from stigmer_tui.workbench.grpc_backend import GrpcBackend
    from stigmer_tui.workbench.servers import server_of

    organization = organization_for(configuration, folder, organization)
    server = server_of(configuration, clock)
    if has_tasks:
        from stigmer_tui.workbench.task_backend import BackendWithTasks

        backend: GrpcBackend = BackendWithTasks(server, organization, clock, folder)
    else:
        backend = GrpcBackend(server, organization, clock)

    # What reads projects is loaded where there is one.
    def make_deployer(store: StateStore) -> Deployer:
        from stigmer_tui.workbench.deployment import Deployer

        return Deployer(folder, backend, store.emit, clock, manifests)

    def make_watcher() -> Watcher:
        from stigmer_tui.project.watch import Watcher

        if manifests is None or manifests.is_dir():
            return Watcher(folder)
        from stigmer_tui.project.manifest_files import SUFFIXES

        # A single file may stand anywhere, also where a person has all that they have.
        return Watcher(folder, suffixes=SUFFIXES)

    return Services(backend, make_deployer, make_watcher)


def organization_for(configuration: Configuration, folder: Path, named: str) -> str:
    """The one that a person has named, or else that of the project in the folder, or of the configuration."""
    return named or _organization_of(folder) or configuration.organization


def _organization_of(folder: Path) -> str:
    """What the project says; empty where it says nothing, and outside a project."""
    if project := find_project(folder):
        with suppress(StigmerError):
            # What is wrong with the file is said where it is deployed.
            return load_project(project).organization
    return ""
