"""Programs end with everything that they have started, however that hides."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from stigmer_tui.core import kept_program
from stigmer_tui.core.kept_program import KeptProgram
from stigmer_tui.core.processes import ProcessIdentity

SLEEPER = "sh -c 'echo $$ > pid.new; mv pid.new pid; exec sleep 1000'"
"""Writes its pid down, and stays."""

HIDING = {
    "in the background": f"{SLEEPER} &",
    "without output": f"nohup {SLEEPER} > nohup.txt 2>&1 &",
    "in a session of its own": f"setsid {SLEEPER} &",
    "forked twice": f"(setsid {SLEEPER} &) &",
    "without the environment": f"env -i PATH=$PATH setsid {SLEEPER} &",
    "without the environment, forked twice": f"(env -i PATH=$PATH setsid {SLEEPER} &)",
    "without the environment, behind a shell that ends": f'env -i PATH=$PATH setsid sh -c "{SLEEPER} & exit"',
    "that ignores every signal": f"trap '' TERM HUP INT QUIT; env -i PATH=$PATH setsid {SLEEPER} &",
}

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has subreapers")


@dataclass(frozen=True, slots=True)
class Ended:
    status: int
    output: bytes


async def start(kept: KeptProgram, arguments: Sequence[str], folder: Path) -> asyncio.subprocess.Process:
    return await kept.start(
        asyncio.create_subprocess_exec(
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **kept.environment},
            pass_fds=kept.descriptors,
            start_new_session=True,
        )
    )


async def run(command: str, folder: Path) -> Ended:
    """To its end; what its processes print is in the output."""
    with KeptProgram() as kept:
        process = await start(kept, kept.program(["/bin/sh", "-c", command]), folder)
        assert process.stdout is not None
        async with asyncio.timeout(20):
            # Not before nobody holds its output any more.
            output = await process.stdout.read()
            return Ended(await process.wait(), output)


async def hidden(folder: Path) -> ProcessIdentity:
    """The process that has written its pid down."""
    async with asyncio.timeout(60):
        while not (folder / "pid").exists():  # noqa: ASYNC110 - it has no other way to say so
            await asyncio.sleep(0.005)
    identity = ProcessIdentity.of(int((folder / "pid").read_text()))
    assert identity is not None
    return identity


async def gone(process: ProcessIdentity) -> None:
    """Returns when it is; the keeper of a process that is gone itself may still be at work."""
    async with asyncio.timeout(60):
        while process.alive:  # noqa: ASYNC110 - it is not our child
            await asyncio.sleep(0.005)


@linux_only
@pytest.mark.parametrize("how", HIDING)
async def test_what_a_program_has_left_ends_with_it(tmp_path: Path, how: str) -> None:
    """Point 5: at its end, when it is to be ended, and when it is killed."""
    script = f"{HIDING[how]}\nuntil test -e pid; do sleep 0.01; done\n"
    for last, status in (("cat pid; exit 3", 3), ("kill -KILL $$", -signal.SIGKILL)):
        (tmp_path / "pid").unlink(missing_ok=True)
        ended = await run(script + last, tmp_path)
        assert ended.status == status
        assert ProcessIdentity.of(int((tmp_path / "pid").read_text())) is None
    (tmp_path / "pid").unlink()
    with KeptProgram() as kept:
        process = await start(kept, kept.program(["/bin/sh", "-c", f"{script} sleep 1000"]), tmp_path)
        left = await hidden(tmp_path)
        await kept.end(process.kill)
        assert not left.alive
        await process.wait()


async def test_a_cancellation_during_the_start_comes_after_it(tmp_path: Path) -> None:
    """It killed the keeper, and what that had started went on."""
    started: list[asyncio.subprocess.Process] = []

    async def work() -> None:
        with KeptProgram() as kept:
            process = await start(kept, kept.program(["/bin/sh", "-c", "sleep 1000"]), tmp_path)
            try:
                started.append(process)
                await asyncio.Event().wait()
            finally:
                await kept.end(process.kill)
                await process.wait()

    working = asyncio.create_task(work())
    await asyncio.sleep(0)
    working.cancel()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert [process.returncode is not None for process in started] == [True]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await work()
    assert len(started) == 2
    assert started[1].returncode is not None


@linux_only
async def test_each_program_ends_its_own(tmp_path: Path) -> None:
    """Point 5: of several at a time, the end of one is not the end of another's processes."""
    folders = [tmp_path / "one", tmp_path / "two"]
    with KeptProgram() as one, KeptProgram() as two:
        processes = []
        for kept, folder in zip((one, two), folders, strict=True):
            folder.mkdir()
            command = f"{HIDING['without the environment, forked twice']}\nsleep 1000"
            processes.append(await start(kept, kept.program(["/bin/sh", "-c", command]), folder))
        first, second = [await hidden(folder) for folder in folders]
        await one.end(processes[0].kill)
        assert (first.alive, second.alive) == (False, True)
        await two.end(processes[1].kill)
        assert not second.alive
        for process in processes:
            await process.wait()


