"""A runner's process: its token, its tie to the server by standard input, its log."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home
from stigmer_tui.runners.process import receive_token, run_process, watch_standard_input

LIMIT = 60.0

pytestmark = pytest.mark.usefixtures("logging_as_before")


@dataclass
class Pipe:
    """Standard input, and the side of it that the server holds."""

    input: TextIO
    server: int | None

    def write(self, data: bytes) -> None:
        assert self.server is not None
        os.write(self.server, data)

    def close(self) -> None:
        if self.server is not None:
            os.close(self.server)
            self.server = None


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipe]:
    reader, writer = os.pipe()
    with os.fdopen(reader) as given:
        monkeypatch.setattr(sys, "stdin", given)
        pipe = Pipe(given, writer)
        yield pipe
        pipe.close()


def test_the_token_is_the_first_line(pipe: Pipe) -> None:
    pipe.write(b" a-token \nmore")
    assert receive_token() == "a-token"


@pytest.mark.parametrize("given", [b"", b"no line"])
def test_without_a_token_a_person_is_told_what_to_do(pipe: Pipe, given: bytes) -> None:
    pipe.write(given)
    pipe.close()
    with pytest.raises(StigmerError) as raised:
        receive_token()
    assert raised.value.message == "This command is for the daemon, which starts it"
    assert raised.value.advice == "Start it with: stigmer-tui server start"


def test_a_terminal_or_nothing_gives_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(StigmerError):
        receive_token()
    primary, secondary = os.openpty()
    with os.fdopen(primary, "wb", buffering=0) as terminal, os.fdopen(secondary) as given:
        monkeypatch.setattr(sys, "stdin", given)
        terminal.write(b"typed\n")
        with pytest.raises(StigmerError):
            receive_token()


async def test_the_end_of_standard_input_is_noticed(pipe: Pipe) -> None:
    closed = asyncio.Event()
    watch_standard_input(closed)
    pipe.write(b"a word\n")
    # The loop has looked at the pipe: nothing else is ready.
    ready = asyncio.get_running_loop().run_in_executor(None, lambda: None)
    await ready
    assert not closed.is_set()
    pipe.close()
    await asyncio.wait_for(closed.wait(), LIMIT)


@pytest.mark.parametrize("place", ["nothing", "file", "terminal"])
async def test_what_cannot_end_is_not_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    closed = asyncio.Event()
    if place == "nothing":
        monkeypatch.setattr(sys, "stdin", None)
        watch_standard_input(closed)
    elif place == "file":
        (tmp_path / "empty").touch()
        with (tmp_path / "empty").open() as given:
            monkeypatch.setattr(sys, "stdin", given)
            watch_standard_input(closed)
    else:
        primary, secondary = os.openpty()
        with os.fdopen(primary, "wb", buffering=0), os.fdopen(secondary) as given:
            monkeypatch.setattr(sys, "stdin", given)
            watch_standard_input(closed)
            assert not asyncio.get_running_loop().remove_reader(given.fileno())
    assert not closed.is_set()


def messages(home: Home) -> list[str]:
    lines = [json.loads(line) for line in home.log("a-runner").read_text(encoding="utf-8").splitlines()]
    assert {line["component"] for line in lines} == {"a-runner"}
    return [line["message"] for line in lines]


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "the pipe"])
def test_a_process_ends_when_it_is_asked_to(tmp_path: Path, pipe: Pipe, how: str) -> None:
    async def work(stopping: asyncio.Event) -> None:
        if how == "the pipe":
            pipe.close()
        else:
            os.kill(os.getpid(), signal.Signals[how])
        await asyncio.wait_for(stopping.wait(), LIMIT)

    home = Home(tmp_path / "home")
    run_process("a-runner", home, work)
    assert messages(home) == ["started", "ended"]


def test_an_error_that_ends_a_process_is_logged_and_raised(tmp_path: Path, pipe: Pipe) -> None:
    async def work(stopping: asyncio.Event) -> None:
        raise LookupError("odd")

    home = Home(tmp_path / "home")
    with pytest.raises(LookupError):
        run_process("a-runner", home, work)
    assert messages(home) == ["started", "ended by an error"]
