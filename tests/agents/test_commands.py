"""Commands: their output, their limits, and that nothing of them is left."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import psutil
import pytest

from stigmer_tui.agents.sandbox.commands import (
    MAX_OUTPUT_SIZE,
    TIMED_OUT,
    BoundedOutput,
    CommandResult,
    end_processes,
    run_command,
)
from stigmer_tui.agents.sandbox.confinement import Confinement, command_environment, find_confinement
from stigmer_tui.core.kept_program import MARK
from tests.agents.waiting import exists

ENVIRONMENT = {"PATH": os.environ["PATH"]}
LONG = 60.0


@pytest.fixture(params=["folder only", "bubblewrap"])
async def confinement(request: pytest.FixtureRequest, tmp_path: Path) -> Confinement:
    if request.param == "folder only":
        return Confinement()
    found = await find_confinement(tmp_path)
    if not found.bubblewrap:
        pytest.skip("bubblewrap does not work here")
    return found


@pytest.fixture
def mark(request: pytest.FixtureRequest) -> str:
    return f"test-{os.getpid()}-{request.node.name}"


async def run(
    confinement: Confinement, command: str, folder: Path, mark: str = f"test-{os.getpid()}", limit: float = LONG
) -> CommandResult:
    return await run_command(confinement.shell(command, folder), folder, ENVIRONMENT, mark, limit)


def left_running(mark: str) -> list[str]:
    """Command lines of the processes that carry the mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark:
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


async def test_output_and_errors_come_in_order_with_the_exit_code(confinement: Confinement, tmp_path: Path) -> None:
    result = await run(confinement, "echo one; echo two >&2; echo three; exit 7", tmp_path)
    assert result == CommandResult("one\ntwo\nthree\n", 7)


async def test_a_killed_command_has_the_exit_code_that_shells_give_it(confinement: Confinement, tmp_path: Path) -> None:
    assert (await run(confinement, "kill -9 $$", tmp_path)).exit_code == 137


async def test_it_starts_in_the_folder_and_can_write_there(confinement: Confinement, tmp_path: Path) -> None:
    assert (await run(confinement, "pwd; echo hi > a.txt", tmp_path)).output == f"{tmp_path}\n"
    assert (tmp_path / "a.txt").read_text() == "hi\n"


async def test_it_has_no_input(confinement: Confinement, tmp_path: Path) -> None:
    assert (await run(confinement, "cat; echo end", tmp_path)).output == "end\n"


async def test_a_command_that_takes_too_long_is_killed(confinement: Confinement, tmp_path: Path, mark: str) -> None:
    result = await run(confinement, "echo begun; sleep 1000", tmp_path, mark, limit=0.3)
    # How far it gets depends on the machine.
    assert (result.exit_code, result.timed_out) == (TIMED_OUT, True)
    assert "begun\n".startswith(result.output)
    assert left_running(mark) == []


LEFT_BEHIND = {
    "in the background": "sleep 1000 &",
    "in a session of its own": "setsid sleep 1000 &",
    "without a parent": "(setsid sh -c 'sleep 1000 & exit' &)",
    "without its output": "nohup sleep 1000 >/dev/null 2>&1 &",
}


@pytest.mark.parametrize("how", LEFT_BEHIND)
async def test_what_a_command_leaves_behind_ends_with_it(
    confinement: Confinement, tmp_path: Path, mark: str, how: str
) -> None:
    result = await run(confinement, f"{LEFT_BEHIND[how]}\necho started", tmp_path, mark)
    assert result == CommandResult("started\n", 0)
    assert left_running(mark) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has subreapers")
async def test_what_a_command_hides_ends_with_it(confinement: Confinement, tmp_path: Path, mark: str) -> None:
    """Point 5: also what nothing in its environment betrays. It holds a pipe open until the last of it is gone."""
    os.mkfifo(tmp_path / "held")
    reader = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    try:
        hide = "env -i PATH=$PATH setsid sh -c 'exec 9> held; echo > begun; while :; do sleep 0.01; done' &"
        await run(confinement, f"({hide})\nuntil test -e begun; do sleep 0.01; done", tmp_path, mark)
        await asyncio.wait_for(end_of(reader), 60)
    finally:
        os.close(reader)