CALLER = """
import asyncio, sys
from pathlib import Path
from stigmer_tui.core.kept_program import KeptProgram
from tests.core.test_keeper import start

async def main() -> None:
    with KeptProgram() as kept:
        process = await start(kept, kept.program(["/bin/sh", "-c", sys.argv[1]]), Path(sys.argv[2]))
        await process.wait()

asyncio.run(main())
"""


@linux_only
async def test_when_we_are_killed_the_program_ends_too(tmp_path: Path) -> None:
    """Point 5: nobody is left who could end it, and yet."""
    command = f"{HIDING['without the environment']}\nsleep 1000"
    caller = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CALLER, command, str(tmp_path)), cwd=Path(__file__).parents[2]
    )
    left = await hidden(tmp_path)
    caller.kill()
    await caller.wait()
    await gone(left)


@pytest.mark.parametrize("how", ["in the background", "in a session of its own", "forked twice"])
async def test_where_there_are_no_subreapers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Point 5: on macOS the group and the mark, with a keeper that knows nothing of /proc and waitid."""
    elsewhere = "import os, sys; sys.platform = 'darwin'; vars(os).pop('waitid', None); "
    monkeypatch.setattr(kept_program, "LOAD_KEEPER", elsewhere + kept_program.LOAD_KEEPER)
    script = f"{HIDING[how]}\nsleep 1000"
    with KeptProgram() as kept:
        process = await start(kept, kept.program(["/bin/sh", "-c", script]), tmp_path)
        left = await hidden(tmp_path)
        await kept.end(process.kill)
        assert not left.alive
        await process.wait()


async def test_a_program_that_kills_its_keeper_is_found_by_its_mark(tmp_path: Path) -> None:
    """Point 5: what can be done without a keeper, which is also what is done on macOS."""
    with KeptProgram() as kept:
        command = (
            f"{HIDING['in a session of its own']}\nuntil test -e pid; do sleep 0.01; done\nkill -KILL $PPID; sleep 1000"
        )
        process = await start(kept, kept.program(["/bin/sh", "-c", command]), tmp_path)
        left = await hidden(tmp_path)
        if keeper := ProcessIdentity.of(process.pid):
            await gone(keeper)
        await kept.end(process.kill)
        assert not left.alive
        await process.wait()


async def test_the_program_notices_nothing_of_its_keeper(tmp_path: Path) -> None:
    script = "ps -o sid= -p $$ | tr -d ' '; echo $$; yes | head -n 1; ls -l /proc/$$/fd | grep -c socket"
    ended = await run(script, tmp_path)
    session, pid, *rest = ended.output.decode().split()
    assert session == pid
    # A pipe that nobody reads ends `yes` without a word; and the keeper's socket is not there.
    assert rest == ["y", "0"]


async def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with KeptProgram() as kept:
        process = await start(kept, kept.program(["no-such-program"]), tmp_path)
        assert process.stdout is not None
        assert await process.stdout.read() == b"no-such-program: No such file or directory\n"
        assert await process.wait() == 127


async def test_a_package_is_run_as_by_the_interpreter(tmp_path: Path) -> None:
    """Its arguments, its path, its name, its exit status; and the keeper's module is not in its way."""
    (tmp_path / "keeper.py").write_text("theirs = True\n")
    (tmp_path / "told").mkdir()
    (tmp_path / "told" / "__init__.py").touch()
    (tmp_path / "told" / "__main__.py").write_text(
        "import json, sys, keeper\n"
        "print(json.dumps([sys.argv[1:], sys.path[0], __name__, keeper.theirs]))\n"
        "import atexit; atexit.register(print, 'bye')\n"
        "sys.exit(7)\n"
    )
    with KeptProgram() as kept:
        process = await start(kept, kept.package(sys.executable, "told", "a", "-b"), tmp_path)
        assert process.stdout is not None
        output = (await process.stdout.read()).decode()
        assert await process.wait() == 7
        await kept.end(process.kill)
    assert output == f'[["a", "-b"], "{tmp_path}", "__main__", true]\nbye\n'


@linux_only
async def test_orphans_that_end_by_themselves_are_no_zombies(tmp_path: Path) -> None:
    script = (
        "for i in 1 2 3 4 5; do (sh -c 'exit 0' &); done; sleep 0.2; "
        "ps -o stat= --ppid $PPID | grep -c Z; sh -c 'setsid true'"
    )
    assert (await run(script, tmp_path)).output == b"0\n"
