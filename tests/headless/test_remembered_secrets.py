"""Secrets that the keyring remembers, in runs that are begun and continued without a screen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from stigmer_tui.core.run_variable import RunVariable
from stigmer_tui.doors.open_project import OpenProject
from stigmer_tui.headless.exit_code import COMPLETED
from stigmer_tui.headless.interactive import InteractiveRun
from stigmer_tui.headless.run import HeadlessRun, Request
from stigmer_tui.workbench.events import SecretsRecalled
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource, ResourceKind, Run, RunState
from stigmer_tui.workbench.state import RunInput, ShownRun, Value
from tests.cli.keyring_fixture import ring as ring
from tests.core.memory_keyring import MemoryBackend
from tests.headless.test_run import RecordedOutput
from tests.workbench.stage import LIMIT, FakeServer, StagedSession

SECRETS = {"TOKEN": Value("s3cret", is_secret=True)}
LISTED = Resource(ResourceKind.AGENT, "agt_1", "helper", "helper")
"""As a list or an execution has it."""
HELPER = Resource(*(ResourceKind.AGENT, "agt_1", "helper", "helper"), variables=(RunVariable("TOKEN", is_secret=True),))
ENDED = Run(HELPER.kind, "agx_9", HELPER.id, HELPER.slug, RunState.COMPLETED)


class ServerWithAConversation(FakeServer):
    async def find(self, reference: str) -> Resource | Run | None:
        return ENDED if reference == ENDED.id else await super().find(reference)

    async def open(self, run: Run) -> Execution:
        return Execution(run.kind, run.id, run.resource, "hello", RunState.COMPLETED, session="ses_9")


@pytest.fixture
async def session(tmp_path: Path, ring: MemoryBackend) -> StagedSession:
    """The keyring remembers a secret for its folder."""
    session = StagedSession(tmp_path, ServerWithAConversation(resources=[HELPER]))
    await session.inputs.remember_secrets(RunInput("", SECRETS))
    return StagedSession(tmp_path, session.server)


async def nobody(resources: object) -> None:
    return None


async def test_the_next_message_of_a_conversation(session: StagedSession) -> None:
    output = RecordedOutput()
    request = Request("", RunInput("and now?"), follow=False, resume=ENDED.id)
    assert await HeadlessRun(request, session, output, nobody, asyncio.Event()).run() == COMPLETED
    assert SecretsRecalled(("TOKEN",)) in output.events
    assert session.server.created == [("helper", RunInput("and now?", SECRETS))]


async def test_a_conversation_line_by_line(session: StagedSession) -> None:
    async def no_more_lines() -> str:
        raise EOFError

    request = Request("helper", RunInput("hello"), follow=False)
    run = InteractiveRun(request, session, RecordedOutput(), nobody, asyncio.Event(), no_more_lines)
    assert await run.run() == COMPLETED
    assert session.server.created == [("helper", RunInput("hello", SECRETS))]


@asynccontextmanager
async def opened(session: StagedSession) -> AsyncIterator[OpenProject]:
    async with asyncio.timeout(LIMIT), session.opened() as runs:
        yield OpenProject(session, runs)


@pytest.mark.parametrize(
    "run",
    [
        lambda project: project.start(LISTED, RunInput("hello")),
        lambda project: project.begin(LISTED, RunInput("hello"), "ses_9"),
        lambda project: project.continue_after(ENDED.id, "hello"),
    ],
    ids=["a run", "the first message of a session", "the next message"],
)
async def test_what_another_program_runs(
    session: StagedSession, run: Callable[[OpenProject], Awaitable[ShownRun]]
) -> None:
    async with opened(session) as project:
        await run(project)
    assert session.server.created == [("helper", RunInput("hello", SECRETS))]


async def test_nothing_is_looked_up_where_nothing_is_remembered(tmp_path: Path, ring: MemoryBackend) -> None:
    session = StagedSession(tmp_path, FakeServer(resources=[HELPER]))
    async with opened(session) as project:
        assert (await project.start(LISTED, RunInput("hello"))).resource is LISTED
