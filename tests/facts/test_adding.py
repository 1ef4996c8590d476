"""docs/adding.md names files, tests and tables that are there."""

from __future__ import annotations

import re

import pytest

from tests.facts.sources import ROOT

TEXT = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")
PATH = re.compile(r"`((?:stigmer_tui|protos|tests|docs)/[^`*]*|[\w.]+\.(?:md|toml))`")
TABLE = re.compile(r"^\| (?P<files>`.*`) \| (?P<what>.*) \|$", re.MULTILINE)
NAME = re.compile(r"`([A-Z][A-Z_]{3,})`")
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))

EXPECTED = [
    "A kind of task",
    "An engine",
    "A tool of agents",
    "A provider of models",
    "A setting",
    "A key",
    "A command",
    "A view of a run",
    "An RPC",
    "A key of Stigmer.yaml",
    "A process of the daemon",
    "A door for other programs",
    "A coding agent of others",
]


def test_it_says_how_to_add_each_thing() -> None:
    assert list(SECTIONS) == EXPECTED


@pytest.mark.parametrize("section", SECTIONS)
def test_its_files_are_there(section: str) -> None:
    paths = PATH.findall(SECTIONS[section])
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("section", SECTIONS)
def test_a_test_says_what_is_missing(section: str) -> None:
    tests = [path for path in PATH.findall(SECTIONS[section]) if path.startswith("tests/")]
    assert tests
    for path in tests:
        assert "def test_" in (ROOT / path).read_text(encoding="utf-8"), path


@pytest.mark.parametrize("section", SECTIONS)
def test_the_tables_that_it_names_are_in_their_files(section: str) -> None:
    for row in TABLE.finditer(SECTIONS[section]):
        path = PATH.findall(row["files"])[0]
        if (ROOT / path).is_file():
            text = (ROOT / path).read_text(encoding="utf-8")
            assert [
                name for name in NAME.findall(row["what"]) if not re.search(rf"^{name}\b", text, re.MULTILINE)
            ] == []
