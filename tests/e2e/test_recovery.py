"""SIGKILL in the middle: the execution ends all the same, nothing is done twice, and nothing is left behind."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from stigmer_tui.core.processes import OWNER_MARK, marked_processes
from stigmer_tui.daemon.record import DaemonRecord, read_record
from tests.e2e.shop import Shop, open_shop
from tests.e2e.world import World, eventually

CODE = """\
from stigmer_tui.sdk import Agent, Workflow

clerk = Agent("clerk", instructions="Answer in one sentence.", script="clerk.yaml")

with Workflow("sell", namespace="shop") as flow:
    flow.http_post("reserve", "{url}/reserve", body={{}})
    answer = flow.call_agent("ask", clerk, message="Is there tea?")
    bill = flow.http_post("bill", "{url}/bill", body={{}})
    flow.set("result", answer=answer.response, bills=bill.count)
"""

CLERK = """\
delay: 0.01
turns:
  - say: Let me look.
    call:
      execute: { command: "echo looked >> ledger" }
  - pause: 1
    say: "There is tea."
"""

PATIENT_CLERK = """\
delay: 0.01
turns:
  - call:
      execute: { command: "echo 1 >> ledger" }
  - pause: 1
    call:
      execute: { command: "echo 2 >> ledger" }
  - pause: 1
    call:
      execute: { command: "echo 3 >> ledger" }
  - pause: 1
    say: "There is tea."
"""

SLEEPER = """\
turns:
  - call:
      execute: { command: "echo begun >> ledger; sleep 300" }
  - say: "Done: {{execute}}"
