"""Files that a person mentions in a message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.attached_files import MAX_FILE, files_in, taken_out
from stigmer_tui.definition.extensions import FILES
from stigmer_tui.workbench.mentioned_files import (
    Completion,
    completion,
    mentioned_files,
    mentions,
    mentions_instead,
    sizes,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("notes.md", "notes.txt", "my plan.md", ".env", "docs/guide.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"This is {name}.")
    return tmp_path


MENTIONS = {
    "Read @notes.md": ["notes.md"],
    "@notes.md and @docs/guide.md": ["notes.md", "docs/guide.md"],
    "What is in @notes.md?": ["notes.md"],
    "(see @notes.md).": ["notes.md"],
    "Twice: @notes.md, @notes.md": ["notes.md"],
    'Read @"my plan.md", please': ["my plan.md"],
    "two\n@notes.md\nlines": ["notes.md"],
    "@nothing.md": [],
    "@docs is a folder": [],
    "ada@notes.md is no mention": [],
    "@ada, look": [],
    "@": [],
    '@""': [],
    "@~nobody-has-this-name/x": [],
    f"@{'long' * 100} and @{'/' * 5000}": [],
}


@pytest.mark.parametrize("message", MENTIONS)
def test_what_is_mentioned_and_there(folder: Path, message: str) -> None:
    assert mentioned_files(message, folder) == tuple(folder / name for name in MENTIONS[message])


def test_a_file_that_is_gone_has_no_size(folder: Path) -> None:
    assert list(sizes([folder / "gone.md", folder / "notes.md"])) == [("notes.md", 17)]


def test_a_path_may_begin_at_the_root_or_at_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    message = f"@{folder}/notes.md @~/notes.txt"
    assert mentioned_files(message, Path("/")) == (folder / "notes.md", folder / "notes.txt")


def test_what_is_mentioned_goes_with_the_message(folder: Path) -> None:
    assert mentions("Hello @ada", folder) == ""
    _, contents = taken_out({FILES: mentions("Hello @notes.md", folder)})
    assert list(contents.values()) == [b"This is notes.md."]


def test_what_cannot_be_attached_is_refused_by_name(folder: Path) -> None:
    (folder / "large.txt").write_bytes(b"x" * (MAX_FILE + 1))
    (folder / "tool.bin").write_bytes(b"\0\1")
    for name, problem in (("large.txt", "a file can have 5.0 MB at most"), ("tool.bin", "of a type that no model")):
        with pytest.raises(StigmerError, match=f"{name} .*{problem}"):
            mentions(f"@{name}", folder)


def test_an_edited_message_keeps_what_it_had_without_a_mention_and_what_it_still_mentions(folder: Path) -> None:
    had = json.dumps([{"name": name, "type": "text/plain", "size": 3, "hash": name} for name in ("a.png", "gone.md")])
    before = "Compare @notes.md and @gone.md"
    had_all = json.dumps([*json.loads(had), {"name": "notes.md", "type": "text/plain", "size": 1, "hash": "old"}])

    def files_after(message: str) -> dict[str, str]:
        annotation = mentions_instead(message, folder, before, had_all)
        return {file.name: file.hash for file in files_in({FILES: annotation})}

    same = files_after(before)
    assert list(same) == ["a.png", "gone.md", "notes.md"]
    assert same["notes.md"] != "old"
    assert list(files_after("Only @notes.txt")) == ["a.png", "notes.txt"]
    assert mentions_instead("Hello", folder, "Hello", "") == ""


COMPLETIONS = {
    "Read @no": Completion("tes.", ("notes.md", "notes.txt")),
    "@notes.m": Completion("d"),
    "@docs/": Completion("guide.md"),
    "@do": Completion("cs/"),
    '@"my': Completion(' plan.md"'),
    "@": Completion("", ("docs/", "my plan.md", "notes.md", "notes.txt")),
    "@.": Completion("env"),
    "@nothing": None,
    "@notes.md ": None,
    "ada@no": None,
    "no": None,
    "@~nobody-has-this-name/": None,
    "@\0/": None,
    "@\udce4/": None,
}


@pytest.mark.parametrize("before", COMPLETIONS)
def test_a_path_is_completed_as_far_as_it_is_certain(folder: Path, before: str) -> None:
    assert completion(before, folder) == COMPLETIONS[before]
