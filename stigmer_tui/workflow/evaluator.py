"""Runs jq programs in a process of their own, which can be ended: jq itself knows no limits of time or memory."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress

from stigmer_tui.core.units import duration_text
from stigmer_tui.definition.lexer import ExpressionError

TIME_LIMIT = 5.0
"""Seconds for one expression."""

LONGEST_ANSWER = 32 * 1024**2
"""Bytes of a value."""


class Evaluator:
    """One process for all executions, begun when it is first needed, and again after it had to end."""

    def __init__(self, time_limit: float = TIME_LIMIT) -> None:
        self._time_limit = time_limit
        self._process: Process | None = None
        self._turn = asyncio.Lock()

    async def run(self, program: str, inputs: str) -> str:
        """The value as JSON text. Raises ExpressionError, also for a program that takes too much time or memory."""
        async with self._turn:
            process = self._process = self._process or await self._start()
            try:
                answer = await _exchange(process, f"{json.dumps(program)}\n{inputs}\n")
            except BaseException:
                # Whoever asks next would get the answer to this question.
                await self.close()
                raise
            if not answer.endswith(b"\n"):
                self._process = None
                raise ExpressionError(self._reason(await process.wait()))
        text = answer[1:-1].decode()
        if answer.startswith(b"!"):
            raise ExpressionError(json.loads(text))
        return text

    def _reason(self, exit_code: int) -> str:
        if exit_code == -signal.SIGALRM:
            return f"it takes longer than {duration_text(self._time_limit)}"
        return "it takes more memory than an expression may have"

    async def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _start(self) -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "stigmer_tui.workflow.evaluator_process",
            str(self._time_limit),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            limit=LONGEST_ANSWER,
            # Nothing of our own environment but the way to the code.
            env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUTF8": "1", "TZ": "UTC"},
        )


async def _exchange(process: Process, question: str) -> bytes:
    """One line, cut short when the process has ended. Raises ExpressionError for a line that is too long."""
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the process has no pipes")
    with suppress(ConnectionError):
        process.stdin.write(question.encode())
        await process.stdin.drain()
    try:
        return await process.stdout.readline()
    except ValueError as error:
        raise ExpressionError("its value is too large") from error
