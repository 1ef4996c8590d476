"""Programs that behave badly: what is left of them, and what is read of them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from stigmer_tui.agent_clis.process import MAX_LINE, MAX_OUTPUT, ProcessEnd, run_process

LONG = 60.0
"""Seconds; no test waits for it."""

IGNORES_TERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
HANGS = "import signal; signal.pause()"
PRINTS_PID = "import os; print(os.getpid(), flush=True); signal.pause()"


def ignore(line: str) -> None:
    pass


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., ProcessEnd]:
    """Runs Python code as a program; what it prints stands in `lines` of the folder's transcript."""

    def run(
        code: str, timeout: float = LONG, grace: float = LONG, on_line: Callable[[str], None] = ignore
    ) -> ProcessEnd:
        return asyncio.run(_run(code, tmp_path, timeout, grace, on_line))

    return run


async def _run(
    code: str, folder: Path, timeout: float, grace: float = LONG, on_line: Callable[[str], None] = ignore
) -> ProcessEnd:
    command = [sys.executable, "-S", "-c", code]
    return await run_process(command, folder, dict(os.environ), folder / "transcript.log", timeout, on_line, grace)


def lines_of(run: Callable[..., ProcessEnd], code: str) -> list[str]:
    lines: list[str] = []
    run(code, on_line=lines.append)
    return lines


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_both_streams_in_their_order_and_the_status(run: Callable[..., ProcessEnd], tmp_path: Path) -> None:
    end = run("import os; os.write(1, b'out\\n'); os.write(2, b'error\\n'); os.write(1, b'no end'); os._exit(7)")
    assert end == ProcessEnd(7, False, "out\nerror\nno end")
    assert (tmp_path / "transcript.log").read_bytes() == b"out\nerror\nno end"


def test_the_standard_input_is_closed(run: Callable[..., ProcessEnd]) -> None:
    assert run("import sys; print(repr(sys.stdin.read()))").output == "''"


def test_a_signal_is_a_negative_status(run: Callable[..., ProcessEnd]) -> None:
    assert run("import os, signal; os.kill(os.getpid(), signal.SIGKILL)").status == -9


def test_one_that_hangs_is_asked_to_end(run: Callable[..., ProcessEnd]) -> None:
    """Well before the grace is over, which is longer than the test may take."""
    end = run(HANGS, timeout=0.1)
    assert end.timed_out
    assert end.status != 0


def test_one_that_ignores_that_is_killed(run: Callable[..., ProcessEnd]) -> None:
    end = run(f"{IGNORES_TERM}; {HANGS}", timeout=0.5, grace=0.1)
    assert end.timed_out
    assert end.status != 0


DETACHED = f"""
import os
reading, writing = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        {IGNORES_TERM}
        os.write(writing, b"%d" % os.getpid())
        os.close(writing)
        while True:
            signal.pause()
    os._exit(0)
print(os.read(reading, 20).decode(), flush=True)
"""
"""Prints the pid of a grandchild in a session of its own that keeps the output open."""


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process can leave its group unnoticed")


@on_linux
def test_what_has_left_its_session_ends_with_the_program(run: Callable[..., ProcessEnd]) -> None:
    end = run(DETACHED)
    assert (end.status, end.timed_out) == (0, False)
    assert is_gone(int(end.output))


@on_linux
@pytest.mark.parametrize("code", [f"{DETACHED}import signal; signal.pause()", f"{IGNORES_TERM}; {PRINTS_PID}"])
async def test_a_cancelled_run_leaves_nothing(code: str, tmp_path: Path) -> None:
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(_run(code, tmp_path, LONG, on_line=lambda line: started.set_result(int(line))))
    pid = await started
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert is_gone(pid)


async def test_lines_come_while_the_program_runs(tmp_path: Path) -> None:
    """It goes on only when its first line is in the transcript."""
    go_on = tmp_path / "go-on"
    os.mkfifo(go_on)
    transcripts: list[str] = []

    def take(line: str) -> None:
        transcripts.append((tmp_path / "transcript.log").read_text())
        if line == "first":
            # The program is about to wait for somebody who writes.
            asyncio.get_running_loop().run_in_executor(None, go_on.write_text, "")

    await _run(
        f"print('first', flush=True); open({str(go_on)!r}).read(); print('second')", tmp_path, LONG, on_line=take
    )
    assert transcripts == ["first\n", "first\nsecond\n"]


def test_what_is_not_utf_8_is_replaced_and_kept_as_it_was(run: Callable[..., ProcessEnd], tmp_path: Path) -> None:
    assert lines_of(run, "import os; os.write(1, b'a\\xffb\\n\\xe2\\x82')") == ["a\ufffdb", "\ufffd"]
    assert (tmp_path / "transcript.log").read_bytes() == b"a\xffb\n\xe2\x82"


def test_a_character_may_come_in_pieces(run: Callable[..., ProcessEnd]) -> None:
    code = "import os; [os.write(1, bytes([byte])) for byte in '€\\r\\n'.encode()]"
    assert lines_of(run, code) == ["€"]


def test_a_line_without_an_end_comes_in_pieces(run: Callable[..., ProcessEnd]) -> None:
    size = 5 * MAX_LINE // 2
    lines = lines_of(run, f"import sys; sys.stdout.write('x' * {size})")
    assert "".join(lines) == "x" * size
    assert max(map(len, lines)) == MAX_LINE


def test_of_much_output_the_end_is_kept_and_all_of_it_in_the_transcript(
    run: Callable[..., ProcessEnd], tmp_path: Path
) -> None:
    number, line = 100, "x" * 99_999
    end = run(f"for _ in range({number}): print({line!r})\nprint('the end')")
    assert len(end.output) <= MAX_OUTPUT
    assert end.output.endswith(f"{line}\nthe end")
    assert (tmp_path / "transcript.log").stat().st_size == number * (len(line) + 1) + len("the end\n")


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    end = asyncio.run(
        run_process(["no-such-program"], tmp_path, dict(os.environ), tmp_path / "transcript.log", LONG, ignore)
    )
    assert end.status == 127
    assert "no-such-program" in end.output
