from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stigmer_tui.cli.invocation import run_command
from stigmer_tui.core.paths import Home

pytestmark = pytest.mark.usefixtures("logging_as_before")


def test_an_error_of_our_own_is_one_line_and_told_in_full_in_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(name: str, template: str) -> int:
        raise ZeroDivisionError(name)

    monkeypatch.setenv("STIGMER_HOME", str(tmp_path))
    monkeypatch.setattr("stigmer_tui.cli.new.make_project", broken)
    assert run_command(["new", "shop"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("Error: stigmer-tui met an internal error: ZeroDivisionError('shop')")
    assert "Traceback" not in said
    log = Home(tmp_path).log("commands")
    assert str(log) in said
    assert "ZeroDivisionError: shop" in log.read_text(encoding="utf-8")


@pytest.mark.parametrize("variables", [{"PYTHONIOENCODING": "latin-1"}, {"LC_ALL": "C"}, {"LC_ALL": "POSIX"}])
def test_a_terminal_that_cannot_show_every_sign_gets_the_nearest(tmp_path: Path, variables: dict[str, str]) -> None:
    """Point 26."""
    environment = {**os.environ, **variables, "STIGMER_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "stigmer_tui", "new", "shop"]
    finished = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert (finished.returncode, finished.stdout[:18]) == (0, b"+ Made the project")


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "\udcff"],
        ["run", "x", "-m", "\udcff"],
        ["run", "x", "-e", "A=\udcff"],
        ["new", "\udcff"],
        ["\udcff", "x"],
    ],
)
def test_arguments_that_are_no_text_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Point 45: Python passes bytes on that are not UTF-8."""
    assert run_command(arguments) == 1
    assert capsys.readouterr().err.startswith("Error: An argument is not valid UTF-8 text: ")


@pytest.mark.parametrize("arguments", [["run", "x"], ["apply"], ["new", "x"]])
def test_a_deleted_working_folder_is_told(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Point 45."""
    monkeypatch.setenv("STIGMER_HOME", str(tmp_path))
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert run_command(arguments) == 1
    assert capsys.readouterr().err == "Error: The folder in which you are has been deleted\n\nGo to another one: cd ~\n"
    monkeypatch.chdir(tmp_path)


def test_what_the_system_refuses_is_no_error_of_our_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Point 45: a read-only home folder, wherever it is met."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/home/data/start.lock")

    monkeypatch.setattr("stigmer_tui.cli.server.stop_server", refuse)
    assert run_command(["server", "stop"]) == 1
    assert capsys.readouterr().err.startswith("Error: Cannot use /home/data/start.lock: Permission denied\n\n")
