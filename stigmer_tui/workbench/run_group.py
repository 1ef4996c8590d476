"""All that the project defines, run at the same time, beside the run that is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.workbench.model import Resource, ResourceKind
from stigmer_tui.workbench.ownership import own_resources
from stigmer_tui.workbench.run_progress import RunProgress
from stigmer_tui.workbench.runs import Runs
from stigmer_tui.workbench.state import RunInput
from stigmer_tui.workbench.suggestions import input_from

if TYPE_CHECKING:
    from stigmer_tui.workbench.session import LiveParts, Session


class RunGroup:
    def __init__(self, resources: Iterable[Resource]) -> None:
        self.runs = tuple(map(RunProgress, resources))
        self.is_begun = False
        self.changed: Callable[[], None] = lambda: None
        """Called when something has happened in one of them."""

    @property
    def is_over(self) -> bool:
        return all(run.state.is_final for run in self.runs)

    async def run(self, runs: Runs, input_of: Callable[[Resource], RunInput]) -> None:
        """Until all have ended; what goes wrong with one does not end the others."""
        async with asyncio.TaskGroup() as group:
            for progress in self.runs:
                group.create_task(self._run(progress, runs, input_of(progress.resource)))

    async def _run(self, progress: RunProgress, runs: Runs, run_input: RunInput) -> None:
        def changed() -> None:
            progress.update()
            self.changed()

        try:
            progress.execution = await runs.start_beside(progress.resource, run_input)
            changed()
            await runs.follow_beside(progress.execution, changed)
        except StigmerError as error:
            progress.refusal = error.message
        changed()


class RunAllIntents:
    """What a person wants of all runs at once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._group: RunGroup | None = None

    def group(self) -> RunGroup:
        """The one that goes on, or else a new one, which is to be begun."""
        if self._group is None or self._group.is_over:
            resources = own_resources(self._session.state)
            self._group = RunGroup(resource for resource in resources if resource.kind is not ResourceKind.TASK)
        return self._group

    def begin(self, group: RunGroup) -> None:
        """With the latest code, each with what it was run with last."""
        group.is_begun = True

        async def run(live: LiveParts) -> None:
            await live.catch_up()
            await live.runs.hand_over_keys()
            await group.run(live.runs, self._input_of)

        self._session.intend(run)

    def cancel(self, progress: RunProgress, reason: str) -> None:
        if (execution := progress.execution) and not progress.state.is_final:
            self._session.intend(lambda live: live.runs.cancel(execution, reason))

    def _input_of(self, resource: Resource) -> RunInput:
        return input_from(self._session.inputs.last(resource.slug), self._session.inputs.suggestions(resource))
