"""The cases of `docs/compatibility.md` that are about agents: each is proven by a test that has its number."""

from __future__ import annotations

import re

from tests.facts.sources import ROOT


def cases() -> set[int]:
    text = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
    section = text.partition("### Agents and status\n")[2].partition("\n## ")[0]
    return {int(number) for number in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)}


def test_each_case_about_agents_has_a_test() -> None:
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    proven = {int(number) for number in re.findall(r"^(?:async )?def test_(?:case_)?(\d+)_", tests, re.MULTILINE)}
    assert cases() >= set(range(68, 81))
    assert cases() <= proven
