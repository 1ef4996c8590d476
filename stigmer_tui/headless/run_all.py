"""Runs every resource of a project at the same time; a view shows a line of each, and all of them at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.headless.approvals import Approvals, OnApproval, nobody_to_ask
from stigmer_tui.headless.exit_code import COMPLETED, FAILED, until_interrupted
from stigmer_tui.headless.output import Output
from stigmer_tui.headless.run import BY_INTERRUPT
from stigmer_tui.headless.texts import nothing_to_run
from stigmer_tui.workbench.events import Event, RunChanged, RunEnded, RunStarted
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.run_progress import RunProgress
from stigmer_tui.workbench.runs import Runs
from stigmer_tui.workbench.session import Session
from stigmer_tui.workbench.state import RunInput

INTERVAL_MS = 100
"""Shortest time between two changes of one run that are shown."""


@dataclass(slots=True, kw_only=True)
class RunLine(RunProgress):
    approvals: Approvals
    """Decides on tool calls of this run that wait."""


class RunAllView(Protocol):
    def begin(self, lines: Sequence[RunLine]) -> None: ...

    def started(self, line: RunLine) -> None: ...

    def changed(self, line: RunLine) -> None: ...

    def ended(self, line: RunLine) -> None:
        """Also for one that could not be started."""
        ...

    def finish(self, lines: Sequence[RunLine]) -> None:
        """All have ended, or are left to themselves."""
        ...


class RunAll:
    def __init__(
        self,
        run_input: RunInput,
        session: Session,
        output: Output,
        view: RunAllView,
        interrupted: asyncio.Event,
        detach: bool = False,
        on_approval: OnApproval = OnApproval.DENY,
        remember: bool = False,
    ) -> None:
        """`output` takes what happens before the runs. `detach`: an interrupt leaves the runs to themselves.
        `remember`: the secrets of the input go to the keyring.
        """
        self._input = run_input
        self._session = session
        self._output = output
        self._view = view
        self._interrupted = interrupted
        self._detach = detach
        self._on_approval = on_approval
        self._remember = remember
        self._lines: list[RunLine] = []

    async def run(self) -> int:
        """Returns the exit code: 0 when every run has completed. Errors go to the output."""
        return await until_interrupted(self._run(), self._interrupted, self._output)

    async def _run(self) -> int:
        self._session.store.subscribe(self._take)
        async with self._session.opened() as runs:
            deployment = await self._session.deploy()
            if not deployment.resources:
                raise nothing_to_run()
            if self._remember:
                await self._session.inputs.remember_secrets(self._input)
            await self._session.inputs.recall_secrets(deployment.resources, self._input)
            await runs.hand_over_keys()
            self._lines = [RunLine(resource, approvals=self._approvals()) for resource in deployment.resources]
            self._view.begin(self._lines)
            try:
                await self._follow_all(runs)
            finally:
                self._view.finish(self._lines)
        return COMPLETED if all(line.state is RunState.COMPLETED for line in self._lines) else FAILED

    def _approvals(self) -> Approvals:
        return Approvals(self._session, self._on_approval, nobody_to_ask)

    async def _follow_all(self, runs: Runs) -> None:
        starting = [asyncio.create_task(self._start(runs, line)) for line in self._lines]
        try:
            # Once requested, a run comes into being, whether or not anybody still waits for the answer.
            await asyncio.shield(asyncio.gather(*starting))
            async with asyncio.TaskGroup() as group:
                for line in self._lines:
                    group.create_task(self._follow(runs, line))
        except asyncio.CancelledError:
            await asyncio.wait(starting)
            if not self._detach:
                await self._cancel_all(runs)
            raise

    async def _start(self, runs: Runs, line: RunLine) -> None:
        try:
            line.execution = (await runs.start(line.resource, self._input)).execution
        except StigmerError as error:
            line.refusal = error.message
            self._view.ended(line)

    async def _follow(self, runs: Runs, line: RunLine) -> None:
        """What goes wrong with one does not end the others."""
        if line.execution is None or line.execution.state.is_final:
            return
        deciding = asyncio.create_task(line.approvals.run())
        try:
            await runs.follow(line.execution)
        except StigmerError as error:
            line.refusal = error.message
            self._view.ended(line)
        finally:
            deciding.cancel()

    async def _cancel_all(self, runs: Runs) -> None:
        async with asyncio.TaskGroup() as group:
            for line in self._lines:
                if line.execution is not None and not line.state.is_final:
                    group.create_task(self._cancel(runs, line, line.execution))

    async def _cancel(self, runs: Runs, line: RunLine, execution: Execution) -> None:
        try:
            await runs.cancel(execution, BY_INTERRUPT)
            await runs.follow(execution)
        except StigmerError as error:
            line.refusal = error.message
            self._view.ended(line)

    def _take(self, event: Event) -> None:
        match event:
            case RunStarted(run):
                line = next(line for line in self._lines if line.resource.key == run.resource.key)
                line.execution = run.execution
                self._view.started(line)
            case RunChanged(execution) | RunEnded(execution):
                line = next(line for line in self._lines if line.execution is execution)
                line.update()
                line.approvals.take(event)
                if isinstance(event, RunEnded):
                    self._view.ended(line)
                else:
                    self._view.changed(line)
            case _ if not self._lines:
                self._output.take(event)
