"""Point 8: no line of a log holds a secret, whoever wrote it."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest

from stigmer_tui.core.known_secrets import MAX_KNOWN, clean, remember, remember_environment, remember_values
from stigmer_tui.core.logs import log_to_file
from stigmer_tui.core.problem_log import log_problems_to_file
from stigmer_tui.core.redaction import Redactor

SECRET = "s3cr3t-value/1"

pytestmark = pytest.mark.usefixtures("logging_as_before")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "server.log"
    log_to_file(path, "server")
    return path


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def test_a_library_that_tells_each_address_is_not_heard(log: Path) -> None:
    logging.getLogger("httpx2").info('HTTP Request: GET https://example.com/?key=%s "200 OK"', SECRET)
    logging.getLogger("stigmer_tui.server").info("listening")
    logging.getLogger("agent-runner").info("started")
    assert [line["message"] for line in lines(log)] == ["listening", "started"]


def test_a_stream_that_ends_with_the_server_is_no_error(log: Path) -> None:
    library = logging.getLogger("grpc._cython.cygrpc")
    for error in (asyncio.CancelledError(), ValueError("broken")):
        library.error("Exception not handled in servicer method", exc_info=error)
    assert ["broken" in line["trace"] for line in lines(log)] == [True]


def test_secrets_and_what_addresses_hold_are_left_out_of_messages_and_traces(log: Path) -> None:
    remember(Redactor([SECRET]))
    library = logging.getLogger("some.library")
    try:
        raise ValueError(f"bad header {SECRET.encode()!r}") from KeyError(SECRET)
    except ValueError:
        library.exception("GET https://bob:pw@example.com/a/b?q=unknown#part with %s", SECRET, stack_info=True)
    (line,) = lines(log)
    assert line["message"] == "GET https://example.com/a/b?… with [REDACTED]"
    assert "bad header b'[REDACTED]'" in line["trace"]
    assert "test_logs.py" in line["trace"]
    for word in (SECRET, "bob", "pw@", "unknown"):
        assert word not in log.read_text()


def test_warnings_threads_and_destructors_are_logged_by_the_same_way(log: Path) -> None:
    remember_values([SECRET])
    warnings.warn(f"do not use {SECRET}", stacklevel=1)

    def fail() -> None:
        raise RuntimeError(SECRET)

    thread = threading.Thread(target=fail, name="worker")
    thread.start()
    thread.join()

    class Destroyed:
        def __del__(self) -> None:
            raise RuntimeError(SECRET)

    Destroyed()
    text = log.read_text()
    assert SECRET not in text
    assert [line["level"] for line in lines(log)] == ["warning", "error", "error"]
    assert "do not use [REDACTED]" in lines(log)[0]["message"]
    assert lines(log)[1]["message"] == "the thread worker ended"


def test_a_line_that_does_not_fit_its_values_is_logged_without_them(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("some.library").warning("%d and %d", SECRET)
    half = logging.LogRecord("some.library", logging.WARNING, __file__, 1, "half a character \ud83d", (), None)
    for handler in logging.getLogger().handlers:
        # Not to those of pytest, whose workers tell each other what they heard in UTF-8.
        if isinstance(handler, logging.FileHandler):
            handler.handle(half)
    assert [line["message"] for line in lines(log)] == [
        "%d and %d (1 values that do not fit)",
        "half a character \ud83d",
    ]
    assert SECRET not in capsys.readouterr().err


def test_processes_with_little_to_say_make_no_file_until_they_do(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "commands.log"
    remember_values([SECRET])
    log_problems_to_file(log, "commands")
    logging.getLogger("stigmer_tui.client").info("nothing to worry about")
    assert not log.parent.exists()
    logging.getLogger("asyncio").error("Task exception was never retrieved: %s", SECRET)
    assert lines(log)[0]["message"] == "Task exception was never retrieved: [REDACTED]"
    assert (log.stat().st_mode & 0o777, log.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_the_values_of_variables_with_telling_names_are_secrets() -> None:
    remember_environment(
        {"OPENAI_API_KEY": "sk-1234567890", "GITHUB_TOKEN": "ghp-1234567", "DB_PASSWORD": "no", "HOME": "/home/bob"}
    )
    assert clean("sk-1234567890 ghp-1234567 no /home/bob") == "[REDACTED] [REDACTED] no /home/bob"


def test_the_newest_secrets_are_known() -> None:
    for number in range(MAX_KNOWN + 1):
        remember_values([f"s3cr3t-{number:04}"])
        remember_values(["s3cr3t-of-all"])
    assert clean("s3cr3t-0000 s3cr3t-0256 s3cr3t-of-all") == "s3cr3t-0000 [REDACTED] [REDACTED]"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("POST http://[::1]:8080/v1?x=1", "POST http://[::1]:8080/v1?…"),
        ("at 'https://u@h.example/#token=1'", "at 'https://h.example/?…'"),
        ("nothing here", "nothing here"),
        ("https://example.com.", "https://example.com."),
        ("wss://u:p@a@h/x?y", "wss://h/x?…"),
    ],
)
def test_of_addresses_only_host_and_path_are_left(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned
