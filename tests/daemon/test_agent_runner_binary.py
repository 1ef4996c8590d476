"""Which program the daemon starts as its agent runner. Releases are scripts here: what runs, and says its version."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from stigmer_tui.core.paths import Home
from stigmer_tui.daemon.agent_runner_binary import (
    AgentRunnerBinary,
    Condition,
    RunnerProgram,
    choose_program,
    this_platform,
)
from tests.daemon.release_server import ReleaseServer, release_server

BUILTIN = ["stigmer-tui", "the-runner"]


def script(version: str) -> bytes:
    return f"#!/bin/sh\necho agent-runner {version}\n".encode()


@pytest.fixture
def binary(tmp_path: Path) -> AgentRunnerBinary:
    return AgentRunnerBinary(Home(tmp_path), "1.2.3", "linux-amd64")


@pytest.fixture
async def server(binary: AgentRunnerBinary) -> AsyncIterator[ReleaseServer]:
    async with release_server() as server:
        server.release(binary.release, script("1.2.3"))
        yield server


async def choose(binary: AgentRunnerBinary, url: str = "") -> RunnerProgram:
    return await choose_program(binary, BUILTIN, url, lambda report: None)


async def install(binary: AgentRunnerBinary, version: str = "1.2.3") -> None:
    binary.home.binaries.mkdir(exist_ok=True)
    scratch = binary.home.binaries / "new"
    scratch.write_bytes(script(version))
    await replace(binary, version=version).install(scratch)


async def test_nothing_is_there_and_nothing_is_fetched(binary: AgentRunnerBinary) -> None:
    assert await choose(binary) == RunnerProgram(BUILTIN)
    assert not binary.home.binaries.exists()


async def test_a_binary_that_is_as_it_should_be_is_used(binary: AgentRunnerBinary, server: ReleaseServer) -> None:
    await install(binary)
    assert await choose(binary, server.url) == RunnerProgram([str(binary.path)])
    assert server.asked == []


async def test_a_missing_one_is_fetched_and_installed(binary: AgentRunnerBinary, server: ReleaseServer) -> None:
    reports: list[str] = []
    program = await choose_program(binary, BUILTIN, f"{server.url}/", reports.append)
    assert program == RunnerProgram([str(binary.path)])
    assert binary.find().condition is Condition.USABLE
    assert json.loads(binary.manifest_path.read_text()) == {
        "version": "1.2.3",
        "platform": "linux-amd64",
        "sha256": hashlib.sha256(script("1.2.3")).hexdigest(),
    }
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (binary.home.binaries, binary.path, binary.manifest_path)]
    assert modes == [0o700, 0o700, 0o600]
    assert sorted(path.name for path in binary.home.binaries.iterdir()) == ["agent-runner", "agent-runner.json"]
    assert reports[-1] == "Installing agent-runner-v1.2.3-linux-amd64"


async def test_the_version_may_stand_in_the_address(binary: AgentRunnerBinary, server: ReleaseServer) -> None:
    server.release(binary.release, script("1.2.3"), "/download/v1.2.3")
    await choose(binary, f"{server.url}/download/{{version}}")
    assert server.asked[-1] == "/download/v1.2.3/agent-runner-v1.2.3-linux-amd64"


async def test_one_of_another_version_is_replaced(binary: AgentRunnerBinary, server: ReleaseServer) -> None:
    await install(binary, "1.2.2")
    assert (await choose(binary, server.url)).arguments == [str(binary.path)]
    assert binary.path.read_bytes() == script("1.2.3")


async def test_one_for_another_machine_is_replaced(binary: AgentRunnerBinary, server: ReleaseServer) -> None:
    await install(replace(binary, platform="darwin-arm64"))
    assert (await choose(binary)).notice.endswith("is for darwin-arm64, and this machine is linux-amd64")
    assert (await choose(binary, server.url)).arguments == [str(binary.path)]


@pytest.mark.parametrize("damage", ["changed", "cut off", "not executable"])
async def test_a_damaged_one_is_replaced(binary: AgentRunnerBinary, server: ReleaseServer, damage: str) -> None:
    await install(binary)
    match damage:
        case "changed":
            binary.path.write_bytes(script("1.2.3") + b"#")
        case "cut off":
            binary.path.write_bytes(b"")
        case _:
            binary.path.chmod(0o600)
    assert (await choose(binary)).notice == (
        f"The built-in agent runner is used: {binary.path} is not what was installed"
    )
    assert await choose(binary, server.url) == RunnerProgram([str(binary.path)])
    assert binary.find().condition is Condition.USABLE


@pytest.mark.parametrize("owner", ["nobody", "somebody with a manifest of another kind", "a link", "a folder"])
async def test_one_that_is_not_ours_is_left_alone(
    binary: AgentRunnerBinary, server: ReleaseServer, owner: str, tmp_path: Path
) -> None:
    binary.home.binaries.mkdir()
    match owner:
        case "a link":
            await install(binary)
            binary.path.rename(tmp_path / "elsewhere")
            binary.path.symlink_to(tmp_path / "elsewhere")
        case "a folder":
            binary.path.mkdir()
        case _:
            binary.path.write_bytes(b"theirs")
    if owner.startswith("somebody"):
        binary.manifest_path.write_text('{"version": 7, "platform": "linux-amd64", "sha256": "0"}')
    before = binary.path.lstat()
    program = await choose(binary, server.url)
    assert program.arguments == BUILTIN
    assert program.notice.endswith(f"{binary.path} was not installed by this program, and is left alone")
    assert binary.path.lstat() == before
    assert server.asked == []


@pytest.mark.parametrize("version", ["0.1.0.dev1", "dev"])
async def test_a_development_version_uses_itself(
    binary: AgentRunnerBinary, server: ReleaseServer, version: str
) -> None:
    await install(binary)
    assert await choose(replace(binary, version=version), server.url) == RunnerProgram(BUILTIN)
    assert server.asked == []


async def test_without_a_network_the_built_in_one_is_used(binary: AgentRunnerBinary, server: ReleaseServer) -> None:
    server.answers.clear()
    program = await choose(binary, server.url)
    assert program.arguments == BUILTIN
    assert program.notice.startswith("The built-in agent runner is used: http://127.0.0.1")


@pytest.mark.parametrize("content", [script("9.9.9"), b"\x7fELF of another machine", b"#!/bin/sh\nexit 1\n"])
async def test_a_release_that_does_not_run_here_replaces_nothing(
    binary: AgentRunnerBinary, server: ReleaseServer, content: bytes
) -> None:
    await install(binary, "1.2.2")
    server.release(binary.release, content)
    program = await choose(binary, server.url)
    assert program.arguments == BUILTIN
    assert "agent-runner-v1.2.3-linux-amd64 does not run on this machine" in program.notice
    assert binary.path.read_bytes() == script("1.2.2")
    assert sorted(path.name for path in binary.home.binaries.iterdir()) == ["agent-runner", "agent-runner.json"]


async def test_where_nothing_can_be_installed_the_built_in_one_is_used(
    binary: AgentRunnerBinary, server: ReleaseServer
) -> None:
    binary.home.binaries.write_text("a file where the folder should be")
    assert (await choose(binary, server.url)).arguments == BUILTIN


async def test_what_earlier_binaries_have_unpacked_is_removed(binary: AgentRunnerBinary) -> None:
    await install(binary)
    content = script("1.2.3") + b'folder="$(dirname "$0")/.agent-runner-4711"\n'
    binary.path.write_bytes(content)
    manifest = json.loads(binary.manifest_path.read_text())
    binary.manifest_path.write_text(json.dumps({**manifest, "sha256": hashlib.sha256(content).hexdigest()}))
    for name in (".agent-runner-4711", ".agent-runner-4710", ".agent-runner-4711.x7Qa2b", "ollama"):
        (binary.home.binaries / name).mkdir()
    (binary.home.binaries / ".agent-runner.99").write_text("cut off")
    assert (await choose(binary)).arguments == [str(binary.path)]
    assert sorted(path.name for path in binary.home.binaries.iterdir()) == [
        ".agent-runner-4711",
        "agent-runner",
        "agent-runner.json",
        "ollama",
    ]


def test_a_platform_is_named_as_releases_are() -> None:
    system, _, machine = this_platform().partition("-")
    assert system in ("linux", "darwin")
    assert machine in ("amd64", "arm64")
