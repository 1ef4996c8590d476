"""The tools: what they return, and what they say when something cannot be done."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from stigmer_tui.agents.sandbox.confinement import Confinement
from stigmer_tui.agents.sandbox.folder import Folder
from stigmer_tui.agents.tools import files as file_limits
from stigmer_tui.agents.tools import search as search_limits
from stigmer_tui.agents.tools.files import FileTools
from stigmer_tui.agents.tools.folder_tools import folder_tools
from stigmer_tui.agents.tools.search import PathPattern, SearchTools
from stigmer_tui.agents.tools.shell import CommandFailed, ShellTool
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.support import TOOLS


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def files(folder: Folder) -> FileTools:
    return FileTools(folder)


@pytest.fixture
def search(folder: Folder) -> SearchTools:
    for path, text in {
        "/a.py": "x = 1\ny = 2\n",
        "/src/b.py": "x = 1\nx = 3",
        "/src/.git/c.py": "x",
        "/d.bin": "x\0",
    }.items():
        folder.create(path, text.encode())
    return SearchTools(folder)


def shell(folder: Folder, time_limit: float = 10) -> ShellTool:
    return ShellTool(folder, Confinement(), {"PATH": os.environ["PATH"]}, f"tools-{os.getpid()}", time_limit)


async def test_where_a_sandbox_is_required_nothing_runs_without_it(folder: Folder) -> None:
    tool = ShellTool(folder, Confinement(is_required=True), {}, f"tools-{os.getpid()}")
    with refusal("in a sandbox only, and bubblewrap does not work here"):
        await tool.execute("touch ran")
    assert not (folder.root / "ran").exists()


def refusal(message: str) -> pytest.RaisesExc[StigmerError]:
    return pytest.raises(StigmerError, match=message)


def test_the_tools_have_the_names_of_the_contract(folder: Folder) -> None:
    tools = folder_tools(shell(folder))
    assert set(tools) == TOOLS - {"task"}
    files = ("ls", "read_file", "write_file", "edit_file", "glob", "grep")
    assert set(TOOLS) == {*files, "execute", "write_todos", "task"}
    for tool in tools.values():
        assert tool.definition.description
        for argument in tool.definition.parameters_json_schema["properties"].values():
            assert argument["description"].endswith(".")


def test_reading_gives_numbered_lines_from_an_offset(files: FileTools) -> None:
    files.write_file("/n.txt", "\n".join(f"line {number}" for number in range(1, 1001)))
    assert files.read_file("/n.txt", offset=998) == "   999\tline 999\n  1000\tline 1000"
    page = files.read_file("/n.txt").splitlines()
    assert (len(page), page[0], page[-1]) == (501, "     1\tline 1", "… 500 more lines, from offset 500")
    with refusal("/n.txt has only 1000 lines"):
        files.read_file("/n.txt", offset=1000)


def test_reading_is_bounded(files: FileTools, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write_file("/long.txt", "x" * 3000 + "\n" + "y")
    assert files.read_file("/long.txt") == f"     1\t{'x' * 2000} …\n     2\ty"
    monkeypatch.setattr(file_limits, "MAX_LENGTH", 2015)
    assert files.read_file("/long.txt").endswith("x …\n… 1 more line, from offset 1")
    monkeypatch.setattr(file_limits, "MAX_SIZE", 100)
    with refusal("too large"):
        files.read_file("/long.txt")
    with refusal("/huge.txt would be too large: 101 B, where 100 B are the limit"):
        files.write_file("/huge.txt", "x" * 101)


def test_reading_what_is_no_text(files: FileTools, folder: Folder) -> None:
    folder.create("/image.png", b"\xff\xfe\x00")
    with refusal("/image.png is not a text file in UTF-8"):
        files.read_file("/image.png")
    files.write_file("/empty.txt", "")
    assert files.read_file("/empty.txt") == "/empty.txt is empty"


def test_writing_does_not_overwrite(files: FileTools) -> None:
    assert files.write_file("/deep/er/a.txt", "one\n") == "Wrote /deep/er/a.txt, 1 line"
    with refusal("/deep/er/a.txt exists already"):
        files.write_file("/deep/er/a.txt", "two\n")


def test_editing_needs_a_text_that_stands_there_once(files: FileTools) -> None:
    files.write_file("/a.txt", "a b a")
    with refusal("/a.txt contains the text 2 times; give more of what is around it"):
        files.edit_file("/a.txt", "a", "c")
    with refusal("/a.txt does not contain the text to replace"):
        files.edit_file("/a.txt", "x", "c")
    with refusal("/a.txt does not contain the text to replace"):
        files.edit_file("/a.txt", "", "c")
    assert files.edit_file("/a.txt", "a", "c", replace_all=True) == "Replaced 2 occurrences in /a.txt"
    assert files.edit_file("/a.txt", "b", "d") == "Replaced 1 occurrence in /a.txt"
    assert files.read_file("/a.txt") == "     1\tc d c"


def test_listing_is_bounded(files: FileTools, monkeypatch: pytest.MonkeyPatch) -> None:
    assert files.ls() == "/ is empty"
    for name in "abc":
        files.write_file(f"/{name}", "")
    files.write_file("/d/x", "")
    assert files.ls("/") == "a  0 B\nb  0 B\nc  0 B\nd/"
    monkeypatch.setattr(file_limits, "MAX_ENTRIES", 2)
    assert files.ls("/") == "a  0 B\nb  0 B\n… and 2 more"


def test_glob_finds_by_name(search: SearchTools) -> None:
    assert search.glob("*.py") == "/a.py"
    assert search.glob("**/*.py") == "/a.py\n/src/b.py"
    assert search.glob("*.py", "/src") == "/src/b.py"
    assert search.glob("/src/**") == "/src/b.py"
    assert search.glob("*.rs") == "No file matches *.rs"


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("**", "a/b", True),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("a/**/b", "x/a/b", False),
        ("a/*/b", "a/b", False),
        ("[ab].t?t", "b.txt", True),
        ("*", "a/b", False),
    ],
)
def test_patterns(pattern: str, path: str, matches: bool) -> None:
    assert PathPattern(pattern).matches(path) is matches


def test_13_a_pattern_of_many_stars_takes_no_longer_than_its_length(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0
    after = PathPattern._after

    def counted(pattern: PathPattern, place: int, component: str) -> Iterator[int]:
        nonlocal steps
        steps += 1
        return after(pattern, place, component)

    monkeypatch.setattr(PathPattern, "_after", counted)
    pattern = PathPattern("**/a/" * 20 + "b")
    assert not pattern.matches("a/" * 60)
    assert pattern.matches("a/" * 60 + "b")
    assert steps <= 2 * 61 * 42


def test_13_a_pattern_has_a_longest_length(search: SearchTools) -> None:
    with refusal("the pattern is longer than 1000 characters"):
        search.glob("*" * 2000)


def test_13_the_size_of_an_edit_is_known_before_it_is_made(files: FileTools, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write_file("/many.txt", "x" * 1000)
    monkeypatch.setattr(file_limits, "MAX_SIZE", 1000)
    tracemalloc.start()
    try:
        with refusal("/many.txt would be too large: 1.0 MB, where 1.0 kB are the limit"):
            files.edit_file("/many.txt", "x", "y" * 1000, replace_all=True)
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()


def test_grep_finds_by_content(search: SearchTools) -> None:
    assert search.grep("x = 1") == "/a.py\n/src/b.py"
    assert search.grep("x", output_mode="count") == "/a.py:1\n/src/b.py:2"
    assert search.grep("x", "/src", output_mode="content") == "/src/b.py:1: x = 1\n/src/b.py:2: x = 3"
    assert search.grep("x", "/a.py", output_mode="content") == "/a.py:1: x = 1"
    assert search.grep("x", glob="b.*") == "/src/b.py"
    assert search.grep("x = .") == "No file contains 'x = .'"


def test_results_of_a_search_are_bounded(search: SearchTools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_limits, "MAX_RESULTS", 1)
    assert search.grep("x", output_mode="content") == "/a.py:1: x = 1\n… and more; only the first 1 are listed"


async def test_a_command_gives_its_output_and_exit_code(folder: Folder) -> None:
    assert await shell(folder).execute("echo one") == "one\n[exit code 0]"
    assert await shell(folder).execute("true") == "[exit code 0]"


async def test_24_a_command_that_fails_says_with_which_code_and_keeps_its_output(folder: Folder) -> None:
    with pytest.raises(CommandFailed, match="exit 3") as failure:
        await shell(folder).execute("echo one; exit 3")
    assert failure.value.output == "one\n[exit code 3]"


async def test_a_command_that_takes_too_long_says_so(folder: Folder) -> None:
    with pytest.raises(CommandFailed, match="timed out after 0 s") as failure:
        await shell(folder, time_limit=0.2).execute("echo one; sleep 1000")
    assert failure.value.output == "one\nCommand timed out after 0 seconds\n[exit code 124]"
