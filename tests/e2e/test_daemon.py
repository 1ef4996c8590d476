"""The daemon from outside: its life, its address, who is let in, and what is told when something is wrong."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from dataclasses import asdict, replace
from pathlib import Path

import grpc.aio
import psutil
import pytest

from stigmer_tui.api.catalogue_pb2 import ListRequest
from stigmer_tui.api.catalogue_pb2_grpc import CatalogueControllerStub
from stigmer_tui.api.channel import open_channel
from stigmer_tui.daemon.record import DaemonRecord, read_record
from tests.e2e.projects import GREETING, WAITING
from tests.e2e.window import PATIENCE
from tests.e2e.world import World, eventually


def test_a_life(world: World) -> None:
    nothing = world.run("server", "status")
    assert (nothing.code, nothing.out) == (1, "The daemon is not running; start it with: stigmer-tui server start\n")
    assert json.loads(world.run("server", "status", "--output", "json").out) == {"running": False}
    assert world.run("server", "stop").out == "The daemon is not running\n"

    started = world.run("server", "start")
    assert (started.code, started.err) == (0, "")
    assert started.out == f"✓ The daemon is ready at {record(world).address}\n"
    assert world.run("server", "start").out == f"The daemon is already running at {record(world).address}\n"

    former = record(world)
    assert world.run("server", "restart").code == 0
    assert record(world).pid != former.pid and not former.alive
    eventually(lambda: all_ready(world) or None, "every process to be ready")
    text = world.run("server", "status").out
    assert f"pid {record(world).pid}" in text
    assert text.count("✓ ready") == 3

    stopped = world.run("server", "stop")
    assert (stopped.code, stopped.out) == (0, "✓ Stopped the daemon\n")
    assert world.processes() == []
    assert read_record(world.home) is None


def test_the_token_is_asked_for_unless_told_otherwise(world: World) -> None:
    assert world.run("server", "start").code == 0
    assert world.home.token.stat().st_mode & 0o777 == 0o600
    assert world.home.data.stat().st_mode & 0o777 == 0o700
    assert code_without_token(world) is grpc.StatusCode.UNAUTHENTICATED
    refused = world.run("server", "start", "--no-auth")
    assert refused.code == 1
    assert refused.err.endswith("To accept them: stigmer-tui server restart --no-auth\n")
    everywhere = world.run("server", "restart", "--no-auth", "--address", "0.0.0.0:0")
    message = "Error: Without a token (--no-auth) the daemon listens on this machine only, not at 0.0.0.0:0\n"
    assert (everywhere.code, everywhere.err.partition("\n")[0] + "\n") == (1, message)
    # What cannot be is refused before anything is stopped for it.
    assert world.run("server", "status").code == 0
    assert world.run("server", "restart", "--no-auth").code == 0
    assert code_without_token(world) is grpc.StatusCode.OK
    assert "Every client on this machine may use it (--no-auth)" in world.run("server", "status").out


def test_a_killed_daemon_is_followed_by_one_at_its_address(world: World) -> None:
    assert world.run("server", "start", "--no-auth").code == 0
    former = record(world)
    server = world.server()
    server.kill()
    psutil.wait_procs([server], timeout=5)
    assert world.run("run", "nobody").code == 1
    assert (record(world).address, record(world).requires_token) == (former.address, False)
    assert record(world).pid != former.pid


def test_an_address_that_is_taken(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        finished = world.run("server", "start", "--address", address)
    assert finished.code == 1
    assert finished.err.startswith(f"Error: Cannot listen at {address}: Address already in use\n\nChoose another ")
    assert world.processes() == []
    started = world.run("server", "start", "--address", address)
    assert started.out == f"✓ The daemon is ready at {address}\n"


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:port", "127.0.0.1:99999"])
def test_what_is_no_address(world: World, address: str) -> None:
    finished = world.run("server", "start", "--address", address)
    assert (finished.code, finished.err.splitlines()[0]) == (1, f"Error: Not an address: {address}")


def test_homes_side_by_side(world: World) -> None:
    other = replace(world, variables={"STIGMER_HOME": str(world.folder / "other")})
    assert world.run("server", "start").code == 0
    try:
        assert other.run("server", "status").code == 1
        assert other.run("server", "start").code == 0
        addresses = [json.loads(it.run("server", "status", "--output", "json").out)["address"] for it in (world, other)]
        assert addresses[0] != addresses[1]
    finally:
        assert other.run("server", "stop").code == 0
    assert world.run("server", "status").code == 0


def test_starting_at_the_same_time(world: World) -> None:
    starts = [world.started("server", "start") for _ in range(3)]
    outputs = [start.communicate() for start in starts]
    assert [start.returncode for start in starts] == [0, 0, 0], outputs
    assert all(record(world).address in out for out, _ in outputs)


def test_the_record_of_another_process(world: World) -> None:
    """A pid that the system has given to somebody else by now is left alone."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        world.home.prepare()
        of_another = json.dumps(asdict(DaemonRecord(stranger.pid, "long ago", "127.0.0.1:0", "0", True)))
        world.home.daemon_lock.write_text(of_another)
        assert world.run("server", "status").code == 1
        assert world.run("server", "stop").out == "The daemon is not running\n"
        world.home.daemon_lock.write_text(of_another)
        assert world.run("server", "start").code == 0
        assert world.run("server", "stop").code == 0
        assert stranger.poll() is None
        stranger.communicate(b"\n")


