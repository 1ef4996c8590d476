"""A run that is stopped anywhere goes on where it was, and does nothing twice (`docs/compatibility.md` 12, 97)."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from stigmer_tui.api.phases import Phase
from stigmer_tui.api.workflow_execution_pb2 import WorkflowTaskStatus
from stigmer_tui.api.workflow_pb2 import WorkflowSpec
from stigmer_tui.runners import journal
from stigmer_tui.runners.journal import ExecutionJournal, Journal
from stigmer_tui.runners.lease import StopReason
from stigmer_tui.workflow.embedded.engine import UNDER_WAY
from tests.definition.specs import agent, for_, http, set_, spec, switch, wait
from tests.workflow.http_server import Answer, Asked, HttpServer, Reply, json_reply
from tests.workflow.stand_in import StandIn
from tests.workflow.world import EXECUTION, Reported, World, until


class Killed(BaseException):
    """What a process that is killed does not live to see."""


Kill = Callable[[int | None], None]


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Kill:
    """`kill(n)`: the next process dies at its nth use of the journal, and what it has only noted is lost;
    `kill(None)`: it does not die.
    """
    note, write = ExecutionJournal.note, ExecutionJournal._write
    # Point 43: when the time of a note has come depends on the machine, and whoever dies then is the loop.
    monkeypatch.setattr(journal, "NOTE_DELAY", 3600.0)

    def kill(number: int | None) -> None:
        used = 0

        def use() -> None:
            nonlocal used
            if used == number:
                raise Killed
            used += 1

        def dying_note(journal: ExecutionJournal, *args: Any, **options: Any) -> None:
            use()
            note(journal, *args, **options)

        def dying_write(journal: ExecutionJournal, *rows: Any) -> Any:
            use()
            return write(journal, *rows)

        monkeypatch.setattr(ExecutionJournal, "note", dying_note)
        monkeypatch.setattr(ExecutionJournal, "_write", dying_write)

    return kill


def everything(url: str) -> WorkflowSpec:
    """Each kind of task, a loop, a way back, a fault that passes, identifiers and times."""
    return spec(
        set_("ids", u="${ uuid }", at="${ now | floor }", round="${ 0 }"),
        http("get", f"{url}/get"),
        for_("each", "${ [1,2] }", http("post", f"{url}/post", "POST", body={"n": "${ .item }"}), wait("pause", 3)),
        set_("again", round="${ .round + 1 }"),
        http("put", f"{url}/put", "PUT", body={"u": "${ .u }", "at": "${ .at }"}),
        switch("enough", ("yes", "${ .round } == 2", "ask"), then="again"),
        agent("ask", "helper", "hi"),
        http("patch", f"{url}/patch", "PATCH", body={"answer": "${ .ask.response }"}),
        set_(
            "result", u="${ .u }", rounds="${ .round }", said="${ .ask.response }", id="${ .patch.id }", at="${ .at }"
        ),
    )


def fails_first(server: HttpServer, target: str) -> Answer:
    def answer(asked: Asked) -> Reply:
        is_first = sum(each.target == target for each in server.asked) == 1
        return json_reply({"id": 7}, 503 if asked.target == target and is_first else 200)

    return answer


async def test_a_process_may_die_at_any_write_to_its_journal(
    world: World, server: HttpServer, agents: StandIn, kill: Kill
) -> None:
    server.answer = fails_first(server, "/get")
    agents.answer = "fine"
    found = everything(server.url)
    interrupted: set[str] = set()
    for number in itertools.count():
        world.renew(f"{number}.db")
        server.asked.clear()
        agents.agents.clear()
        kill(number)
        with suppress(Killed):
            await world.run(found)
            break
        before, world.reported = world.reported, Reported()
        kill(None)
        done, under_way = recorded(world)
        world.clock.moment += timedelta(hours=1)
        after = await world.run(found)
        check_what_was_done(server, agents)
        check_times(done, before, after)
        interrupted |= under_way
        if under_way:
            assert "the runner was stopped while the request was under way" in after.error
            continue
        assert (after.error, set(after.statuses.values())) == ("", {"completed"})
        assert [after.output[name] for name in ("rounds", "said", "id")] == [2, "fine", 7]
        assert {(asked.json["u"], asked.json["at"]) for asked in server.asked if asked.target == "/put"} == {
            (after.output["u"], after.output["at"])
        }
    assert interrupted == {"/each/0/post//request/1", "/each/1/post//request/1", "/patch//request/1"}
    assert number > 40


def check_what_was_done(server: HttpServer, agents: StandIn) -> None:
    sent = Counter((asked.target, asked.headers.get("idempotency-key")) for asked in server.asked)
    assert {count for (_, key), count in sent.items() if key} <= {1}
    assert sum(asked.target == "/put" for asked in server.asked) <= 3, "two, and one that may have been under way"
    assert len(agents.agents) <= 1


def recorded(world: World) -> tuple[set[str], set[str]]:
    """Steps that are done according to the journal, and requests of which it knows only that they began."""
    journal = Journal(world.journal_path)
    steps = dict(journal.execution(EXECUTION))
    journal.close()
    done = {step for step, state in steps.items() if state.done}
    return done, {step for step, state in steps.items() if not state.done and state.value == UNDER_WAY}


def check_times(done: set[str], before: Reported, after: Reported) -> None:
    for path, task in before.tasks.items():
        if task.completed_at and path in done and path not in ("/again", "/put", "/enough"):
            again = after.tasks[path]
            assert (again.started_at, again.completed_at) == (task.started_at, task.completed_at)


async def test_case_12_identifiers_survive_a_restart_and_a_timer_waits_only_the_rest(world: World, kill: Kill) -> None:
    found = spec(set_("a", u="${ uuid }"), wait("w", 50), set_("b", v="${ $data.u }", w="${ uuid }"))
    world.clock.stop_at = 1
    process = world.start(found)
    await world.clock.stopped.wait()
    process.cancel()
    await asyncio.wait([process])
    world.clock.stop_at = 0
    world.clock.moment += timedelta(seconds=20)
    world.clock.slept.clear()
    reported = await world.run(found)
    assert world.clock.slept == [30.0]
    assert reported.output["v"] == reported.output_of("/a")["u"] != reported.output["w"]
    assert len(reported.output["v"]) == 36
    assert (reported.tasks["/w"].started_at, reported.tasks["/w"].completed_at) == (
        "2026-11-21T10:00:00.000Z",
        "2026-11-21T10:00:50.000Z",
    )


async def test_a_pause_between_two_attempts_goes_on_where_it_was(world: World, server: HttpServer) -> None:
    server.replies(Reply(503), Reply(503, "", {"Retry-After": "40"}), Reply(503))
    world.clock.stop_at = 2
    process = world.start(spec(http("h", server.url)))
    await world.clock.stopped.wait()
    process.cancel()
    await asyncio.wait([process])
    world.clock.stop_at = 0
    world.clock.moment += timedelta(seconds=15)
    world.clock.slept.clear()
    reported = await world.run(spec(http("h", server.url)))
    assert world.clock.slept == [25.0, 4.0, 8.0]
    assert (len(server.asked), reported.error.endswith("(5 attempts)")) == (5, True)


async def test_a_failure_that_was_recorded_is_not_tried_again(world: World, server: HttpServer, kill: Kill) -> None:
    server.replies(Reply(404))
    found = spec(http("h", server.url, "POST"))
    kill(5)
    with pytest.raises(Killed):
        await world.run(found)
    kill(None)
    reported = await world.run(found)
    assert "answered 404" in reported.error
    assert len(server.asked) == 1


async def test_a_draining_runner_finishes_the_request_under_way(world: World, server: HttpServer) -> None:
    release = asyncio.Event()

    async def slowly(asked: Asked) -> Reply:
        await release.wait()
        return json_reply({"id": 7})

    server.answer = slowly
    found = spec(http("h", server.url, "POST", body={}), set_("s", v="${ .h.id }"))
    lease = world.lease(found)
    lease.task = asyncio.create_task(world.work_on(lease))
    await until(lambda: bool(server.asked))
    lease.stop(StopReason.DRAINING)
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await lease.task
    assert world.reported.phases == [Phase.IN_PROGRESS]
    reported = await world.run(found)
    assert (reported.output, len(server.asked)) == ({"v": 7}, 1)


@pytest.mark.parametrize(("method", "sent"), [("GET", 2), ("DELETE", 2), ("POST", 1), ("PATCH", 1)])
async def test_a_request_that_is_cut_off_is_repeated_only_where_that_is_harmless(
    method: str, sent: int, world: World, server: HttpServer
) -> None:
    async def never(asked: Asked) -> Reply:
        await asyncio.Event().wait()
        raise AssertionError

    server.answer = never
    found = spec(http("h", server.url, method))
    lease = world.lease(found)
    lease.task = asyncio.create_task(world.work_on(lease))
    await until(lambda: bool(server.asked))
    lease.stop(StopReason.DRAINING)
    await asyncio.sleep(0)
    lease.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await lease.task
    server.answer = lambda asked: Reply(200)
    reported = await world.run(found)
    assert len(server.asked) == sent
    assert reported.phase is (Phase.COMPLETED if sent == 2 else Phase.FAILED)
    if reported.error:
        assert reported.error.startswith(f"/h failed: {method} 127.0.0.1:")
        assert reported.error.endswith("the other side may have carried it out, so it is not sent again")
        assert reported.metadata("/h")["error_type"] == "Interrupted"


async def test_a_request_that_was_not_sent_yet_is_sent_later(world: World, server: HttpServer) -> None:
    """The run is stopped while its journal writes down that the request is about to be sent."""
    found = spec(set_("s", x="1"), http("h", server.url, "POST"))
    lease = world.lease(found)
    lease.task = asyncio.create_task(world.work_on(lease))
    # Without a single pause for the loop, the run gets as far as its first wait: for the journal.
    await asyncio.sleep(0)
    lease.stop(StopReason.DRAINING)
    with pytest.raises(asyncio.CancelledError):
        await lease.task
    assert server.asked == []
    assert (await world.run(found)).phase is Phase.COMPLETED
    assert len(server.asked) == 1


async def test_what_was_done_before_is_not_shown_as_if_it_happened_again(world: World, kill: Kill) -> None:
    found = spec(*(set_(f"s{number}", v="${ 1 + 1 }") for number in range(20)), wait("w", 5))
    kill(30)
    with pytest.raises(Killed):
        await world.run(found)
    kill(None)
    world.reported = Reported()
    reported = await world.run(found)
    first = reported.deltas[0]
    assert {task.task_id: task.status for task in first.tasks}["/s13"] == WorkflowTaskStatus.WORKFLOW_TASK_COMPLETED


async def test_the_journal_of_an_ended_run_is_forgotten(world: World) -> None:
    await world.run(spec(set_("s", v="1")))
    journal = Journal(world.journal_path)
    assert list(journal.execution(EXECUTION)) == []
    journal.close()
