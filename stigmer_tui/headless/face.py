"""What a run shows without a screen: for people, or for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from stigmer_tui.workbench.model import Execution, Resource
from stigmer_tui.workbench.state import ApplySummary


class Output(Protocol):
    """Told what happens, in the order in which it happens."""

    def project_detected(self) -> None:
        """A run by name stands in a project, whose code is applied first."""
        ...

    def project_loaded(self, name: str) -> None: ...

    def synthesis_output(self, line: str, is_error: bool) -> None:
        """A line that the project's code printed; `is_error` when it came by standard error."""
        ...

    def manifests_loaded(self, resources: int) -> None: ...

    def deployed(self, applied: ApplySummary, agents: int, workflows: int) -> None: ...

    def warned(self, text: str) -> None: ...

    def handed_over(self, names: Sequence[str]) -> None:
        """Keys of model providers that the daemon had not; by the names of their variables."""
        ...

    def started(self, resource: Resource, execution: Execution) -> None: ...

    def changed(self, execution: Execution) -> None: ...

    def connection_lost(self) -> None: ...

    def ended(self, execution: Execution) -> None: ...

    def left_running(self, execution: Execution) -> None:
        """Nobody follows it any longer, and it goes on."""
        ...

    def failed(self, message: str, advice: str) -> None:
        """There is no run, or no longer a way to follow it."""
        ...