def test_a_home_that_is_deleted(world: World) -> None:
    """Point 6: the daemon and its runners end, and leave nothing behind, not even the folder."""
    assert world.run("server", "start").code == 0
    eventually(lambda: all_ready(world) or None, "every process to be ready")
    shutil.rmtree(world.home.root)
    eventually(lambda: world.processes() == [] or None, "every process to end")
    assert not world.home.root.exists()
    assert world.run("server", "status").code == 1
    assert world.run("server", "stop").out == "The daemon is not running\n"


def test_files_that_are_not_ours(world: World) -> None:
    """Point 7: what an existing installation keeps in the same folder stays as it is, to the byte."""
    pid = str(os.getpid())
    theirs = {
        "config.yaml": "# mine\nbackend:\n  local: {llm: {provider: scripted}, colour: blue} # here\nx: 1\n",
        "stigmer.db": "theirs",
        "temporal.pid": f"{pid}\ntemporal\n1700000000\n",
        "temporal.lock": "",
        "llm.pid": pid,
        "data/daemon.pid": pid,
        "data/workflow-runner.pid": pid,
        "data/agent-runner.pid": pid,
        "data/agent-runner.containerid": "f00",
        "data/agent-runner-container.id": "f00",
        "data/startup-config.json": "{}",
        "data/bin/.version": "1",
        "data/logs/stigmer-server.log": "theirs\n",
        "data/logs/workflow-runner.log": "theirs\n",
        "storage/skills/0.zip": "theirs",
    }
    for name, text in theirs.items():
        path = world.home.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    project = world.project(GREETING)
    assert world.run("server", "start").code == 0
    assert world.run("run", cwd=project).code == 0
    assert world.run("server", "restart").code == 0
    assert world.run("server", "stop").out == "✓ Stopped the daemon\n"
    assert {name: (world.home.root / name).read_text(encoding="utf-8") for name in theirs} == theirs


def test_settings_that_cannot_be_read(world: World) -> None:
    assert world.run("server", "start").code == 0
    world.home.configuration.write_text("organization: local\nbackend: [\n", encoding="utf-8")
    finished = world.run("server", "restart")
    assert finished.code == 1
    assert finished.err.startswith(f"Error: {world.home.configuration}:3:1 is not valid YAML: ")
    assert world.run("server", "status").code == 0
    assert world.run("server", "stop").out == "✓ Stopped the daemon\n"


def test_a_daemon_that_says_nothing(world: World) -> None:
    assert world.run("server", "start").code == 0
    server = world.server()
    server.suspend()
    message = f"The daemon (pid {server.pid}) does not answer at {record(world).address}"
    status = world.run("server", "status")
    assert (status.code, status.err.splitlines()[0]) == (1, f"Error: {message}")
    server.resume()
    assert world.run("server", "status").code == 0
    server.suspend()
    assert world.run("server", "stop").out == "✓ Stopped the daemon\n"
    assert world.processes() == []


def test_a_stop_in_the_middle_of_a_run(world: World) -> None:
    project = world.project(WAITING.replace("60", "4"))
    following = world.started("run", cwd=project)
    assert following.stdout is not None and following.stderr is not None
    lines = iter(following.stdout)
    execution = next(line.split()[-1] for line in lines if line.startswith("Execution ID: "))
    assert any("rest [Running]" in line for line in lines)
    assert world.run("server", "stop").code == 0
    # Whoever follows does not start what somebody has stopped.
    assert following.stderr.read().startswith("Error: The daemon was stopped\n")
    assert following.wait() == 1
    assert world.processes() == []
    assert world.run("server", "start").code == 0
    with world.window(cwd=project) as window:
        window.shows("1 unchanged")
        window.press("j", "enter")
        window.shows(f"wfx_…{execution[-4:]}")
        window.shows("✓ completed")
        window.shows('"step": "two"')


def record(world: World) -> DaemonRecord:
    found = read_record(world.home)
    assert found is not None
    return found


def all_ready(world: World) -> bool:
    status = json.loads(world.run("server", "status", "--output", "json").out)
    return [component["state"] for component in status["components"]] == ["READY"] * 3


def code_without_token(world: World) -> grpc.StatusCode:
    async def ask() -> grpc.StatusCode:
        channel = open_channel(record(world).address)
        try:
            await CatalogueControllerStub(channel).list(ListRequest(), timeout=10, wait_for_ready=True)
        except grpc.aio.AioRpcError as error:
            return error.code()
        finally:
            await channel.close()
        return grpc.StatusCode.OK

    return asyncio.run(ask())


def test_metrics_where_they_are_asked_for(tmp_path: Path) -> None:
    world = World(tmp_path, {"STIGMER_METRICS": "127.0.0.1:0"})
    try:
        assert world.run("run", cwd=world.project(GREETING)).code == 0
        line = world.run("server", "logs", "--search", "metrics are served at").out
        request = urllib.request.Request(line.split()[-1])
        request.add_header("Authorization", f"Bearer {world.home.token.read_text()}")
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            lines = response.read().decode().splitlines()
        assert 'stigmer_executions_ended_total{kind="workflow",phase="completed"} 1' in lines
        assert 'stigmer_component_up{component="server"} 1' in lines
    finally:
        world.close()