"""

VICTIMS: dict[str, Callable[[World], psutil.Process]] = {
    "server": lambda world: world.server(),
    "workflow-runner": lambda world: world.runner("workflow-runner"),
    "agent-runner": lambda world: world.runner("agent-runner"),
}


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


@pytest.fixture
def project(world: World, shop: Shop) -> Path:
    folder = world.project(CODE.format(url=shop.url))
    (folder / "clerk.yaml").write_text(CLERK, encoding="utf-8")
    return folder


def test_each_process_is_killed_in_turn_while_the_app_follows(world: World, shop: Shop, project: Path) -> None:
    (project / "clerk.yaml").write_text(PATIENT_CLERK, encoding="utf-8")
    with world.window(cwd=project) as window:
        window.shows("2 created")
        window.press("enter")
        for number, find in enumerate(VICTIMS.values(), 1):
            window.shows(f"✓ execute +echo {number}")
            kill(find(world))
        window.shows("✓ completed")
        window.shows("There is tea")
        window.shows("✓ ready")
    assert shop.asked == {"/reserve": 1, "/bill": 1}
    assert ledgers(world) == ["1\n2\n3\n"]
    assert_nothing_is_left(world)


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_process_is_killed_while_a_run_follows(world: World, shop: Shop, project: Path, victim: str) -> None:
    process = world.started("run", "sell", "--output", "json", cwd=project)
    read_until(process, lambda event: event["event"] == "tool_call" and event["state"] == "completed")
    kill(VICTIMS[victim](world))
    last = read_until(process, lambda event: event["event"] in ("completed", "failed", "cancelled", "error"))
    assert (last["event"], process.wait()) == ("completed", 0), last
    assert last["output"] == {"answer": "There is tea.", "bills": 1}
    assert_nothing_was_done_twice(world, shop)
    assert_nothing_is_left(world)


@pytest.mark.parametrize("component", ["workflows", "agents"])
def test_one_process_is_restarted_in_the_middle_of_a_run(
    world: World, shop: Shop, project: Path, component: str
) -> None:
    process = world.started("run", "sell", "--output", "json", cwd=project)
    read_until(process, lambda event: event["event"] == "tool_call" and event["state"] == "completed")
    before = {name: world.runner(name).pid for name in ("workflow-runner", "agent-runner")}
    restarted = world.run("server", "restart", component)
    assert restarted.code == 0, restarted.err
    last = read_until(process, lambda event: event["event"] in ("completed", "failed", "cancelled", "error"))
    assert (last["event"], process.wait()) == ("completed", 0), last
    assert last["output"] == {"answer": "There is tea.", "bills": 1}
    assert_nothing_was_done_twice(world, shop)
    changed = [name for name, pid in before.items() if world.runner(name).pid != pid]
    assert changed == [f"{component.removesuffix('s')}-runner"]
    components = json.loads(world.run("server", "status", "--output", "json").out)["components"]
    assert not any("restarts" in each or "last_error" in each for each in components)
    assert_nothing_is_left(world)


def test_a_killed_server_is_back_at_once(world: World, project: Path) -> None:
    with world.window(cwd=project) as window:
        window.shows("✓ ready")
        window.shows("2 created")
        former = world.server()
        kill(former)
        eventually(lambda: successor(world, former), "a server in the place of the killed one")
        window.shows("✓ ready")


def test_all_processes_at_once(world: World, shop: Shop, project: Path) -> None:
    process = world.started("run", "sell", "--output", "json", cwd=project)
    read_until(process, lambda event: event["event"] == "tool_call" and event["state"] == "completed")
    for victim in [*world.server().children(recursive=True), world.server()]:
        victim.kill()
    last = read_until(process, lambda event: event["event"] in ("completed", "failed", "cancelled", "error"))
    assert (last["event"], process.wait()) == ("completed", 0), last
    assert_nothing_was_done_twice(world, shop)


def test_an_agent_runner_is_killed_during_a_command(world: World, project: Path) -> None:
    (project / "clerk.yaml").write_text(SLEEPER, encoding="utf-8")
    process = world.started("run", "clerk", "--output", "json", cwd=project)
    eventually(lambda: ledgers(world) or None, "the command to begin")
    kill(world.runner("agent-runner"))
    last = read_until(process, lambda event: event["event"] in ("completed", "failed", "cancelled", "error"))
    assert (last["event"], process.wait()) == ("completed", 0), last
    assert ledgers(world) == ["begun\n"], "a command of which nobody knows how far it came is not run again"
    assert not list(marked_processes(OWNER_MARK, str(world.home.data)))
    assert_nothing_is_left(world)


def test_the_daemon_is_stopped_while_an_agent_runner_lies_killed(world: World, project: Path) -> None:
    (project / "clerk.yaml").write_text(SLEEPER, encoding="utf-8")
    assert world.run("run", "clerk", "--no-follow", cwd=project).code == 0
    eventually(lambda: ledgers(world) or None, "the command to begin")
    world.runner("agent-runner").kill()
    assert_nothing_is_left(world)


def test_a_runner_that_hangs_is_shown_and_restarted_and_its_run_goes_on(world: World, project: Path) -> None:
    """As long as the thresholds are: half a minute."""
    (project / "clerk.yaml").write_text(PATIENT_CLERK, encoding="utf-8")
    process = world.started("run", "clerk", "--output", "json", cwd=project)
    read_until(process, lambda event: event["event"] == "tool_call" and event["state"] == "completed")
    hanging, since = world.runner("agent-runner"), time.monotonic()
    hanging.suspend()
    eventually(lambda: "⏸ not ready" in agent_runner_line(world) or None, "a runner that is not ready")
    assert hanging.is_running() and "does not answer" in agent_runner_line(world)
    last = read_until(process, lambda event: event["event"] in ("completed", "failed", "cancelled", "error"))
    assert (last["event"], process.wait()) == ("completed", 0), last
    # Not one probe that was missed is enough.
    assert time.monotonic() - since > 20
    assert ledgers(world) == ["1\n2\n3\n"]
    assert "last error" in world.run("server", "status").out
    assert_nothing_is_left(world)


def agent_runner_line(world: World) -> str:
    shown = world.run("server", "status").out
    return next(line for line in shown.splitlines() if "agent-runner" in line)


def kill(process: psutil.Process) -> None:
    process.kill()
    eventually(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE or None, "its end")


def successor(world: World, former: psutil.Process) -> DaemonRecord | None:
    """The record is written once the server listens."""
    record = read_record(world.home)
    return record if record and record.pid != former.pid and record.alive else None


def read_until(process: subprocess.Popen[str], found: Callable[[dict[str, object]], bool]) -> dict[str, object]:
    """The first event of that kind; or the last there was, if the program ends before."""
    event: dict[str, object] = {}
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if found(event):
            break
    return event


def ledgers(world: World) -> list[str]:
    """What agents have written, each in the folder of its session."""
    return [file.read_text(encoding="utf-8") for file in world.home.workspace.rglob("ledger")]


def assert_nothing_was_done_twice(world: World, shop: Shop) -> None:
    assert shop.asked == {"/reserve": 1, "/bill": 1}
    assert ledgers(world) == ["looked\n"]


def assert_nothing_is_left(world: World) -> None:
    assert world.run("server", "stop").code == 0
    assert world.processes() == []
