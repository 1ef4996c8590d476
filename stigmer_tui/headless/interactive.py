"""A conversation with an agent, line by line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.headless.approvals import Ask, nobody_to_ask
from stigmer_tui.headless.exit_code import COMPLETED
from stigmer_tui.headless.output import Output
from stigmer_tui.headless.run import Choose, HeadlessRun, Request
from stigmer_tui.workbench.model import ResourceKind
from stigmer_tui.workbench.session import Session
from stigmer_tui.workbench.turns import next_turn

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
        ask: Ask = nobody_to_ask,
    ) -> None:
        """The message of the request, where there is one, is sent before the first line is read."""
        super().__init__(request, session, output, choose, interrupted, ask)
        self._read_line = read_line

    async def _work(self) -> int:
        """Until there are no more lines; returns the exit code of the last run."""
        code, message = COMPLETED, self._request.input.message
        async with self._session.opened() as runs:
            resource = await self._resource()
            if resource.kind is not ResourceKind.AGENT:
                raise StigmerError(f"{resource.name} is a workflow, which has no conversation", "Name an agent.")
            await runs.hand_over_keys()
            shown = None
            while True:
                if message:
                    if shown is None:
                        start = runs.start(resource, replace(self._request.input, message=message))
                    else:
                        if self._session.is_project:
                            # What was saved since.
                            await self._session.deploy()
                        start = runs.send(next_turn(shown, message))
                    code = await self._see_through(runs, start)
                    shown = self._session.state.shown
                try:
                    message = (await self._read_line()).strip()
                except EOFError:
                    return code
