"""Runs a session without a screen: its outputs take the events, and the exit code says how the run ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.headless.approvals import Approvals, Ask, OnApproval, nobody_to_ask
from stigmer_tui.headless.exit_code import COMPLETED, FAILED, until_interrupted
from stigmer_tui.headless.output import Output
from stigmer_tui.headless.texts import (
    NAME_SOMETHING,
    WITHOUT_WATCH,
    ambiguous,
    no_project,
    not_found,
    nothing_to_run,
    unknown_execution,
)
from stigmer_tui.workbench.events import Deployed, Event, ProjectDetected, RunDetached, RunStarted
from stigmer_tui.workbench.model import Resource, Run, RunState
from stigmer_tui.workbench.runs import Runs
from stigmer_tui.workbench.session import Session
from stigmer_tui.workbench.state import Deployment, RunInput, ShownRun
from stigmer_tui.workbench.turns import files_of, next_turn

TEXT_INTERVAL_MS = 20
"""Shortest time between two changes that are printed."""

BY_INTERRUPT = "interrupted by the user"

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
    on_approval: OnApproval = OnApproval.DENY
    watch: bool = False
    """Deploys each save, and runs again what it affects, until interrupted."""
    remember: bool = False
    """Its secrets go to the keyring, for later runs from this folder."""
    resume: str = ""
    """Id of an execution, or of a session for its newest one. It is shown to its end; with a message, its conversation
    continues."""


class HeadlessRun:
    def __init__(
        self,
        request: Request,
        session: Session,
        output: Output,
        choose: Choose,
        interrupted: asyncio.Event,
        ask: Ask = nobody_to_ask,
    ) -> None:
        self._request = request
        self._session = session
        self._output = output
        self._choose = choose
        self._interrupted = interrupted
        self._approvals = Approvals(session, request.on_approval, ask)
        session.store.subscribe(output.take)
        # After the output, which says what a question is about.
        session.store.subscribe(self._approvals.take)

    async def run(self) -> int:
        """Returns the exit code. Errors go to the output."""
        return await until_interrupted(self._work(), self._interrupted, self._output, self._approvals.run())

    async def _work(self) -> int:
        if self._request.resume:
            return await self._resume()
        return await (self._watch() if self._request.watch else self._run_once())

    # An execution that exists already

    async def _resume(self) -> int:
        async with self._session.opened() as runs:
            found = await self._session.find(self._request.resume)
            if not isinstance(found, Run):
                raise unknown_execution(self._request.resume)
            shown = await runs.open(found, self._request.input)
            if self._request.input.message:
                return await self._continue(runs, shown)
            self._emit(RunStarted(shown))
            try:
                await runs.follow(shown.execution)
            except asyncio.CancelledError:
                # It was started elsewhere; to look at it no longer is not to end it.
                self._emit(RunDetached(shown.execution))
                raise
        return COMPLETED if shown.execution.state is RunState.COMPLETED else FAILED

    async def _continue(self, runs: Runs, shown: ShownRun) -> int:
        """The next message of a conversation, with the latest code."""
        execution = shown.execution
        if not execution.session:
            raise StigmerError("Only the run of an agent can be continued by a message", "Leave --message out.")
        if not execution.state.is_final:
            advice = f"See it to its end first: stigmer-tui run --resume {execution.id}"
            raise StigmerError("The agent is still at its last message", advice)
        if self._session.is_project:
            await self._session.deploy()
        resource = await self._session.with_variables(shown.resource)
        await self._prepare(resource)
        await runs.hand_over_keys()
        given = self._request.input
        turn = next_turn(replace(shown, resource=resource), given.message, files_of(given))
        return await self._see_through(runs, runs.send(turn))

    # One run

    async def _run_once(self) -> int:
        if not self._session.is_project and not self._request.reference:
            raise no_project(NAME_SOMETHING)
        async with self._session.opened() as runs:
            return await self._see_through(runs, self._start(runs, await self._resource()))

    async def _see_through(self, runs: Runs, start: Coroutine[None, None, ShownRun]) -> int:
        starting = asyncio.create_task(start)
        try:
            execution = (await asyncio.shield(starting)).execution
            if not self._request.follow:
                self._emit(RunDetached(execution))
                return COMPLETED
            await runs.follow(execution)
        except asyncio.CancelledError:
            # Once requested, a run comes into being, whether or not anybody still waits for the answer.
            await self._interrupt(runs, await starting)
            raise
        return COMPLETED if execution.state is RunState.COMPLETED else FAILED

    async def _start(self, runs: Runs, resource: Resource) -> ShownRun:
        await self._prepare(resource)
        await runs.hand_over_keys()
        return await runs.start(resource, self._request.input)

    async def _prepare(self, resource: Resource) -> None:
        if self._request.remember:
            await self._session.inputs.remember_secrets(self._request.input)
        await self._session.inputs.recall_secrets([resource], self._request.input)

    async def _interrupt(self, runs: Runs, run: ShownRun) -> None:
        """A person who presses ctrl+c must know what became of the run."""
        if self._request.detach:
            self._emit(RunDetached(run.execution))
            return
        await runs.cancel(run.execution, BY_INTERRUPT)
        await runs.follow(run.execution)

    async def _resource(self) -> Resource:
        reference = self._request.reference
        if not self._session.is_project:
            return await self._resolve(reference)
        if reference and not self._session.has_manifests:
            self._emit(ProjectDetected())
        return await self._resource_in(await self._session.deploy())

    async def _resource_in(self, deployment: Deployment) -> Resource:
        found = deployment.resources
        if reference := self._request.reference:
            return deployment.named(reference) or await self._resolve(reference)
        if len(found) == 1:
            return found[0]
        if not found and len(instances := [item.slug for item in deployment.items if "instance" in item.kind]) == 1:
            return await self._resolve(instances[0])
        if not found:
            raise nothing_to_run()
        chosen = await self._choose(found)
        if chosen is None:
            raise ambiguous(found)
        return chosen

    async def _resolve(self, reference: str) -> Resource:
        found = await self._session.resolve(reference)
        if found is None:
            raise not_found(reference)
        return found

    # Watch

    async def _watch(self) -> int:
        """Until interrupted; the session ends before only by an error of the program."""
        if not self._session.is_project:
            raise no_project(WITHOUT_WATCH)
        if self._request.reference:
            self._emit(ProjectDetected())
        session = asyncio.create_task(self._session.run())
        starting = asyncio.create_task(self._start_when_deployed())
        try:
            await asyncio.wait((session, starting), return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                # Not `await session`, which would end with this wait, before the run does.
                await asyncio.wait((session,))
            session.result()
        except asyncio.CancelledError:
            await self._finish()
            raise
        finally:
            starting.cancel()
            session.cancel()
            await asyncio.wait((session, starting))
        return FAILED

    async def _start_when_deployed(self) -> None:
        """Code that fails to deploy may be mended by the next save."""
        deployed: asyncio.Future[Deployment] = asyncio.get_running_loop().create_future()

        def take(event: Event) -> None:
            if isinstance(event, Deployed) and not deployed.done():
                deployed.set_result(event.deployment)

        self._session.store.subscribe(take)
        resource = await self._resource_in(await deployed)
        await self._prepare(resource)
        self._session.start(resource, self._request.input)

    async def _finish(self) -> None:
        shown = self._session.state.shown
        if not self._request.detach:
            await self._session.finish(BY_INTERRUPT)
        elif shown and not shown.execution.state.is_final:
            self._emit(RunDetached(shown.execution))

    def _emit(self, event: Event) -> None:
        self._session.store.emit(event)
