"""A real runner process, attached to a server: what it says of itself, SIGKILL in the middle of a run, and its end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from stigmer_tui import __version__
from stigmer_tui.api.agent_execution_pb2 import AgentExecutionStatus
from stigmer_tui.api.agent_pb2 import AgentSpec
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import Assignment, Hello
from tests.agents.conftest import assignment
from tests.agents.controller import Controller, controller
from tests.agents.ledger import Ledger
from tests.agents.test_mcp import calling, notes, spec
from tests.agents.waiting import exists

pytestmark = pytest.mark.e2e

SCRIPT = """
delay: 0.001
turns:
  - say: First, a note.
    call: {execute: {command: "echo one >> log.txt"}}
  - say: Now something that takes long.
    call: {execute: {command: "touch begun; sleep 1000"}}
  - say: "{{result}}"
"""


@asynccontextmanager
async def runner(server: Controller, home: Path) -> AsyncIterator[Process]:
    """An attached runner process, which is killed at the end if it is still there."""
    environment = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.agents.process", server.address),
        stdin=PIPE,
        stdout=DEVNULL,
        env={**environment, "STIGMER_HOME": str(home)},
        cwd=Path(__file__).parents[2],
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def greeting(server: Controller) -> Hello:
    async with asyncio.timeout(60):
        return await server.hellos.get()


def lease(
    lease_id: str,
    attempt: int = 1,
    status: AgentExecutionStatus | None = None,
    script: str = SCRIPT,
    agent: AgentSpec | None = None,
) -> Assignment:
    it = assignment(script, session_id="ses_1", attempt=attempt, status=status, agent=agent)
    it.lease_id = lease_id
    return it


async def test_a_runner_says_what_it_is_and_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    async with controller() as server, runner(server, tmp_path) as process:
        hello = await greeting(server)
        assert (hello.kind, hello.version) == (Hello.Kind.AGENTS, __version__)
        assert (hello.capacity, hello.model) == (10, "scripted (demo)")
        assert hello.sandbox in ("bubblewrap", "folder only")
        process.terminate()
        async with asyncio.timeout(60):
            assert await process.wait() == 0


async def test_a_runner_ends_with_the_server_that_holds_its_standard_input(tmp_path: Path) -> None:
    async with controller() as server, runner(server, tmp_path) as process:
        await greeting(server)
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(60):
            assert await process.wait() == 0


async def test_a_run_goes_on_after_sigkill_without_doing_anything_twice(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "workspace" / "ses_1"
    ledger = Ledger()
    async with controller() as server:
        async with runner(server, tmp_path) as first:
            await greeting(server)
            server.assign(lease("one"), ledger)
            await ledger.until(lambda ledger: len(ledger.calls) == 2)
            await exists(folder / "begun")
            before = [message.timestamp for message in ledger.status.messages]
            first.send_signal(signal.SIGKILL)
            await first.wait()
        del server.ledgers["one"]
        async with runner(server, tmp_path):
            await greeting(server)
            server.assign(lease("two", attempt=2, status=ledger.status), ledger)
            await ledger.until(lambda ledger: ledger.phase.is_final)
    assert ledger.phase is Phase.COMPLETED
    assert ledger.kinds == ["HUMAN", "AI", "TOOL", "AI", "TOOL", "AI"]
    assert ledger.answers[2].startswith("The program was stopped while this call was under way")
    assert [message.timestamp for message in ledger.status.messages][: len(before)] == before
    assert (folder / "log.txt").read_text() == "one\n"


async def test_tools_of_servers_are_not_called_twice_after_sigkill_and_their_programs_are_gone(tmp_path: Path) -> None:
    log, begun = tmp_path / "log.txt", tmp_path / "begun"
    script = calling(
        f"{{append: {{file: '{log}', line: one}}}}", f"{{hang: {{file: '{begun}'}}}}", "{add: {a: 1, b: 2}}"
    )
    agent = spec(notes())
    ledger = Ledger()
    async with controller() as server:
        async with runner(server, tmp_path / "home") as first:
            await greeting(server)
            server.assign(lease("one", script=script, agent=agent), ledger)
            await exists(begun)
            program = int(begun.read_text())
            first.send_signal(signal.SIGKILL)
            await first.wait()
        del server.ledgers["one"]
        async with runner(server, tmp_path / "home"):
            await greeting(server)
            server.assign(lease("two", attempt=2, status=ledger.status, script=script, agent=agent), ledger)
            await ledger.until(lambda ledger: ledger.phase.is_final)
    assert ledger.phase is Phase.COMPLETED
    appended, interrupted, added = ledger.calls
    assert (appended.result, added.result) == ("appended", "3")
    assert interrupted.error.startswith("The program was stopped while this call was under way")
    assert log.read_text() == "one\n"
    assert not psutil.pid_exists(program)
