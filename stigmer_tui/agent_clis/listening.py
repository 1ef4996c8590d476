"""Listens to the program of an agent: to its output, and to the log in which it tells more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from stigmer_tui.agent_clis.agent_cli import AgentCli, OwnLog
from stigmer_tui.agent_clis.events import CliEvent, Failed, LineReader, Printed, Said, Usage
from stigmer_tui.agent_clis.outcome import matches
from stigmer_tui.agent_clis.own_log import follow_log
from stigmer_tui.agent_clis.process import ProcessEnd, run_process
from stigmer_tui.agent_clis.records import TRANSCRIPT

MAX_LIMITED = 3
"""Times in a row that a program may meet its usage limit before it is given up: some ask again for hours."""


@dataclass(slots=True)
class Heard:
    """What is to be known at the end of what was printed."""

    usage: Usage | None = None
    last_message: str = ""
    last_line: str = ""
    failures: list[str] = field(default_factory=list)
    limits: Sequence[str] = ()
    """Patterns of usage limits."""
    limited: int = 0
    """How often one was met, since anything else has happened."""
    given_up: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, event: CliEvent) -> None:
        if not isinstance(event, Printed):
            self.limited = 0
        match event:
            case Printed(text, is_retry=True) if matches(self.limits, text):
                self.limited += 1
                if self.limited == MAX_LIMITED:
                    self.failures.append(text)
                    self.given_up.set()
            case Said(text, is_reasoning=False):
                self.last_message = text
            case Usage():
                self.usage = (self.usage or Usage()) + event
            case Failed(message):
                self.failures.append(message)
            case Printed(text) if text.strip():
                self.last_line = text


async def listen(
    agent: AgentCli,
    command: list[str],
    working: Path,
    environment: Mapping[str, str],
    run_folder: Path,
    timeout: float,
    happened: Callable[[CliEvent], None] = lambda event: None,
) -> tuple[Heard, ProcessEnd]:
    """Runs the program of an agent to its end; what it prints, and what its own log tells, happens meanwhile."""
    heard = Heard(limits=agent.usage_limits)

    def taking(reader: LineReader) -> Callable[[str], None]:
        def take(line: str) -> None:
            for event in reader.read(line):
                heard.take(event)
                happened(event)

        return take

    own_log = agent.own_log
    if own_log:
        environment = {**environment, **own_log.environment(run_folder)}
    following = asyncio.create_task(_follow(own_log, run_folder, taking)) if own_log else None
    try:
        end = await run_process(
            *(command, working, environment, run_folder / TRANSCRIPT, timeout, taking(agent.reader())),
            given_up=heard.given_up,
        )
    finally:
        if following:
            following.cancel()
            await asyncio.wait((following,))
    return heard, end


async def _follow(own_log: OwnLog, run_folder: Path, taking: Callable[[LineReader], Callable[[str], None]]) -> None:
    """A log that cannot be followed is a loss, and no failure of the run."""
    path = own_log.path(run_folder)
    with suppress(OSError):
        path.parent.mkdir(parents=True)
        await follow_log(path, taking(own_log.reader()))
