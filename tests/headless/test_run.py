"""A session without a screen: which events an output gets, what is sent to the server, and the exit code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from keyring.errors import KeyringLocked

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.run_variable import RunVariable
from stigmer_tui.headless.exit_code import COMPLETED, FAILED, INTERRUPTED
from stigmer_tui.headless.run import HeadlessRun, Request
from stigmer_tui.workbench.events import (
    Deployed,
    DeploymentFailed,
    Event,
    FilesSaved,
    Noticed,
    ProjectDetected,
    RunDetached,
    RunEnded,
    RunReplaced,
    RunStarted,
    SecretsRecalled,
)
from stigmer_tui.workbench.model import Resource, Run, RunState
from stigmer_tui.workbench.state import Level, RunInput, Value
from tests.cli.keyring_fixture import ring as ring
from tests.core.memory_keyring import MemoryBackend
from tests.workbench.stage import LIMIT, OTHER, TALLY, FakeCode, FakeServer, StagedSession

INPUT = RunInput("once")


@dataclass
class RecordedOutput:
    events: list[Event] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def take(self, event: Event) -> None:
        self.events.append(event)

    def failed(self, error: StigmerError) -> None:
        self.errors.append(error.message)

    def has(self, *kinds: type[Event]) -> bool:
        """Whether such events have come, in this order."""
        found = iter(self.events)
        return all(any(isinstance(event, kind) for event in found) for kind in kinds)


class Command:
    """`run`, from its flags to its exit code."""

    def __init__(
        self,
        folder: Path,
        request: Request,
        code: FakeCode | None = None,
        server: FakeServer | None = None,
        choose: Callable[[Sequence[Resource]], Resource | None] = lambda resources: None,
    ) -> None:
        async def chosen(resources: Sequence[Resource]) -> Resource | None:
            return choose(resources)

        self.output, self.interrupted = RecordedOutput(), asyncio.Event()
        self.session = StagedSession(folder, server or FakeServer(), code or FakeCode())
        self.server = self.session.server
        run = HeadlessRun(request, self.session, self.output, chosen, self.interrupted)
        self.task = asyncio.create_task(run.run())

    async def until(self, condition: Callable[[], bool]) -> None:
        await self.session.until(lambda: condition() or self.task.done())
        assert condition()

    async def ends(self) -> int:
        """The exit code."""
        async with asyncio.timeout(LIMIT):
            return await self.task

    async def following(self, execution_id: str = "wfx_1") -> None:
        await self.until(lambda: self.server.following == {execution_id})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Stigmer.yaml").write_text("name: demo\nruntime: python\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("state", "code"), [(RunState.COMPLETED, COMPLETED), (RunState.FAILED, FAILED)])
async def test_the_exit_code_says_how_a_run_ended(tmp_path: Path, state: RunState, code: int) -> None:
    command = Command(tmp_path, Request("tally", INPUT))
    await command.following()
    command.server.end("wfx_1", state)
    assert await command.ends() == code
    assert command.server.created == [("tally", INPUT)]
    assert command.output.has(RunStarted, RunEnded)
    assert not command.output.has(Deployed)


async def test_outside_a_project_something_must_be_named(tmp_path: Path) -> None:
    command = Command(tmp_path, Request("", INPUT))
    assert await command.ends() == FAILED
    assert command.output.errors == ["No Stigmer.yaml found in current directory"]


async def test_what_is_not_there(tmp_path: Path) -> None:
    command = Command(tmp_path, Request("nothing", INPUT))
    assert await command.ends() == FAILED
    assert command.output.errors == ["Agent or Workflow not found: nothing"]
    assert command.server.created == []


async def test_an_input_that_the_workflow_does_not_declare_is_not_sent(tmp_path: Path) -> None:
    schema = '{"type": "object", "properties": {"item": {"type": "string"}, "count": {"default": 1}}}'
    server = FakeServer(resources=[replace(TALLY, input_schema=schema)])
    command = Command(tmp_path, Request("tally", RunInput('{"item": 7}')), server=server)
    assert await command.ends() == FAILED
    assert command.output.errors == ["The input does not fit: item: 7 is not of type 'string'"]
    assert server.created == []

    fitting = Command(tmp_path, Request("tally", RunInput('{"item": "tea"}'), follow=False), server=server)
    assert await fitting.ends() == COMPLETED
    assert server.created == [("tally", RunInput('{"item": "tea", "count": 1}'))]


TOKEN = RunVariable("TOKEN", is_secret=True)


async def test_a_secret_is_remembered_used_by_later_runs_and_said(tmp_path: Path, ring: MemoryBackend) -> None:
    server = FakeServer(resources=[replace(TALLY, variables=(TOKEN, RunVariable("REGION")))])
    given = RunInput("", {"TOKEN": Value("s3cret", is_secret=True), "REGION": Value("eu")})
    first = Command(tmp_path, Request("tally", given, follow=False, remember=True), server=server)
    assert await first.ends() == COMPLETED
    assert list(ring.values.values()) == ["s3cret"]

    later = Command(tmp_path, Request("tally", RunInput(), follow=False), server=server)
    assert await later.ends() == COMPLETED
    assert SecretsRecalled(("TOKEN",)) in later.output.events
    assert server.created[-1][1].environment == {"TOKEN": Value("s3cret", is_secret=True)}

    own = RunInput("", {"TOKEN": Value("other", is_secret=True)})
    with_own = Command(tmp_path, Request("tally", own, follow=False), server=server)
    assert await with_own.ends() == COMPLETED
    assert not with_own.output.has(SecretsRecalled)
    assert server.created[-1][1] == own


async def test_a_keyring_that_stays_locked_is_said_and_the_run_does_without(
    tmp_path: Path, ring: MemoryBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = FakeServer(resources=[replace(TALLY, variables=(TOKEN,))])
    given = RunInput("", {"TOKEN": Value("s3cret", is_secret=True)})
    await Command(tmp_path, Request("tally", given, follow=False, remember=True), server=server).ends()

    def locked(*names: str) -> None:
        raise KeyringLocked("it stays locked")

    monkeypatch.setattr(ring, "get_password", locked)
    command = Command(tmp_path, Request("tally", RunInput(), follow=False), server=server)
    assert await command.ends() == COMPLETED
    (notice,) = [event for event in command.output.events if isinstance(event, Noticed)]
    assert notice.level is Level.WARNING
    assert "keyring" in notice.text
    assert server.created[-1] == ("tally", RunInput())


async def test_in_a_project_its_code_is_deployed_first(project: Path) -> None:
    command = Command(project, Request("", INPUT))
    await command.following()
    assert command.output.has(Deployed, RunStarted)
    assert not command.output.has(ProjectDetected)
    command.server.end("wfx_1")
    assert await command.ends() == COMPLETED


async def test_a_run_by_name_in_a_project(project: Path) -> None:
    command = Command(project, Request("other", INPUT))
    await command.following()
    assert command.output.has(ProjectDetected, Deployed, RunStarted)
    assert [slug for slug, _ in command.server.created] == ["other"]
    command.server.end("wfx_1")
    assert await command.ends() == COMPLETED


async def test_code_that_fails_is_not_run(project: Path) -> None:
    command = Command(project, Request("", INPUT), FakeCode(failure=StigmerError("NameError")))
    assert await command.ends() == FAILED
    assert (command.output.errors, command.server.created) == (["NameError"], [])


@pytest.mark.parametrize("watch", [False, True])
async def test_one_of_several_resources_is_chosen(project: Path, watch: bool) -> None:
    code = FakeCode(defined=(TALLY, OTHER))
    command = Command(project, Request("", INPUT, watch=watch), code, choose=lambda resources: resources[1])
    await command.following()
    assert [slug for slug, _ in command.server.created] == ["other"]
    command.interrupted.set()
    await command.ends()


@pytest.mark.parametrize("watch", [False, True])
async def test_several_resources_and_nobody_to_choose(project: Path, watch: bool) -> None:
    command = Command(project, Request("", INPUT, watch=watch), FakeCode(defined=(TALLY, OTHER)))
    assert await command.ends() == FAILED
    assert command.output.errors == ["Several resources, and no terminal to choose at"]


async def test_a_run_that_is_not_followed_goes_on(tmp_path: Path) -> None:
    command = Command(tmp_path, Request("tally", INPUT, follow=False))
    assert await command.ends() == COMPLETED
    assert command.output.has(RunStarted, RunDetached)
    assert command.server.cancelled == []


@pytest.mark.parametrize("watch", [False, True])
async def test_an_interrupt_cancels_the_run_and_shows_its_end(project: Path, watch: bool) -> None:
    command = Command(project, Request("tally", INPUT, watch=watch))
    await command.following()
    command.interrupted.set()
    assert await command.ends() == INTERRUPTED
    assert command.server.cancelled == ["wfx_1"]
    assert command.output.has(RunStarted, RunEnded)


@pytest.mark.parametrize("watch", [False, True])
async def test_a_detached_run_goes_on_after_an_interrupt(project: Path, watch: bool) -> None:
    command = Command(project, Request("tally", INPUT, detach=True, watch=watch))
    await command.following()
    command.interrupted.set()
    assert await command.ends() == INTERRUPTED
    assert command.output.has(RunStarted, RunDetached)
    assert (command.server.cancelled, command.server.following) == ([], set())


@pytest.mark.parametrize("watch", [False, True])
async def test_a_run_that_is_being_created_is_cancelled_too(project: Path, watch: bool) -> None:
    command = Command(project, Request("tally", INPUT, watch=watch))
    command.server.may_create.clear()
    await command.until(lambda: command.server.creating == 1)
    command.interrupted.set()
    await command.session.settled()
    assert not command.task.done()
    command.server.may_create.set()
    assert await command.ends() == INTERRUPTED
    assert command.server.cancelled == ["wfx_1"]


async def test_a_refused_cancellation_is_said(tmp_path: Path) -> None:
    command = Command(tmp_path, Request("tally", INPUT), server=FakeServer(can_cancel=False))
    await command.following()
    command.interrupted.set()
    assert await command.ends() == INTERRUPTED
    assert command.output.errors == ["The server at 127.0.0.1:1 cannot cancel executions"]


class TestWatch:
    @asynccontextmanager
    async def watching(self, project: Path, code: FakeCode | None = None) -> AsyncIterator[Command]:
        command = Command(project, Request("tally", INPUT, watch=True), code)
        yield command
        command.interrupted.set()
        assert await command.ends() == INTERRUPTED

    async def test_a_save_is_deployed_and_the_run_runs_again(self, project: Path) -> None:
        async with self.watching(project) as command:
            await command.following()
            command.session.watcher.save()
            command.session.watcher.notice()
            await command.following("wfx_2")
            assert command.output.has(
                *(ProjectDetected, Deployed, RunStarted, FilesSaved, Deployed, RunReplaced, RunStarted)
            )
            assert command.server.cancelled == ["wfx_1"]
            assert command.server.created == [("tally", INPUT)] * 2

    async def test_after_its_end_it_waits_for_the_next_save(self, project: Path) -> None:
        async with self.watching(project) as command:
            await command.following()
            command.server.end("wfx_1")
            await command.until(lambda: command.output.has(RunEnded))
            await command.session.settled()
            assert not command.task.done()
            command.session.watcher.save()
            command.session.watcher.notice()
            await command.following("wfx_2")
            command.server.end("wfx_2")
            await command.until(lambda: command.output.has(RunEnded, RunStarted, RunEnded))
        assert command.server.cancelled == []

    async def test_code_that_fails_may_be_mended_by_the_next_save(self, project: Path) -> None:
        code = FakeCode(failure=StigmerError("NameError"))
        async with self.watching(project, code) as command:
            await command.until(lambda: command.output.has(DeploymentFailed))
            assert command.server.created == []
            code.failure = None
            command.session.watcher.save()
            command.session.watcher.notice()
            await command.following()
            assert command.output.errors == []

    async def test_outside_a_project_there_is_nothing_to_watch(self, tmp_path: Path) -> None:
        command = Command(tmp_path, Request("tally", INPUT, watch=True))
        assert await command.ends() == FAILED
        assert command.output.errors == ["No Stigmer.yaml found in current directory"]

    async def test_what_is_not_there_ends_it(self, project: Path) -> None:
        command = Command(project, Request("nothing", INPUT, watch=True))
        assert await command.ends() == FAILED
        assert command.output.errors == ["Agent or Workflow not found: nothing"]

    async def test_an_error_of_the_program_is_not_hidden(self, project: Path) -> None:
        server = FakeServer()
        command = Command(project, Request("tally", INPUT, watch=True), server=server)
        await command.following()
        server.listed.put_nowait(ZeroDivisionError())
        with pytest.raises(BaseExceptionGroup):
            await command.ends()


class ServerWithARun(FakeServer):
    async def find(self, reference: str) -> Resource | Run | None:
        return Run(TALLY.kind, reference, TALLY.id, TALLY.slug, RunState.RUNNING)


async def test_an_execution_is_attached_to_and_left_to_itself(tmp_path: Path) -> None:
    server = ServerWithARun()
    command = Command(tmp_path, Request("", RunInput(), resume="wfx_9"), server=server)
    await command.following("wfx_9")
    command.interrupted.set()
    assert await command.ends() == INTERRUPTED
    assert (server.created, server.cancelled) == ([], [])
    assert command.output.has(RunStarted, RunDetached)


async def test_an_execution_that_is_not_there_is_told(tmp_path: Path) -> None:
    command = Command(tmp_path, Request("", RunInput(), resume="wfx_9"))
    assert await command.ends() == FAILED
    assert command.output.errors == ["There is no execution wfx_9"]


async def test_a_message_continues_only_what_has_ended_and_is_a_conversation(tmp_path: Path) -> None:
    command = Command(tmp_path, Request("", INPUT, resume="wfx_9"), server=ServerWithARun())
    assert await command.ends() == FAILED
    assert command.output.errors == ["Only the run of an agent can be continued by a message"]
