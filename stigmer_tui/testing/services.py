"""What the app works with: what `workbench` has, and tests. Nothing is loaded before it is needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from stigmer_tui.core.clock import Clock
from stigmer_tui.core.configuration import Configuration
from stigmer_tui.workbench.services import Services, load_services_with_tasks

if TYPE_CHECKING:
    from stigmer_tui.workbench.project_tests import Tester


def load_services_with_tests(configuration: Configuration, folder: Path, organization: str, clock: Clock) -> Services:
    """As `load_services_with_tasks`; runs can be exported, and tests played."""

    def make_tester() -> Tester:
        from stigmer_tui.testing.session_tests import SessionTester

        return SessionTester(configuration, folder, organization, clock)

    return replace(load_services_with_tasks(configuration, folder, organization, clock), make_tester=make_tester)
