from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stigmer_tui.cli import commands
from stigmer_tui.core.paths import Home


def test_an_error_of_our_own_is_one_line_and_told_in_full_in_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(name: str) -> int:
        raise ZeroDivisionError(name)

    monkeypatch.setenv("STIGMER_HOME", str(tmp_path))
    monkeypatch.setattr("stigmer_tui.cli.new.make_project", broken)
    assert commands.run_command(["new", "shop"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("Error: stigmer-tui met an error of its own: ZeroDivisionError('shop')")
    assert "Traceback" not in said
    log = Home(tmp_path).log("commands")
    assert str(log) in said
    assert "ZeroDivisionError: shop" in log.read_text(encoding="utf-8")


def test_a_terminal_that_cannot_show_every_sign_gets_question_marks(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1", "STIGMER_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "stigmer_tui", "new", "shop"]
    finished = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert (finished.returncode, finished.stdout[:18]) == (0, b"? Made the project")
