"""The logs of all processes as one: the last lines, one process, and what comes while somebody looks."""

from __future__ import annotations

import json
import signal

from stigmer_tui.core.logs import OLD_FILES
from tests.e2e.projects import GREETING
from tests.e2e.world import World


def test_the_last_lines_of_all_or_of_one(world: World) -> None:
    write(world, "server", "2026-01-01T00:00:01.000Z", "first")
    write(world, "agent-runner", "2026-01-01T00:00:02.000Z", "second")
    write(world, "server", "2026-01-01T00:00:03.000Z", "third")
    everything = world.run("server", "logs")
    assert (everything.code, messages(everything.out)) == (0, ["first", "second", "third"])
    assert messages(world.run("server", "logs", "-n", "2").out) == ["second", "third"]
    assert messages(world.run("server", "logs", "-n", "0", "-c", "server").out) == ["first", "third"]
    assert world.run("server", "logs", "-c", "kitchen").code == 2


def test_a_run_is_in_the_log(world: World) -> None:
    project = world.project(GREETING)
    run = str(world.run("run", "--output", "json", cwd=project).events[-1]["execution_id"])
    about = world.run("server", "logs", "--execution", run)
    assert [line.partition(run)[2] for line in about.out.splitlines()] == [
        " of greet is given to the workflow-runner",
        " has completed",
    ]
    unknown = world.run("server", "logs", "--execution", "wex-none")
    assert (unknown.code, unknown.out, unknown.err) == (0, "", "No line matches\n")


def test_lines_that_come_while_somebody_looks_also_after_a_rotation(world: World) -> None:
    write(world, "server", "2026-01-01T00:00:01.000Z", "before")
    process = world.started("server", "logs", "--follow")
    assert process.stdout is not None
    seen = [messages(process.stdout.readline())[0]]
    for number in range(3):
        write(world, "server", f"2026-01-01T00:00:1{number}.000Z", f"last-{number}")
        rotate(world, "server")
        write(world, "server", f"2026-01-01T00:00:2{number}.000Z", f"first-{number}")
        write(world, "agent-runner", f"2026-01-01T00:00:3{number}.000Z", f"agent-{number}")
        seen += [messages(process.stdout.readline())[0] for _ in range(3)]
    expected = [f"{which}-{number}" for number in range(3) for which in ("last", "first", "agent")]
    assert seen == ["before", *expected]
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130


def write(world: World, component: str, time: str, message: str) -> None:
    world.home.prepare()
    line = {"time": time, "level": "info", "component": component, "logger": "test", "message": message}
    with world.home.log(component).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def rotate(world: World, component: str) -> None:
    log = world.home.log(component)
    for number in range(OLD_FILES, 1, -1):
        older = log.with_name(f"{log.name}.{number - 1}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number}"))
    log.replace(log.with_name(f"{log.name}.1"))


def messages(text: str) -> list[str]:
    return [line.split()[-1] for line in text.splitlines()]
