"""Point 26: what a terminal is able to show."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer_tui.cli.app import open_app
from stigmer_tui.core.terminal import CELLS, SIGNS, is_addressable, register_signs, terminal_encoding


@pytest.mark.parametrize(
    ("name", "addressable"),
    {
        "xterm-256color": True,
        "tmux-256color": True,
        "linux": True,
        # The system may not know a modern one.
        "xterm-of-next-year": True,
        "a-terminal-of-next-year": True,
        "dumb": False,
        "unknown": False,
        "": False,
    }.items(),
)
def test_terminals_whose_cursor_can_be_placed(name: str, addressable: bool) -> None:
    assert is_addressable({"TERM": name} if name else {}) is addressable


@pytest.mark.parametrize("name", ["dumb", ""])
def test_the_app_says_that_it_cannot_draw(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", name)
    monkeypatch.setattr("stigmer_tui.cli.app.is_terminal", lambda: True)
    assert open_app(str(tmp_path)) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith(f"Error: The app cannot draw on this terminal: TERM is '{name}'")


@pytest.mark.parametrize(
    ("environment", "encoding"),
    [
        ({}, "utf-8"),
        ({"LANG": "de_DE.UTF-8"}, "UTF-8"),
        ({"LC_ALL": "C", "LANG": "de_DE.UTF-8"}, "ascii"),
        ({"LC_ALL": "", "LC_CTYPE": "POSIX"}, "ascii"),
        ({"LC_ALL": "C.UTF-8"}, "UTF-8"),
        ({"LANG": "de_DE.ISO-8859-15@euro"}, "ISO-8859-15"),
        ({"LANG": "de_DE"}, "utf-8"),
        ({"LANG": "xx_XX.nonsense"}, "utf-8"),
        ({"TERM": "linux"}, "ascii"),
    ],
)
def test_the_encoding_is_that_of_the_locale(environment: dict[str, str], encoding: str) -> None:
    assert terminal_encoding(environment) == encoding


def test_signs_that_the_locale_lacks() -> None:
    register_signs()
    text = "✓ done… “a” → b ⚙️ 日本 e\u0301 ┌─┐"
    assert text.encode("ascii", SIGNS).decode() == '+ done... "a" -> b * ?? e +-+'
    # On the screen each keeps its cells.
    assert text.encode("ascii", CELLS).decode() == '+ done. "a" - b * ? ?  e +-+'
    assert "é ✓".encode("latin-1", SIGNS) == b"\xe9 +"
