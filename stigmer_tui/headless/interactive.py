"""A conversation with an agent, line by line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.headless.approvals import Ask, nobody_to_ask
from stigmer_tui.headless.exit_code import COMPLETED
from stigmer_tui.headless.output import Output
from stigmer_tui.headless.run import Choose, HeadlessRun, Request
from stigmer_tui.workbench.mentioned_files import mentions
from stigmer_tui.workbench.model import ResourceKind
from stigmer_tui.workbench.session import Session
from stigmer_tui.workbench.state import Level, RunInput
from stigmer_tui.workbench.turns import files_of, next_turn, with_files

ReadLine = Callable[[], Awaitable[str]]
"""Without its end; raises EOFError where there are no more."""


class InteractiveRun(HeadlessRun):
    def __init__(
        self,
        request: Request,
        session: Session,
        output: Output,
        choose: Choose,
        interrupted: asyncio.Event,
        read_line: ReadLine,
        folder: Path | None = None,
        ask: Ask = nobody_to_ask,
    ) -> None:
        """The message of the request, where there is one, is sent before the first line is read.

        `folder` is where the files are that a line mentions; None where no person writes.
        """
        super().__init__(request, session, output, choose, interrupted, ask)
        self._read_line = read_line
        self._folder = folder

    async def _work(self) -> int:
        """Until there are no more lines; returns the exit code of the last run."""
        code, run_input = COMPLETED, self._request.input
        async with self._session.opened() as runs:
            resource = await self._resource()
            if resource.kind is not ResourceKind.AGENT:
                raise StigmerError(f"{resource.name} is a workflow, which has no conversation", "Name an agent.")
            await self._prepare(resource)
            await runs.hand_over_keys()
            shown = None
            while True:
                if message := run_input.message:
                    if shown is None:
                        start = runs.start(resource, run_input)
                    else:
                        if self._session.is_project:
                            # What was saved since.
                            await self._session.deploy()
                        start = runs.send(next_turn(shown, message, files_of(run_input)))
                    code = await self._see_through(runs, start)
                    shown = self._session.state.shown
                try:
                    run_input = self._with_line((await self._read_line()).strip())
                except EOFError:
                    return code

    def _with_line(self, line: str) -> RunInput:
        """The input with a message and its files; without a message where these cannot be attached."""
        try:
            files = mentions(line, self._folder) if self._folder else ""
        except StigmerError as problem:
            self._session.store.note(str(problem), Level.ERROR)
            line = files = ""
        return with_files(replace(self._request.input, message=line), files)
