"""Two states of a project's files, and what changed in between."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stigmer_tui.project import snapshot
from stigmer_tui.project.snapshot import (
    MAX_READ_SIZE,
    MAX_TEXT_SIZE,
    changes_between,
    may_be_half_done,
    take_snapshot,
)
from tests.project.projects import write_files


def told(project: Path, before: dict[str, str], after: dict[str, str | None]) -> list[str]:
    write_files(project, before)
    first = take_snapshot(project)
    for name, text in after.items():
        if text is None:
            (project / name).unlink()
        else:
            write_files(project, {name: text})
    return [str(change) for change in changes_between(first, take_snapshot(project, first))]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a\nb\nc\n", "a\nB\nc\n", "(+1 −1)"),
        ("a\nb\nc\n", "a\nx\ny\nc\n", "(+2 −1)"),
        ("a\nb\n", "a\nb\nc\n", "(+1 −0)"),
        ("a\nb\n", "b\n", "(+0 −1)"),
        ("a\nb\nc\nd\n", "b\nX\nc\nd\na\n", "(+2 −1)"),
        ("a\na\na\n", "a\na\n", "(+0 −1)"),
        ("a\n", "a", "(+0 −0)"),
        ("", "a\n", "(+1 −0)"),
    ],
)
def test_lines_are_counted(tmp_path: Path, before: str, after: str, expected: str) -> None:
    assert told(tmp_path, {"main.py": before}, {"main.py": after}) == [f"main.py changed {expected}"]


def test_files_come_and_go(tmp_path: Path) -> None:
    before = {"a.py": "1\n2\n", "b.py": "1\n", "c.py": "1\n"}
    changes: dict[str, str | None] = {"a.py": None, "d/e.py": "1\n2\n3\n", "c.py": "1\n"}
    assert told(tmp_path, before, changes) == ["a.py removed (+0 −2)", f"d{os.sep}e.py added (+3 −0)"]


def test_a_save_of_the_same_content_is_no_change(tmp_path: Path) -> None:
    assert told(tmp_path, {"main.py": "1\n"}, {"main.py": "1\n"}) == []


def test_the_same_size_and_time_hide_no_change(tmp_path: Path) -> None:
    path = tmp_path / "main.py"
    path.write_text("1\n")
    status = path.stat()
    first = take_snapshot(tmp_path)
    path.write_text("2\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert len(changes_between(first, take_snapshot(tmp_path, first))) == 1


def test_what_has_not_changed_is_not_read_again(tmp_path: Path) -> None:
    write_files(tmp_path, {"main.py": "1\n"})
    first = take_snapshot(tmp_path)
    settled = first.files["main.py"]
    object.__setattr__(settled, "is_settled", True)
    assert take_snapshot(tmp_path, first).files["main.py"] is settled


def test_binary_and_large_files_have_no_lines(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(b"\x00\x01")
    (tmp_path / "large.txt").write_bytes(b"x" * (MAX_TEXT_SIZE + 1))
    first = take_snapshot(tmp_path)
    (tmp_path / "image").write_bytes(b"\x00\x02")
    (tmp_path / "large.txt").write_bytes(b"y" * (MAX_TEXT_SIZE + 1))
    changes = changes_between(first, take_snapshot(tmp_path, first))
    assert [str(change) for change in changes] == ["image changed", "large.txt changed"]


def test_huge_files_are_not_read(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(MAX_READ_SIZE + 1)
    first = take_snapshot(tmp_path)
    assert len(first.files["huge"].content) < 200
    with (tmp_path / "huge").open("ab") as file:
        file.write(b"x")
    assert len(changes_between(first, take_snapshot(tmp_path, first))) == 1


def test_a_file_that_is_gone_or_empty_may_be_the_middle_of_a_save(tmp_path: Path) -> None:
    write_files(tmp_path, {"main.py": "1\n", "empty.py": ""})
    first = take_snapshot(tmp_path)
    assert not may_be_half_done(first, first)
    (tmp_path / "main.py").write_text("")
    assert may_be_half_done(first, take_snapshot(tmp_path, first))
    (tmp_path / "main.py").unlink()
    assert may_be_half_done(first, take_snapshot(tmp_path, first))


def test_a_project_that_is_gone_has_no_files(tmp_path: Path) -> None:
    assert take_snapshot(tmp_path / "nothing").files == {}


class TestLinks:
    """Point 39: what a link leads to is watched, within reason."""

    def test_not_around_in_a_circle(self, tmp_path: Path) -> None:
        project, shared = tmp_path / "project", tmp_path / "shared"
        write_files(project, {"main.py": "1\n", "parts/a.py": "1\n"})
        write_files(shared, {"b.py": "1\n"})
        for link, target in (("up", ".."), ("self", "."), ("again", "parts"), ("dead", "nowhere"), ("loop", "loop")):
            (project / link).symlink_to(target)
        (project / "shared").symlink_to(shared)
        (project / "twice").symlink_to(shared)
        (shared / "back").symlink_to(project)
        (shared / "round").symlink_to(".")
        files = set(take_snapshot(project).files)
        assert files == {"main.py", "parts/a.py", "shared/b.py"}

    def test_not_where_there_is_very_much(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(snapshot, "MAX_LINKED_FILES", 3)
        project, home = tmp_path / "project", tmp_path / "home"
        write_files(project, {"main.py": "1\n"})
        write_files(home, {f"{number}.txt": "1\n" for number in range(4)})
        (project / "home").symlink_to(home)
        taken = take_snapshot(project)
        assert set(taken.files) == {"main.py"}
        assert set(taken.folders) == {str(project)}
        (home / "0.txt").unlink()
        assert len(take_snapshot(project).files) == 4
