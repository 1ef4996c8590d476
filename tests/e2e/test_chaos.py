"""Everything at once for some minutes: `pytest -m chaos`. Whatever happens, each run ends, nothing happens twice, and
nothing is left behind.

STIGMER_CHAOS_SECONDS says for how long (600), STIGMER_CHAOS_SEED repeats what was tried in what order. A full disk and
a home that cannot be written need a file system of their own, which only root can make; without it these troubles are
left out, and said so.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
import pytest

from stigmer_tui.api.phases import Phase
from stigmer_tui.client.connection import connected
from stigmer_tui.client.executions import get
from stigmer_tui.core.configuration import load_configuration
from stigmer_tui.daemon.record import read_record
from stigmer_tui.daemon.running import ensure_daemon
from tests.e2e.shop import Shop, open_shop
from tests.e2e.world import World, eventually

pytestmark = pytest.mark.chaos

SECONDS = float(os.environ.get("STIGMER_CHAOS_SECONDS", "600"))
DISK = 96
"""Mebibytes."""
RUN_LIMIT = 180.0
"""Seconds in which everything must have ended, once there is peace."""
CANCELLED_EACH = 7
"""One in so many runs is cancelled."""

ITEMS = ("assam", "darjeeling", "keemun")
"""That the loop orders."""

PERMITTED_FAILURES = (
    # A request of which nobody knows how far it came.
    "the runner was stopped while the request was under way",
    # Whatever an execution does to its runners, it will do again.
    "runner stopped 5 times",
    "disk",
)

CODE = """\
from stigmer_tui.sdk import Agent, Workflow, env

clerk = Agent("clerk", instructions="Answer in one sentence.", script="clerk.yaml")

with Workflow("sell", namespace="shop") as flow:
    number = env("NUMBER")
    flow.http_post("reserve", f"{url}/{{number}}/reserve", body={{}})
    flow.wait("pause", seconds=1)
    flow.call_agent("ask", clerk, message="Is there tea?")
    flow.http_post("bill", f"{url}/{{number}}/bill", body={{}})

with Workflow("restock", namespace="shop") as flow:
    number = env("NUMBER")
    with flow.for_each("order-all", ["assam", "darjeeling", "keemun"]) as tea:
        with flow.switch("which") as which:
            with which.case(tea == "none"):
                flow.set("nothing", ordered=0)
            with which.default():
                flow.http_post("order", f"{url}/{{number}}/{{tea}}", body={{}})
        flow.wait("breathe", seconds=1)
"""

CLERK = """\
delay: 0.01
turns:
  - say: Let me look.
    call:
      execute: { command: "echo looked >> ledger" }
  - pause: 0.5
    say: "There is tea."
"""

CLOCK_STEP = """\
import sys, time, psutil
step = float(sys.argv.pop(1))
real, boot = time.time, psutil.boot_time
time.time = lambda: real() + step
psutil.boot_time = lambda: boot() + step
if hasattr(psutil, "_pslinux"):
    linux = psutil._pslinux.boot_time
    psutil._pslinux.boot_time = lambda: linux() + step
