"""What the first line of the screen says of the project."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stigmer_tui.tui.render.glyphs import UNICODE
from stigmer_tui.tui.render.header import header_row
from stigmer_tui.workbench.state import ProjectProblem
from tests.tui import states


@pytest.mark.parametrize("has_sidebar", [True, False])
@pytest.mark.parametrize(("where", "word"), [("main.py:14", "the code fails"), ("", "not deployed")])
def test_a_problem_is_of_the_code_only_where_it_names_a_place(where: str, word: str, has_sidebar: bool) -> None:
    project = replace(states.PROJECT, problem=ProjectProblem(where, "Cannot reach the server at 127.0.0.1:9"))
    row = header_row(replace(states.LISTED, project=project), 140, UNICODE, has_sidebar)
    assert row.text.rstrip().endswith(word)
