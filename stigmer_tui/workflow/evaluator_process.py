"""The process in which jq runs: it reads programs and inputs, and answers with values or complaints.

It says `ready`, then reads pairs of lines, a program as JSON and its input. The answer to each is a line of

- `=` and the value, which is to be a text; `?` and why the program is none, as JSON; or `!` and how it failed, as JSON;
- before that `+`, or `-` when the process ends after this answer because it has grown.

The arguments are the limits: seconds of computing, bytes of memory, bytes of a value. A program that computes longer
ends the process by SIGPROF, one that takes more memory by SIGABRT. Linux alone keeps the limit of memory; elsewhere
the caller watches it. Only what is needed is imported, so that a process is cheap to have.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import jq

MAX_KEPT = 64 * 1024**2
"""Bytes of memory that a process may keep when it has answered; what has once grown hardly shrinks again."""


def main() -> None:
    time_limit, memory_limit, value_limit = float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    _prepare(memory_limit)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    memory, grown = _Memory(), False
    while not grown and (program := sys.stdin.readline()):
        inputs = sys.stdin.readline()
        # Time of computing, not of the clock: how busy the machine is makes no difference to what an expression gives.
        signal.setitimer(signal.ITIMER_PROF, time_limit)
        line = answer(json.loads(program), inputs, value_limit)
        signal.setitimer(signal.ITIMER_PROF, 0)
        grown = memory.now() > MAX_KEPT
        sys.stdout.write(f"{'-' if grown else '+'}{line}\n")
        sys.stdout.flush()


def answer(program: str, inputs: str, value_limit: int) -> str:
    try:
        compiled = _compiled(program)
    except ValueError as error:
        return f"?{json.dumps(str(error))}"
    try:
        value: str = compiled.input_text(inputs).first()
    except StopIteration:
        return '!"it gives no value"'
    except ValueError as error:
        return f"!{json.dumps(str(error))}"
    if len(value.encode()) > value_limit:
        return '!"its value is too large"'
    return f"={value}"


@lru_cache(maxsize=2048)
def _compiled(program: str) -> Any:
    return jq.compile(program)


def _prepare(memory_limit: int) -> None:
    # A signal to stop the runner goes to its whole group, and the runner may need another value before it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory_limit, memory_limit))
    # Where memory runs out all the same, this process is the one to end.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


class _Memory:
    """How much of it this process has, in bytes."""

    def __init__(self) -> None:
        try:
            self._file = os.open("/proc/self/statm", os.O_RDONLY)
        except OSError:
            self._file = -1
        self._page = os.sysconf("SC_PAGE_SIZE")

    def now(self) -> int:
        if self._file >= 0:
            return int(os.pread(self._file, 100, 0).split()[1]) * self._page
        # The most that it ever had; on Linux that would count what its parent had.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main()
