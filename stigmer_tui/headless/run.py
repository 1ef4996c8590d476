"""A run without a screen: apply, start, show, and say by the exit code how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stigmer_tui.core.clock import Clock
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.headless.face import Output
from stigmer_tui.headless.texts import NAME_SOMETHING, ambiguous, no_project, not_found
from stigmer_tui.workbench.backend import Backend
from stigmer_tui.workbench.model import Execution, Resource, ResourceKind, RunState
from stigmer_tui.workbench.state import RunInput

COMPLETED, FAILED, INTERRUPTED = 0, 1, 130

TEXT_INTERVAL_MS = 20
"""Shortest time between two changes that are printed."""

Choose = Callable[[Sequence[Resource]], Awaitable[Resource | None]]
"""Lets the person choose; None where there is nobody to ask."""


@dataclass(frozen=True, slots=True)
class Request:
    reference: str
    """Name or id; empty for what the project defines."""
    input: RunInput
    follow: bool = True
    detach: bool = False
    """An interrupt ends the showing only."""


class HeadlessRun:
    def __init__(
        self,
        request: Request,
        backend: Backend,
        folder: Path,
        is_project: bool,
        face: Output,
        choose: Choose,
        clock: Clock,
        interrupted: asyncio.Event,
    ) -> None:
        self._request = request
        self._backend = backend
        self._folder = folder
        self._is_project = is_project
        self._face = face
        self._choose = choose
        self._clock = clock
        self._interrupted = interrupted

    async def run(self) -> int:
        """Returns the exit code. Errors are told to the face."""
        working = asyncio.create_task(self._run())
        stopping = asyncio.create_task(self._interrupted.wait())
        try:
            await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                working.cancel()
            return await working
        except asyncio.CancelledError:
            if not self._interrupted.is_set():
                raise
            return INTERRUPTED
        except StigmerError as error:
            self._face.failed(error.message, error.advice)
            return INTERRUPTED if self._interrupted.is_set() else FAILED
        finally:
            stopping.cancel()

    async def _run(self) -> int:
        resource = await self._resource()
        creating = asyncio.create_task(self._create(resource))
        try:
            execution = await asyncio.shield(creating)
            if not self._request.follow:
                self._face.left_running(execution)
                return COMPLETED
            await self._follow(execution)
        except asyncio.CancelledError:
            # Asked for, a run comes into being, whether or not somebody still waits for the answer.
            await self._interrupt(await creating)
            raise
        self._face.ended(execution)
        return COMPLETED if execution.state is RunState.COMPLETED else FAILED

    async def _create(self, resource: Resource) -> Execution:
        if names := await self._backend.hand_over_keys():
            self._face.handed_over(names)
        execution = await self._backend.create(resource, self._request.input)
        self._face.started(resource, execution)
        return execution

    async def _resource(self) -> Resource:
        reference = self._request.reference
        if not self._is_project:
            if not reference:
                raise no_project(NAME_SOMETHING)
            return await self._resolve(reference)
        if reference:
            self._face.project_detected()
        found = await self._deploy()
        if reference:
            return await self._resolve(reference)
        if len(found) == 1:
            return found[0]
        chosen = await self._choose(found)
        if chosen is None:
            raise ambiguous(found)
        return chosen

    async def _deploy(self) -> Sequence[Resource]:
        # Outside a project nothing is deployed, and what reads projects need not be loaded.
        from stigmer_tui.workbench.deployment import Deployer

        deployer = Deployer(self._folder, self._backend, self._clock)
        self._face.project_loaded(deployer.project.name)
        self._face.manifests_loaded(await deployer.synthesize(self._face.synthesis_output))
        deployment = await deployer.apply()
        for warning in deployment.warnings:
            self._face.warned(warning)
        self._face.deployed(
            deployment.applied, deployment.count(ResourceKind.AGENT), deployment.count(ResourceKind.WORKFLOW)
        )
        return deployment.resources

    async def _resolve(self, reference: str) -> Resource:
        found = await self._backend.resolve(reference)
        if found is None:
            raise not_found(reference)
        return found

    async def _follow(self, execution: Execution) -> None:
        await self._backend.follow(
            execution, lambda: self._face.changed(execution), self._face.connection_lost, TEXT_INTERVAL_MS
        )

    async def _interrupt(self, execution: Execution) -> None:
        """Whoever presses Ctrl+C must know what became of the run."""
        if self._request.detach:
            self._face.left_running(execution)
            return
        await self._backend.cancel(execution.id, "interrupted by the user")
        await self._follow(execution)
        self._face.ended(execution)
