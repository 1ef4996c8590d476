"""The log of a short-lived process: sets nothing up, and creates no file, before the first record."""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)


def log_problems_to_file(path: Path, component: str) -> None:
    """Sends records from WARNING on to one file, and nothing to standard error (see core.logs)."""
    root = logging.getLogger()
    root.handlers = [_Late(path, component)]
    root.setLevel(logging.WARNING)
    logging.raiseExceptions = False
    log_what_is_printed()


def log_what_is_printed() -> None:
    """Logs what Python itself would print to standard error, with values: warnings, uncaught exceptions of threads."""
    logging.captureWarnings(True)
    sys.unraisablehook = lambda error: logger.error("%s", error.err_msg or "in a destructor", exc_info=error.exc_value)
    threading.excepthook = _log_thread_end


class _Late(logging.Handler):
    def __init__(self, path: Path, component: str) -> None:
        super().__init__(logging.WARNING)
        self._path = path
        self._component = component
        self._handler: logging.Handler | None = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self._handler is None:
                from stigmer_tui.core.logs import open_problem_log

                self._handler = open_problem_log(self._path, self._component)
            self._handler.handle(record)
        except Exception:
            # A log that cannot be written is no reason to fail, and its lines must not go to standard error.
            self.handleError(record)

    def close(self) -> None:
        if self._handler is not None:
            self._handler.close()
        super().close()


def _log_thread_end(end: threading.ExceptHookArgs) -> None:
    if end.exc_value is not None:
        logger.error("the thread %s ended", end.thread.name if end.thread else "?", exc_info=end.exc_value)
