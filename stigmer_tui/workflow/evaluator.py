"""Runs jq programs in processes of their own, which can be ended: jq itself knows no limits of time or memory.

An expression is quick until it has computed for longer than `PATIENCE`. From then on it is out of the way of the
others: it goes on in a lane of its own, with a lower priority. When that lane is full it is ended and begun again
later, which does no harm because it depends on its input alone. So quick ones never wait for those that never end,
however busy the machine is.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from dataclasses import dataclass

import psutil

from stigmer_tui.core.units import duration_text
from stigmer_tui.definition.expressions import completed
from stigmer_tui.definition.lexer import ExpressionError

PATIENCE = 0.05
"""Seconds of computing in which a quick expression has its value."""

MAX_QUICK = 4
MAX_LONG = 4
"""Expressions at a time that are still quick, and that are not any more."""

REST = 10.0
"""Seconds after which no more than one process is kept for expressions that may come."""

SYSTEM_LIMITS_MEMORY = sys.platform == "linux"
_WATCH_INTERVAL = 0.05
"""Seconds between two looks at the memory of a process, where the system does not limit it."""

_LOWER_PRIORITY = 5
_TOO_MUCH_MEMORY = "it takes more memory than an expression may have"
_COMPILE_ERROR = re.compile(
    r"jq: error: (?P<what>.*?) at <top-level>, line (?P<line>\d+), column (?P<column>\d+)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class EvaluatorLimits:
    """Of one expression."""

    time: float = 5.0
    """Seconds of computing."""
    memory: int = 512 * 1024**2
    """Bytes of address space, with the process itself."""

    value: int = 32 * 1024**2
    """Bytes of its value as JSON."""
    wait: float = 120.0
    """Seconds until a process is given up that was stopped, or that is hardly ever given time to compute."""


class _KilledError(ExpressionError):
    """The process was ended from outside."""


class Evaluator:
    """The processes for all executions: begun when they are first needed, ended when they had to be."""

    def __init__(self, limits: EvaluatorLimits | None = None) -> None:
        self.limits = limits or EvaluatorLimits()
        self._idle: list[_Worker] = []
        self._quick = asyncio.Semaphore(MAX_QUICK)
        self._long = asyncio.Semaphore(MAX_LONG)
        self._rest: asyncio.TimerHandle | None = None

    async def run(self, program: str, inputs: str) -> str:
        """The value as JSON text. Raises ExpressionError, also for a program that takes too much time or memory."""
        question = f"{json.dumps(completed(program))}\n{inputs}\n".encode()
        try:
            answer = await self._run(question)
        except _KilledError:
            # Perhaps for a reason that has nothing to do with this expression. If it was its memory, it happens again.
            answer = await self._run(question)
        return read_answer(answer)

    @property
    def is_idle(self) -> bool:
        """Whether a process waits for the next expression."""
        return bool(self._idle)

    @property
    def is_full(self) -> bool:
        """Whether the next expression that is not quick has to wait."""
        return self._long.locked()

    async def close(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
        while self._idle:
            await self._idle.pop().end()

    async def _run(self, question: bytes) -> str:
        worker: _Worker | None = None
        try:
            async with self._quick:
                worker = self._idle.pop() if self._idle else await _start(self.limits)
                worker.ask(question)
                answer = await worker.quick_answer(self.limits)
                if answer is not None:
                    if not worker.ends:
                        self._keep(worker)
                        worker = None
                    return answer
            if self.is_full:
                await worker.end()
                worker = None
            async with self._long:
                if worker is None:
                    worker = await _start(self.limits)
                    worker.ask(question)
                worker.lower_priority()
                return await worker.answer_in_the_end(self.limits)
        finally:
            # The next caller of this process would read the answer to this question.
            if worker is not None:
                await worker.end()

    def _keep(self, worker: _Worker) -> None:
        self._idle.append(worker)
        if len(self._idle) > 1 and self._rest is None:
            self._rest = asyncio.get_running_loop().call_later(REST, self._trim)

    def _trim(self) -> None:
        self._rest = None
        for worker in self._idle[:-1]:
            worker.kill()
        del self._idle[:-1]


class _Worker:
    """A process that answers one question after the other."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.ends = False
        """Whether it ends after the last answer."""

    def ask(self, question: bytes) -> None:
        if self._process.stdin is None:
            raise RuntimeError("the process has no pipes")
        self._process.stdin.write(question)

    async def answer(self, seconds: float, limits: EvaluatorLimits) -> str | None:
        """None when there is none yet. Raises ExpressionError when the process has ended instead."""
        try:
            async with asyncio.timeout(seconds):
                line = await self.line(limits)
        except TimeoutError:
            return None
        self.ends = line.startswith(b"-")
        return line[1:-1].decode()

    async def quick_answer(self, limits: EvaluatorLimits) -> str | None:
        """None when it has computed for longer than PATIENCE. Raises ExpressionError as `answer_in_the_end`."""
        answer = await self.answer(PATIENCE, limits)
        if answer is not None:
            return answer
        # It may not have been given any time to compute yet. To look at that for each expression would take too long.
        before, until = self._computing_time(), time.monotonic() + limits.wait
        while self._computing_time() - before < PATIENCE:
            answer = await self.answer(PATIENCE, limits)
            if answer is not None:
                return answer
            if time.monotonic() >= until:
                raise ExpressionError(_too_long(limits))
        return None

    async def answer_in_the_end(self, limits: EvaluatorLimits) -> str:
        """Raises ExpressionError when it takes too long, or too much memory."""
        until = time.monotonic() + limits.wait
        while (rest := until - time.monotonic()) > 0:
            answer = await self.answer(rest if SYSTEM_LIMITS_MEMORY else min(rest, _WATCH_INTERVAL), limits)
            if answer is not None:
                return answer
            if not SYSTEM_LIMITS_MEMORY and self._memory() > limits.memory:
                raise ExpressionError(_TOO_MUCH_MEMORY)
        raise ExpressionError(_too_long(limits))

    async def line(self, limits: EvaluatorLimits) -> bytes:
        if self._process.stdout is None:
            raise RuntimeError("the process has no pipes")
        line = await self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise _failure(await self._process.wait(), limits)
        return line

    def lower_priority(self) -> None:
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, _LOWER_PRIORITY)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()

    async def end(self) -> None:
        self.kill()
        await self._process.wait()

    def _computing_time(self) -> float:
        """Seconds since it began."""
        try:
            times = psutil.Process(self._process.pid).cpu_times()
        except psutil.Error:
            return 0.0
        return float(times.user + times.system)

    def _memory(self) -> int:
        try:
            return int(psutil.Process(self._process.pid).memory_info().rss)
        except psutil.Error:
            return 0


