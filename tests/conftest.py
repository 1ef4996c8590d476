"""What tests change in the whole process, put back."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import settings

from stigmer_tui.core import known_secrets
from stigmer_tui.core.daemon_processes import PROCESSES

pytest_plugins = ("tests.core.faults",)

# No outcome depends on the speed of the machine.
settings.register_profile("any speed", deadline=None)
settings.load_profile("any speed")


@pytest.fixture
def logging_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """For tests in which a program sets up its log."""
    root = logging.getLogger()
    names = ("stigmer_tui", "commands", *(process.name for process in PROCESSES))
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in names}
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(logging, "raiseExceptions", True)
    monkeypatch.setattr(known_secrets, "_known", known_secrets._known.copy())
    known_secrets._known.clear()
    level = root.level
    yield
    logging.captureWarnings(False)
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers = handlers
    root.setLevel(level)
    for name, value in levels.items():
        logging.getLogger(name).setLevel(value)


@pytest.fixture(autouse=True)
def no_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signs are those of a modern terminal, whatever the person's own can show."""
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)
