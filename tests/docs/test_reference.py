"""What is written about the program is what the program is."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
CITATION = re.compile(r"`?docs/compatibility\.md`? ((?:[BW]?\d+(?:–\d+)?(?:, | and )?)+)")
VARIABLE = re.compile(r"""["'](STIGMER_[A-Z_]+|SANDBOX_ROOT_DIR|[A-Z]+_BASE_URL)["']""")
INTERNAL = {
    "STIGMER_COMMAND",
    "STIGMER_EXECUTION",
    "STIGMER_OUT_DIR",
    "STIGMER_KEYS_FD",
    "STIGMER_READY_FD",
    "STIGMER_RUNNER_SERVER",
    "STIGMER_SANDBOX_OF",
    "STIGMER_WRITTEN_FILES",
}
"""Between our own processes, or between us and the code of a project."""


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sources() -> list[Path]:
    return [path for path in (ROOT / "stigmer_tui").rglob("*.py") if "_pb2" not in path.name]


def pages() -> list[Path]:
    return [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def test_the_reference_is_current() -> None:
    assert generator().outdated() == [], "make reference"


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_what_comments_cite_is_there() -> None:
    text = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
    known = set(re.findall(r"^\| (B?\d+) \|", text, re.MULTILINE))
    for first, last in re.findall(r"^\| (\d+)–(\d+) \|", text, re.MULTILINE):
        known |= {str(number) for number in range(int(first), int(last) + 1)}
    missing = []
    for path in [*sources(), *(ROOT / "tests").rglob("*.py")]:
        for cited in CITATION.findall(path.read_text(encoding="utf-8")):
            numbers = re.findall(r"B?\d+", cited)
            missing += [f"{path.relative_to(ROOT)}: {number}" for number in numbers if number not in known]
    assert missing == []


def test_every_variable_of_the_environment_is_documented() -> None:
    documented = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    read = {name for path in sources() for name in VARIABLE.findall(path.read_text(encoding="utf-8"))}
    assert sorted(name for name in read - INTERNAL if f"`{name}`" not in documented) == []
