"""What an MCP server writes besides its messages: a few last lines for errors, and a bounded part for the log."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

logger = logging.getLogger(__name__)

MAX_LINE_LENGTH = 500
MAX_LAST_LINES = 10
MAX_LOGGED_LINES = 200
"""Of one server; one that talks all the time would fill the log."""


class ServerOutput:
    def __init__(self, server: str, redact: Callable[[str], str]) -> None:
        self._server = server
        self._redact = redact
        self._last: deque[str] = deque(maxlen=MAX_LAST_LINES)
        self._logged = 0
        self.stray_lines = 0
        """Lines on standard output that are no messages."""

    def add(self, line: str) -> None:
        """A line of its standard error."""
        line = line.rstrip()
        if not line:
            return
        if len(line) > MAX_LINE_LENGTH:
            line = f"{line[:MAX_LINE_LENGTH]} …"
        self._last.append(line)
        if self._logged < MAX_LOGGED_LINES:
            self._logged += 1
            logger.info("MCP server %s: %s", self._server, self._redact(line))
        elif self._logged == MAX_LOGGED_LINES:
            self._logged += 1
            logger.info("MCP server %s writes more, which is not logged", self._server)

    def add_stray(self, line: str) -> None:
        """A line of its standard output that is no message of the protocol."""
        self.stray_lines += 1
        self.add(f"not a message: {line}")

    def last_lines(self) -> str:
        """Indented, below a message; empty when it wrote nothing."""
        return "".join(f"\n  {line}" for line in self._last)
