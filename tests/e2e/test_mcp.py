"""What the README says about MCP, done as it is printed, offline."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.e2e.world import World

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def section() -> str:
    return README.read_text(encoding="utf-8").partition("\n## MCP\n")[2].partition("\n## ")[0]


def test_the_section_of_the_readme_works_as_it_is_printed(world: World, section: str) -> None:
    project = world.new_project()
    server, code, script = re.findall(r"```(?:python|yaml)\n(.*?)```", section, re.DOTALL)
    (project / "stock.py").write_text(server, encoding="utf-8")
    (project / "clerk.yaml").write_text(script, encoding="utf-8")
    with (project / "main.py").open("a", encoding="utf-8") as main:
        main.write(code)
    printed = re.findall(r"^    stigmer-tui (.*)$", section, re.MULTILINE)
    commands = [shlex.split(line, comments=True) for line in printed]
    checked, called, ran = [world.run(*command, cwd=project) for command in commands]
    assert checked.code == 0, checked.err
    assert "✓ stock  1 tool, ready in " in checked.out
    assert "grams(tea)  How much of a tea is there." in checked.out
    assert (called.code, called.out) == (0, "250\n")
    assert ran.code == 0, ran.err
    assert "There are 250 g of Assam." in ran.out
