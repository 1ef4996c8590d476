"""What a process prints, logged line by line."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque

MAX_LINE = 64 * 1024
"""Bytes."""

PIPE_CAPACITY = 1 << 20
"""Bytes, at most: the default limit of Linux for a pipe."""

KEPT_LINES = 5

ERROR = "Error: "
"""Before the sentence that a program of ours ends with."""


class PrintedOutput:
    """A pipe for the output of a process, such as errors before its own log exists.

    It ends with the process and not with the pipe, which a descendant may hold open for as long as it lives.
    """

    def __init__(self, name: str) -> None:
        self.error = ""
        """The last sentence after ERROR."""
        self.advice: list[str] = []
        """What stood below it, after an empty line: what to do."""
        self._is_advice = False
        self.last_lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._log = logging.getLogger(name)
        self._rest = b""
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        asyncio.get_running_loop().add_reader(self._reader, self._read)

    def close_writer(self) -> None:
        """Once the process has it."""
        os.close(self.writer)

    def end(self) -> None:
        """Logs what is still in the pipe, once the process has ended."""
        for _ in range(PIPE_CAPACITY // MAX_LINE):
            if not self._read():
                break
        asyncio.get_running_loop().remove_reader(self._reader)
        os.close(self._reader)
        if self._rest:
            self._take(self._rest)

    def _read(self) -> bool:
        """Returns whether there may be more."""
        try:
            data = os.read(self._reader, MAX_LINE)
        except BlockingIOError:
            return False
        if not data:
            asyncio.get_running_loop().remove_reader(self._reader)
            return False
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) >= MAX_LINE:
            # Output without line breaks must not accumulate here.
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            self._take(line)
        return True

    def _take(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip()
        self._log.error("%s", text)
        if text:
            self.last_lines.append(text)
        if text.startswith(ERROR):
            self.error, self.advice, self._is_advice = text.removeprefix(ERROR), [], False
        elif self._is_advice and text:
            self.advice.append(text)
        else:
            self._is_advice = bool(self.error) and not text
