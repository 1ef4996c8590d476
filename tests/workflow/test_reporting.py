"""What a run reports: every task, its times, values that can be borne (`docs/compatibility.md` 66, 70, 93)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import ReportRequest
from stigmer_tui.api.workflow_execution_pb2 import WorkflowTaskType
from stigmer_tui.runners import lease as lease_module
from stigmer_tui.runners.lease import LeaseLost, Reporter, StopReason
from stigmer_tui.workflow.display import MAX_DEPTH, result, shown
from stigmer_tui.workflow.secrets import SecretMarks, SecretValues
from tests.definition.specs import for_, http, set_, spec, switch, wait
from tests.workflow.http_server import HttpServer, json_reply
from tests.workflow.world import World, until

NOTHING_SECRET = SecretMarks((), {}, "nonce")


async def test_case_70_every_task_is_listed_once_with_all_there_is_to_know(world: World, server: HttpServer) -> None:
    server.replies(json_reply({"id": 1}))
    reported = await world.run(
        spec(
            set_("greet", text="hello", n="${ 1 + 1 }"),
            http("fetch", server.url),
            switch("choose", ("one", "${ .fetch.id } == 1", "last"), ("other", "", "aside")),
            set_("aside", text="no"),
            set_("last", text="${ .text }"),
        )
    )
    assert list(reported.tasks) == ["/greet", "/fetch", "/choose", "/aside", "/last"]
    assert list(reported.statuses.values()) == ["completed", "completed", "completed", "skipped", "completed"]
    greet, choose = reported.tasks["/greet"], reported.tasks["/choose"]
    assert (greet.task_name, greet.task_type) == ("greet", WorkflowTaskType.WORKFLOW_TASK_TRANSFORM)
    assert (greet.started_at, greet.completed_at) == ("2026-11-21T10:00:00.000Z", "2026-11-21T10:00:00.000Z")
    assert (reported.input_of("/greet"), reported.output_of("/greet")) == (
        {"text": "hello", "n": "${ 1 + 1 }"},
        {"text": "hello", "n": 2},
    )
    assert (choose.task_type, reported.output_of("/choose")) == (WorkflowTaskType.WORKFLOW_TASK_CONDITIONAL, None)
    assert reported.metadata("/choose") == {"kind": "switch", "detail": "one → last"}
    assert (reported.tasks["/aside"].started_at, reported.tasks["/aside"].completed_at) == ("", "")
    assert (reported.started_at, reported.completed_at) == ("2026-11-21T10:00:00.000Z", "2026-11-21T10:00:00.000Z")
    assert reported.output == {"text": "hello"}


async def test_tasks_of_a_loop_are_below_it(world: World) -> None:
    reported = await world.run(spec(for_("each", "${ [1] }", for_("inner", "${ 1 }", set_("s", x="1")), wait("w", 3))))
    assert [(path, reported.metadata(path).get("parent")) for path in reported.tasks] == [
        ("/each", None),
        ("/each/0/inner", "/each"),
        ("/each/0/inner/0/s", "/each/0/inner"),
        ("/each/0/w", "/each"),
    ]
    assert [reported.metadata(path)["kind"] for path in reported.tasks] == ["for", "for", "set", "wait"]
    assert (reported.metadata("/each")["detail"], reported.metadata("/each/0/w")["detail"]) == ("1 of 1", "3.0 s")
    assert reported.tasks["/each/0/w"].completed_at == "2026-11-21T10:00:03.000Z"


async def test_many_quick_tasks_are_few_messages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "Reporter", partial(Reporter, interval=3600.0))
    reported = await world.run(spec(for_("each", "${ 200 }", set_("s", x="${ .item }"))))
    assert len(reported.tasks) == 201
    assert set(reported.statuses.values()) == {"completed"}
    assert len(reported.deltas) <= 4


async def test_the_first_report_says_that_it_runs_and_what_is_to_come(world: World) -> None:
    world.clock.stop_at = 1
    lease = world.lease(spec(wait("w", 5), set_("s", x="1")))
    lease.task = asyncio.create_task(world.work_on(lease))
    await world.clock.stopped.wait()
    await until(lambda: bool(world.reported.deltas))
    assert world.reported.phase is Phase.IN_PROGRESS
    assert world.reported.statuses == {"/w": "in_progress", "/s": "pending"}
    lease.stop(StopReason.LOST)
    with pytest.raises(asyncio.CancelledError):
        await lease.task
    assert world.reported.phases == [Phase.IN_PROGRESS]


async def test_case_66_a_cancelled_run_stops_where_it_is(world: World) -> None:
    world.clock.stop_at = 1
    lease = world.lease(spec(set_("s", x="1"), for_("f", "${ 2 }", wait("w", 50)), set_("after", x="2")))
    lease.task = asyncio.create_task(world.work_on(lease))
    await world.clock.stopped.wait()
    lease.stop(StopReason.CANCELLED, "main.py changed")
    await lease.task
    reported = world.reported
    assert (reported.phases, reported.error) == ([Phase.IN_PROGRESS, Phase.CANCELLED], "main.py changed")
    assert reported.statuses == {"/s": "completed", "/f": "skipped", "/f/0/w": "skipped", "/after": "skipped"}
    assert [reported.metadata(path).get("cancelled") for path in ("/f", "/f/0/w", "/after")] == [True, True, None]
    assert reported.tasks["/f/0/w"].completed_at


async def test_a_cancel_in_the_last_moment_still_has_its_report(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    send = World._send

    async def send_and_cancel(world: World, request: ReportRequest) -> None:
        if request.workflow.HasField("output"):
            lease.stop(StopReason.CANCELLED, "too late")
            await asyncio.sleep(0)
        await send(world, request)

    monkeypatch.setattr(World, "_send", send_and_cancel)
    lease = world.lease(spec(set_("s", x="1")))
    lease.task = asyncio.create_task(world.work_on(lease))
    await lease.task
    assert (world.reported.phase, world.reported.error) == (Phase.CANCELLED, "too late")
    assert world.reported.statuses == {"/s": "completed"}


async def test_a_lost_lease_ends_the_work(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(request: Any) -> None:
        lease.stop(StopReason.LOST)
        raise LeaseLost

    monkeypatch.setattr(World, "_send", lambda self, request: refuse(request))
    world.clock.stop_at = 1
    lease = world.lease(spec(wait("w", 5)))
    lease.task = asyncio.create_task(world.work_on(lease))
    with pytest.raises(asyncio.CancelledError):
        await lease.task


@pytest.mark.parametrize("value", [{"text": "x" * 100_000}, ["ab"] * 40_000, {"deep": "[" * 30}])
def test_what_is_too_much_is_cut_with_a_note(value: Any) -> None:
    cut = shown(value, NOTHING_SECRET)
    assert len(cut.SerializeToString()) < 70_000
    if "deep" not in value:
        assert "of JSON, or more than 20 levels: this is the beginning of its text" in str(cut["note"])
        assert len(result(value, NOTHING_SECRET).SerializeToString()) > 70_000


def test_what_is_too_deep_is_a_text() -> None:
    deep: Any = 1
    for _ in range(MAX_DEPTH + 5):
        deep = [deep]
    assert str(result(deep, NOTHING_SECRET)["text"]) == "[" * 25 + "1" + "]" * 25
    assert type(result(deep, NOTHING_SECRET)).FromString(shown(deep, NOTHING_SECRET).SerializeToString())


def test_a_cut_does_not_cut_through_a_secret() -> None:
    secrets = SecretValues({"K": "0123456789"}, ("K",), "nonce").marks
    for padding in range(63_980, 64_000, 3):
        assert "01234" not in str(shown({"text": "x" * padding + "0123456789" + "x" * 9000}, secrets))
