"""What a project has defined, for tests to look at."""

from __future__ import annotations

from stigmer_tui.sdk import Workflow
from stigmer_tui.sdk.layout import PlacedTask
from stigmer_tui.sdk.registry import current_registry


def tasks_in(flow: Workflow) -> tuple[PlacedTask, ...]:
    return current_registry().workflows[flow.name].tasks