from stigmer_tui.cli.entry import main
main()
"""
"""The program on a machine whose clock was put forward: what is measured against the clock moves with it."""


ASKED = {"sell": ("reserve", "bill"), "restock": ITEMS, "clerk": ()}
"""By the name of what is run: what a whole run asks of the shop."""


@dataclass(slots=True)
class Ledger:
    """What was asked for, and what was said to it."""

    names: dict[str, str] = field(default_factory=dict)
    """Of the workflows and agents that were run, by number."""
    cancelled: set[str] = field(default_factory=set)
    """Numbers of runs that were to be cancelled, whatever came of it."""

    started: dict[str, str] = field(default_factory=dict)
    """Ids of executions, by number."""
    refused: dict[str, str] = field(default_factory=dict)
    """Errors, by number."""
    troubles: Counter[str] = field(default_factory=Counter)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk where that can be had, else a folder."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = False
    if sys.platform == "linux" and os.geteuid() == 0:
        command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}m", "tmpfs", str(folder)]
        mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0
    yield folder
    if mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def test_chaos(disk: Path) -> None:
    seed = int(os.environ.get("STIGMER_CHAOS_SEED", time.time_ns() % 1_000_000))
    sys.stdout.write(f"STIGMER_CHAOS_SEED={seed}\n")
    world, ledger = World(disk), Ledger()
    try:
        with open_shop() as shop:
            project = world.project(CODE.format(url=shop.url))
            (project / "clerk.yaml").write_text(CLERK, encoding="utf-8")
            assert world.run("apply", cwd=project).code == 0
            _trouble(world, ledger, random.Random(seed))
            phases = asyncio.run(_ends(world, ledger))
            _report(ledger, phases)
            _judge(world, shop, ledger, phases)
    finally:
        world.close()


def _trouble(world: World, ledger: Ledger, chance: random.Random) -> None:
    """Runs are started all the time, beside one trouble after the other."""
    over = threading.Event()
    customers = threading.Thread(target=_start_runs, args=(world, ledger, over))
    customers.start()
    troubles: dict[str, Callable[[], None]] = {
        "workflow runner killed": partial(_kill, world, "workflow-runner"),
        "agent runner killed": partial(_kill, world, "agent-runner"),
        "server killed": partial(_kill, world, "server"),
        "everything killed": partial(_kill_all, world),
        "a process stopped for a while": partial(_pause, world, chance),
        "the clock put forward": partial(_step_the_clock, world),
        "the port taken, and the daemon killed": partial(_take_the_port, world, chance),
    }
    if os.path.ismount(world.folder):
        troubles["disk full"] = partial(_fill_the_disk, world.folder, chance)
        troubles["the home read-only, and the daemon killed"] = partial(_forbid_writing, world, chance)
    else:
        sys.stdout.write("no disk of its own: a full one, and one that cannot be written, are not tried\n")
    end = time.monotonic() + SECONDS
    try:
        while time.monotonic() < end:
            time.sleep(chance.uniform(1, 4))
            name = chance.choice(list(troubles))
            troubles[name]()
            ledger.troubles[name] += 1
    finally:
        over.set()
        customers.join()


def _start_runs(world: World, ledger: Ledger, over: threading.Event) -> None:
    number = 0
    while not over.wait(0.3):
        number += 1
        key = f"n{number}"
        name = ledger.names[key] = list(ASKED)[number % len(ASKED)]
        given = ("--message", f"This is {key}") if name == "clerk" else ("--runtime-env", f"NUMBER={key}")
        finished = world.run("run", name, "--no-follow", "--output", "json", *given)
        assert "Traceback" not in finished.err, finished.err
        if finished.code:
            ledger.refused[key] = finished.out + finished.err
            continue
        ledger.started[key] = str(finished.events[0]["execution_id"])
        if number % CANCELLED_EACH == 0:
            ledger.cancelled.add(key)
            cancelled = world.run("execution", "cancel", ledger.started[key])
            assert "Traceback" not in cancelled.err, cancelled.err


def _victim(world: World, name: str) -> psutil.Process | None:
    with suppress(AssertionError, psutil.Error):
        return world.server() if name == "server" else world.runner(name)
    return None


def _kill(world: World, name: str) -> None:
    if process := _victim(world, name):
        with suppress(psutil.Error):
            process.kill()


def _kill_all(world: World) -> None:
    if server := _victim(world, "server"):
        with suppress(psutil.Error):
            for process in [*server.children(recursive=True), server]:
                process.kill()


def _pause(world: World, chance: random.Random) -> None:
    process = _victim(world, chance.choice(["server", "workflow-runner", "agent-runner"]))
    if process is None:
        return
    with suppress(psutil.Error):
        process.suspend()
        # The longest fails some probes, and none hangs for good.
        time.sleep(chance.choice([0.5, 2, 12]))
        process.resume()


def _fill_the_disk(folder: Path, chance: random.Random) -> None:
    ballast = folder / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(1 << 20)):
            continue
    time.sleep(chance.uniform(0.5, 3))
    ballast.unlink(missing_ok=True)


def _forbid_writing(world: World, chance: random.Random) -> None:
    """A file system with files that are open for writing does not become read-only, so everything ends first."""
    for _ in range(20):
        _kill_all(world)
        remount = ["mount", "-o", "remount,ro", str(world.folder)]
        if subprocess.run(remount, check=False, capture_output=True).returncode == 0:
            break
        time.sleep(0.1)
    time.sleep(chance.uniform(1, 4))
    subprocess.run(["mount", "-o", "remount,rw", str(world.folder)], check=True)


def _take_the_port(world: World, chance: random.Random) -> None:
    record = read_record(world.home)
    if record is None:
        return
    host, _, port = record.address.rpartition(":")
    _kill_all(world)
    with socket.socket() as taken, suppress(OSError):
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, int(port)))
        taken.listen()
        time.sleep(chance.uniform(1, 4))


def _step_the_clock(world: World) -> None:
    if _victim(world, "server") is None:
        return
    before = world.server().pid
    command = [sys.executable, "-c", CLOCK_STEP, "7200", "server", "status", "--output", "json"]
    result = subprocess.run(command, env=world.environment, capture_output=True, text=True, check=False)
    with suppress(AssertionError):
        if world.server().pid == before and result.returncode != 0:
            # It may have been killed meanwhile; it has not if its process is the same.
            pytest.fail(f"a step of the clock lost the daemon: {result.stdout}{result.stderr}")


async def _ends(world: World, ledger: Ledger) -> dict[str, tuple[Phase, str]]:
    """How each run ended, in a daemon that is left in peace."""
    configuration = load_configuration(world.environment)
    phases: dict[str, tuple[Phase, str]] = {}
    async with asyncio.timeout(RUN_LIMIT), connected(partial(ensure_daemon, configuration)) as connection:
        for key, execution_id in ledger.started.items():
            while True:
                execution = await get(connection, execution_id)
                phase = Phase(execution.status.phase)
                if phase.is_final:
                    phases[key] = phase, execution.status.error
                    break
                await asyncio.sleep(0.2)
    return phases


def _report(ledger: Ledger, phases: dict[str, tuple[Phase, str]]) -> None:
    ended = Counter(phase.name for phase, _ in phases.values())
    errors = Counter(error for _, error in phases.values() if error)
    refusals = Counter(text.strip().splitlines()[-1][:160] for text in ledger.refused.values() if text.strip())
    started = Counter(ledger.names[key] for key in ledger.started)
    counts = {"troubles": ledger.troubles, "started": started, "ends": ended, "errors": errors, "refused": refusals}
    for title, count in counts.items():
        sys.stdout.write(f"{title}: {json.dumps(count, indent=2, ensure_ascii=False)}\n")


def _judge(world: World, shop: Shop, ledger: Ledger, phases: dict[str, tuple[Phase, str]]) -> None:
    assert len(phases) == len(ledger.started), "a run was lost"
    assert not {path: times for path, times in shop.asked.items() if times > 1}, "something happened twice"
    for ledger_file in world.home.workspace.rglob("ledger"):
        assert ledger_file.read_text(encoding="utf-8") in ("", "looked\n"), "a command was run twice"
    for key, (phase, error) in phases.items():
        asked = [shop.asked[f"/{key}/{each}"] for each in ASKED[ledger.names[key]]]
        if phase is Phase.COMPLETED:
            assert asked == [1] * len(asked)
        elif phase is Phase.CANCELLED:
            assert key in ledger.cancelled, f"{key} was cancelled by nobody"
        else:
            assert any(word in error.lower() for word in PERMITTED_FAILURES), f"{key} {phase.name}: {error}"
    for key, text in ledger.refused.items():
        assert "an internal error" not in text, text
        if any(shop.asked[f"/{key}/{each}"] for each in ASKED[ledger.names[key]]):
            assert "may have been" in text, f"{key} was started, and said to have failed: {text}"
    # New runners tidy up after those that were killed.
    assert world.run("server", "restart").code == 0
    eventually(lambda: not _journaled(world) or None, "journals without the runs that have ended")
    assert world.run("server", "stop").code == 0
    eventually(lambda: not world.processes() or None, "the end of everything")
    sys.stdout.write(f"lost: 0 of {len(phases)} runs; done twice: 0 of {shop.asked.total()} requests\n")
    sys.stdout.write("left behind: no process, no step of a journal\n")


def _journaled(world: World) -> int:
    """How many steps the journals of the runners hold."""
    steps = 0
    for journal in world.home.journals.glob("*.db"):
        with closing(sqlite3.connect(journal)) as database:
            steps += database.execute("SELECT count(*) FROM steps").fetchone()[0]
    return steps
