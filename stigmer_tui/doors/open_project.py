"""A folder that is open for another program: its latest code is deployed before each run; runs go on side by side."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from stigmer_tui.client.connection import Connection, connected
from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.configuration import load_configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.headless.approvals import Approvals, Ask, OnApproval, nobody_to_ask
from stigmer_tui.headless.texts import not_found, unknown_execution
from stigmer_tui.project.project_file import project_folder
from stigmer_tui.workbench.approvals import Verdict, WaitingCall
from stigmer_tui.workbench.events import Event, RunChanged, RunStarted
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource, Run
from stigmer_tui.workbench.runs import Runs
from stigmer_tui.workbench.servers import server_of
from stigmer_tui.workbench.session import Session
from stigmer_tui.workbench.state import Deployment, RunInput, ShownRun
from stigmer_tui.workbench.turns import Turn, next_turn

INTERVAL_MS = 20
"""Shortest time between two changes of a run that are told."""

HUNG_UP = "the client hung up"

Listener = Callable[[Event], None]

Item = TypeVar("Item")


class OpenProject:
    """All of it raises StigmerError, in words for people."""

    def __init__(self, session: Session, runs: Runs) -> None:
        self.session = session
        self.runs = runs
        self._listeners: dict[str, Listener] = {}
        """By the id of the execution that each is about."""
        self._deploying = asyncio.Lock()
        session.store.subscribe(self._take)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """To the same server, for what runs have nothing to do with."""
        async with connected(server_of(self.session.configuration, self.session.clock).locate) as connection:
            yield connection

    @property
    def name(self) -> str:
        return self.session.folder.name

    async def deploy(self) -> Deployment | None:
        """The project's latest code; None outside a project."""
        if not self.session.is_project:
            return None
        async with self._deploying:
            return await self.session.deploy()

    async def resources(self) -> tuple[Resource, ...]:
        """What can be run: what the project defines; outside a project, all that is deployed."""
        if deployment := await self.deploy():
            return deployment.resources
        lists = await self.runs.lists()
        return lists[0] if lists else ()

    async def find(self, reference: str) -> Resource | None:
        """By name or id, a workflow before an agent of the same name; with the latest code."""
        deployment = await self.deploy()
        own = deployment.named(reference) if deployment else None
        return own or await self.session.resolve(reference)

    async def resource(self, reference: str) -> Resource:
        """As `find`; raises StigmerError where there is none."""
        if (found := await self.find(reference)) is None:
            raise not_found(reference)
        return found

    async def open(self, reference: str) -> ShownRun:
        """An execution by its id, or the newest one of a session by the id of that; with all that has happened."""
        found = await self.session.find(reference)
        if not isinstance(found, Run):
            raise unknown_execution(reference)
        shown = await self.runs.open(found, RunInput())
        if shown.execution.state.is_final:
            # Reads the executions that it has started as well.
            await self.runs.follow(shown.execution)
        return shown

    async def start(self, resource: Resource, run_input: RunInput) -> ShownRun:
        return await self.runs.start(await self._prepared(resource, run_input), run_input)

    async def begin(self, resource: Resource, run_input: RunInput, session_id: str) -> ShownRun:
        """The first message of a session that is there already."""
        prepared = await self._prepared(resource, run_input)
        return await self.runs.send(Turn(prepared, run_input, (), 1, session_id))

    async def continue_after(self, reference: str, message: str, run_input: RunInput | None = None) -> ShownRun:
        """The next message of a conversation, after an execution of it, with the latest code."""
        shown = await self.open(reference)
        if not shown.execution.session:
            raise StigmerError("Only the run of an agent can be continued by a message")
        if not shown.execution.state.is_final:
            raise StigmerError("The agent is still at its last message", "Wait for its end, or cancel it.")
        await self.deploy()
        given = run_input or shown.input
        resource = await self._prepared(shown.resource, given)
        return await self.runs.send(next_turn(replace(shown, resource=resource, input=given), message))

    async def _prepared(self, resource: Resource, run_input: RunInput) -> Resource:
        """With its variables. What the keyring remembers of them has been read, and the daemon has the keys of model
        providers.
        """
        found = await self.session.with_variables(resource)
        await self.session.inputs.recall_secrets([found], run_input)
        await self.runs.hand_over_keys()
        return found

    async def follow(
        self, shown: ShownRun, listener: Listener, ask: Ask = nobody_to_ask, *, detach: bool = False
    ) -> Execution:
        """Until it has ended; `listener` is told of its changes, `ask` decides on calls that wait for approval.

        Who no longer follows a run ends it, unless `detach` is set.
        """
        execution = shown.execution
        approvals = Approvals(self.session, OnApproval.ASK, ask)

        def take(event: Event) -> None:
            approvals.take(event)
            listener(event)

        self._listeners[execution.id] = take
        deciding = asyncio.create_task(approvals.run())
        try:
            take(RunStarted(shown))
            await self.runs.follow(execution)
        except asyncio.CancelledError:
            if not detach:
                await self.cancel(execution, HUNG_UP)
            raise
        finally:
            deciding.cancel()
            del self._listeners[execution.id]
        return execution

    async def told(
        self, shown: ShownRun, tell: Callable[[Event], Iterable[Item]], ask: Ask = nobody_to_ask
    ) -> AsyncGenerator[Item, None]:
        """What `tell` makes of the changes of a run, until it has ended. Who no longer reads on ends it."""
        news = asyncio.Queue[Item | None]()

        def take(event: Event) -> None:
            for item in tell(event):
                news.put_nowait(item)

        async def ask_then(waiting: WaitingCall) -> Verdict:
            # What a question is about comes first.
            await news.join()
            return await ask(waiting)

        following = asyncio.create_task(self.follow(shown, take, ask_then))
        following.add_done_callback(lambda _: news.put_nowait(None))
        try:
            while (item := await news.get()) is not None:
                yield item
                news.task_done()
            following.result()
        finally:
            following.cancel()
            await asyncio.wait((following,))

    async def cancel(self, execution: Execution, reason: str) -> None:
        """Nothing, where it has ended meanwhile."""
        with suppress(StigmerError):
            await asyncio.shield(self.runs.cancel(execution, reason))

    def _take(self, event: Event) -> None:
        match event:
            case RunChanged(execution) if listener := self._listeners.get(execution.id):
                listener(event)
            case _:
                pass


@asynccontextmanager
async def open_project(folder: Path, organization: str = "") -> AsyncIterator[OpenProject]:
    """The project of a folder, or the folder alone; the daemon is started where it does not run."""
    session = Session(
        load_configuration(os.environ),
        project_folder(folder),
        SystemClock(),
        organization=organization,
        interval_ms=INTERVAL_MS,
    )
    async with session.opened() as runs:
        yield OpenProject(session, runs)
