"""Which theme a terminal gets."""

from __future__ import annotations

import pytest

from tests.tui import states
from tests.tui.stage import StagedApp


@pytest.mark.parametrize(
    ("variables", "theme"),
    [
        ({"TERM": "xterm-256color"}, "stigmer-dark"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "stigmer-dark"),
        ({"TERM": "xterm-16color"}, "ansi-dark"),
        ({"TERM": "xterm-16color", "STIGMER_THEME": "stigmer-light"}, "stigmer-light"),
    ],
)
def test_the_theme_is_one_that_the_terminal_can_show(
    variables: dict[str, str], theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TERM", "COLORTERM", "STIGMER_THEME", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert StagedApp(states.LISTED).theme == theme