async def _start(limits: EvaluatorLimits) -> _Worker:
    """Raises ExpressionError when there can be no further process."""
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            # What the start-up of Python would look for is in the environment below.
            "-S",
            "-m",
            "stigmer_tui.workflow.evaluator_process",
            *map(str, (limits.time, limits.memory, limits.value)),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            limit=2 * limits.value,
            # Nothing of our own environment but the way to the code.
            env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUTF8": "1", "TZ": "UTC"},
        )
    except OSError as error:
        raise ExpressionError(f"there is no process to evaluate it: {error.strerror}") from error
    worker = _Worker(process)
    try:
        await worker.line(limits)
    except BaseException:
        await worker.end()
        raise
    return worker


def read_answer(answer: str) -> str:
    """A value as JSON text, from what the process said. Raises ExpressionError."""
    match answer[0]:
        case "=":
            return answer[1:]
        case "?":
            raise ExpressionError(_complaint(json.loads(answer[1:])))
        case _:
            raise ExpressionError(json.loads(answer[1:]))


def _complaint(error: str) -> str:
    """The first one of jq, with the place in the program instead of that behind what precedes it."""
    match = _COMPILE_ERROR.search(error)
    if match is None:
        return error.splitlines()[0]
    line, column = int(match["line"]) - 1, match["column"]
    what = match["what"].partition(", expecting ")[0]
    return f"{what} at column {column}" if line <= 1 else f"{what} at line {line}, column {column}"


def _failure(exit_code: int, limits: EvaluatorLimits) -> ExpressionError:
    match -exit_code:
        case signal.SIGPROF:
            return ExpressionError(_too_long(limits))
        case signal.SIGSEGV | signal.SIGBUS:
            return ExpressionError("its values are nested too deep")
        case signal.SIGKILL:
            return _KilledError(_TOO_MUCH_MEMORY)
        case signal.SIGABRT | -1:
            return ExpressionError(_TOO_MUCH_MEMORY)
        case _:
            return ExpressionError(f"the process that evaluated it ended with exit code {exit_code}")


def _too_long(limits: EvaluatorLimits) -> str:
    return f"it takes longer than {duration_text(limits.time)}"
