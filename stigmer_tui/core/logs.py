"""Log files: one JSON object per line, rotated by size, so that `server logs` can merge and sort them.

All records of a process, including those of libraries, go through one handler that redacts secrets.
"""

from __future__ import annotations

import json
import logging
import os
from contextvars import ContextVar
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path

from stigmer_tui.core.clock import timestamp
from stigmer_tui.core.daemon_processes import PROCESSES
from stigmer_tui.core.ids import find_execution
from stigmer_tui.core.known_secrets import clean, remember_environment
from stigmer_tui.core.private_files import make_private_folders, opener
from stigmer_tui.core.problem_log import log_what_is_printed

MAX_SIZE = 4_000_000
OLD_FILES = 2

EXECUTION: ContextVar[str] = ContextVar("execution", default="")
"""Id of the execution that the current task works on, for its log records; empty for none."""


class JsonLines(logging.Formatter):
    """Writes the keys time, level, component, logger and message; execution and trace if there are any."""

    def __init__(self, component: str) -> None:
        super().__init__()
        self._component = component

    def format(self, record: logging.LogRecord) -> str:
        message = clean(_message(record))
        line = {
            "time": timestamp(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "component": self._component,
            "logger": record.name,
            "message": message,
        }
        if execution := EXECUTION.get() or find_execution(message):
            line["execution"] = execution
        traces = [self.formatException(record.exc_info)] if record.exc_info else []
        traces += [self.formatStack(record.stack_info)] if record.stack_info else []
        if traces:
            line["trace"] = clean("\n".join(traces))
        # A lone surrogate is valid in JSON, but cannot be encoded as UTF-8.
        return json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()


def log_to_file(path: Path, component: str, level: int = logging.INFO) -> None:
    """Sends all logging of this process to one file and nothing to standard error: our own records from `level` on,
    those of libraries from WARNING on, and uncaught exceptions.

    Raises StigmerError where the file is a symbolic link, and OSError.
    """
    from logging.handlers import RotatingFileHandler

    class Rotating(RotatingFileHandler):
        def _open(self) -> TextIOWrapper:
            return _opened(self.baseFilename)

    _install(Rotating(path, maxBytes=MAX_SIZE, backupCount=OLD_FILES, encoding="utf-8"), component, level)


def open_problem_log(path: Path, component: str) -> logging.Handler:
    """Like `log_to_file`, but called lazily by core.problem_log at the first record."""

    class Private(logging.FileHandler):
        def _open(self) -> TextIOWrapper:
            make_private_folders([path.parent])
            return _opened(self.baseFilename)

    remember_environment(os.environ)
    handler = Private(path, encoding="utf-8")
    handler.setFormatter(JsonLines(component))
    return handler


def _install(handler: logging.Handler, component: str, level: int) -> None:
    remember_environment(os.environ)
    handler.setFormatter(JsonLines(component))
    handler.addFilter(_is_no_cancellation)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for name in ("stigmer_tui", component, *(process.name for process in PROCESSES)):
        logging.getLogger(name).setLevel(level)
    # logging would report a failed write on standard error, with all values.
    logging.raiseExceptions = False
    log_what_is_printed()


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    """gRPC reports a stream that ends with the server as an error of its service."""
    if not record.exc_info:
        return True
    # Loaded by whoever could cancel anything.
    from asyncio import CancelledError

    return not isinstance(record.exc_info[1], CancelledError)


def _opened(path: str) -> TextIOWrapper:
    return open(path, "a", encoding="utf-8", opener=opener)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:
        return f"{record.msg} ({len(record.args or ())} values that do not fit)"
