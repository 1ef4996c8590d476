"""A command that gets something malformed, in this process: what it says, and that it says it well."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer_tui.cli.invocation import run_command

NO_SERVER = "127.0.0.1:1"
"""At this address nothing can listen but by intent: commands that would start a daemon ask there."""


class Shell:
    """In a folder and a home of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        self.monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.chdir(folder)
        monkeypatch.setenv("HOME", str(folder))
        monkeypatch.setenv("STIGMER_HOME", str(self.home))
        monkeypatch.setenv("STIGMER_SERVER_ADDR", NO_SERVER)

    def refuses(self, *arguments: str) -> str:
        """What is said to it; fails where that is no refusal in clear words."""
        code = run_command(arguments)
        said = self._capsys.readouterr().err
        assert code in (1, 2), f"{arguments} ended with {code}: {said}"
        assert "Error: " in said, said
        assert "Traceback" not in said and "internal error" not in said, said
        message = said.partition("Error: ")[2].splitlines()[0]
        assert len(message.split()) > 2, f"it says too little: {said}"
        return said
