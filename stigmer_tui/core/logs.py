"""Log files: a JSON object a line, rotated by size, so that `server logs` can merge and sort them."""

from __future__ import annotations

import json
import logging
import logging.handlers
from datetime import UTC, datetime
from pathlib import Path

from stigmer_tui.core.clock import timestamp

MOST_BYTES = 4_000_000
OLD_FILES = 2


class JsonLines(logging.Formatter):
    """Fixed keys (time, level, component, logger, message, trace), so that a line is read without guessing."""

    def __init__(self, component: str) -> None:
        super().__init__()
        self._component = component

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": timestamp(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "component": self._component,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def log_to_file(path: Path, component: str, level: int = logging.INFO) -> None:
    """Sends everything that this process logs to one file, and nothing to its standard error."""
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=MOST_BYTES, backupCount=OLD_FILES, encoding="utf-8")
    handler.setFormatter(JsonLines(component))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