async def end_of(pipe: int) -> None:
    """Returns when nobody can write to the pipe any more."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def read() -> None:
        if not os.read(pipe, 4096):
            ended.set()

    loop.add_reader(pipe, read)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(pipe)


async def test_a_cancelled_command_is_killed_with_all_that_it_started(
    confinement: Confinement, tmp_path: Path, mark: str
) -> None:
    command = "setsid sleep 1000 & sleep 1000 & echo > begun; sleep 1000"
    running = asyncio.create_task(run(confinement, command, tmp_path, mark))
    await exists(tmp_path / "begun")
    assert left_running(mark)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert left_running(mark) == []


async def test_processes_of_a_runner_that_was_killed_are_found_by_their_mark(tmp_path: Path, mark: str) -> None:
    orphan = await asyncio.create_subprocess_exec("sleep", "1000", env={**ENVIRONMENT, MARK: mark})
    await end_processes("another")
    assert left_running(mark)
    await end_processes(mark)
    assert left_running(mark) == []
    await orphan.wait()


async def test_endless_output_is_bounded(confinement: Confinement, tmp_path: Path) -> None:
    result = await run(confinement, "yes aaaaaaaa | head -c 9000000", tmp_path)
    assert len(result.output) < MAX_OUTPUT_SIZE + 100
    assert "left out" in result.output


def test_output_keeps_beginning_and_end_whatever_the_pieces() -> None:
    whole = "".join(f"{number:04} é\n" for number in range(1000)).encode()
    for size in (1, 7, 100, 5000):
        output = BoundedOutput(200)
        for start in range(0, len(whole), size):
            output.add(whole[start : start + size])
        assert output.text().startswith("0000 é\n0001 é\n")
        assert output.text().endswith("0999 é\n")
        assert "\n… 7.8 kB left out …\n" in output.text()
    output = BoundedOutput(200)
    output.add("é".encode()[:1])
    output.add("é".encode()[1:] * 1)
    assert output.text() == "é"


def test_commands_see_little_of_the_runner_and_all_of_the_run(tmp_path: Path) -> None:
    runner = {"PATH": "/bin", "LANG": "C.UTF-8", "ANTHROPIC_API_KEY": "sk-ant", "STIGMER_LLM_API_KEY": "sk"}
    seen = command_environment(runner, {"TOKEN": "t", "LANG": "de"}, tmp_path)
    assert seen == {"PATH": "/bin", "LANG": "de", "HOME": str(tmp_path), "TOKEN": "t"}


async def test_bubblewrap_hides_the_rest_of_the_machine(tmp_path: Path) -> None:
    found = await find_confinement(tmp_path)
    if not found.bubblewrap:
        pytest.skip("bubblewrap does not work here")
    (tmp_path / "root").mkdir()
    (tmp_path / "secret.txt").write_text("not yours")
    assert str(found) == "bubblewrap"
    for forbidden in (
        f"cat {tmp_path}/secret.txt",
        "ls /root || ls /home",
        "touch /usr/x",
        "mount -o remount,rw,bind /usr",
        "cat /proc/sys/kernel/hostname > /proc/sys/kernel/hostname",
    ):
        result = await run(found, f"{forbidden} && echo possible", tmp_path / "root")
        assert "possible" not in result.output, forbidden
    processes = await run(found, "ls -d /proc/[0-9]* | wc -l", tmp_path / "root")
    assert int(processes.output) < 10


async def test_a_bubblewrap_that_does_not_work_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert str(await find_confinement(tmp_path)) == "folder only"
    broken.unlink()
    assert str(await find_confinement(tmp_path)) == "folder only"
