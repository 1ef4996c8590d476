"""The folder of an agent: everything in it can be reached, and nothing else."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from stigmer_tui.agents.sandbox.folder import MAX_DEPTH, Folder
from stigmer_tui.core.errors import StigmerError

SECRET = b"not yours"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_bytes(SECRET)
    return folder


@pytest.fixture
def folder(tmp_path: Path, outside: Path) -> Folder:
    (tmp_path / "root").mkdir()
    return Folder(tmp_path / "root")


def refusal(message: str) -> pytest.RaisesExc[StigmerError]:
    return pytest.raises(StigmerError, match=message)


def test_files_are_written_read_replaced_and_listed(folder: Folder) -> None:
    folder.create("/notes/today.md", b"milk")
    assert folder.read("/notes/today.md", 100) == b"milk"
    folder.replace("/notes/today.md", b"bread")
    assert (folder.root / "notes" / "today.md").read_bytes() == b"bread"
    assert [(entry.name, entry.is_folder) for entry in folder.entries("/")] == [("notes", True)]
    assert [(entry.name, entry.size) for entry in folder.entries("/notes")] == [("today.md", 5)]


def test_paths_are_forgiving_in_form(folder: Folder) -> None:
    folder.create("/a.txt", b"1")
    for path in ("a.txt", "//a.txt", "/./a.txt", f"{folder.root}/a.txt"):
        assert folder.read(path, 10) == b"1"
    assert [entry.name for entry in folder.entries(str(folder.root))] == ["a.txt"]


@pytest.mark.parametrize(
    "path", ["/../outside/secret.txt", "../outside/secret.txt", "/a/../../x", "~/x", "~root/x", "/a\0b"]
)
def test_paths_that_lead_up_or_home_are_refused(folder: Folder, path: str) -> None:
    for attempt in (lambda: folder.read(path, 99), lambda: folder.create(path, b""), lambda: folder.entries(path)):
        with refusal("paths start with /"):
            attempt()


def test_a_path_of_the_host_is_a_path_in_the_folder(folder: Folder, outside: Path) -> None:
    with refusal("/etc/passwd does not exist"):
        folder.read("/etc/passwd", 99)
    folder.create(f"{outside}/secret.txt", b"mine")
    assert (outside / "secret.txt").read_bytes() == SECRET
    assert (folder.root / str(outside)[1:] / "secret.txt").read_bytes() == b"mine"


@pytest.mark.parametrize("target", ["{outside}", "../outside", "inner/../../outside", "/"])
def test_links_that_lead_out_are_refused(folder: Folder, outside: Path, target: str) -> None:
    (folder.root / "inner").mkdir()
    (folder.root / "link").symlink_to(target.format(outside=outside))
    (folder.root / "file").symlink_to(f"{target.format(outside=outside)}/secret.txt")
    for path in ("/link/secret.txt", "/file"):
        with refusal("leads out of the working folder"):
            folder.read(path, 99)
        with refusal("leads out of the working folder"):
            folder.create(path, b"x")
        with refusal("leads out of the working folder"):
            folder.replace(path, b"x")
    with refusal("leads out of the working folder"):
        folder.entries("/link")
    assert (outside / "secret.txt").read_bytes() == SECRET
    assert [file.path for file in folder.files("/")] == ["/file"]
    assert [file.read(99) for file in folder.files("/")] == [None]


def test_links_within_the_folder_are_followed(folder: Folder) -> None:
    folder.create("/real/a.txt", b"1")
    (folder.root / "relative").symlink_to("real")
    (folder.root / "absolute").symlink_to(folder.root / "real")
    (folder.root / "real" / "up").symlink_to("../relative/a.txt")
    for path in ("/relative/a.txt", "/absolute/a.txt", "/real/up"):
        assert folder.read(path, 10) == b"1"
    folder.replace("/real/up", b"2")
    assert (folder.root / "real" / "up").is_symlink()
    assert folder.read("/real/a.txt", 10) == b"2"


def test_a_circle_of_links_is_refused(folder: Folder) -> None:
    (folder.root / "a").symlink_to("b")
    (folder.root / "b").symlink_to("a")
    with refusal("leads out of the working folder, or too deep"):
        folder.read("/a", 10)


def test_a_path_too_deep_is_refused(folder: Folder) -> None:
    with refusal("too deep"):
        folder.create("/a" * (MAX_DEPTH + 2), b"")


def test_a_folder_that_becomes_a_link_while_it_is_used_leads_nowhere(folder: Folder, outside: Path) -> None:
    (folder.root / "real").mkdir()
    (folder.root / "real" / "secret.txt").write_bytes(b"mine")
    (folder.root / "link").symlink_to(outside)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            (folder.root / "real").rename(folder.root / "spare")
            (folder.root / "link").rename(folder.root / "real")
            (folder.root / "real").rename(folder.root / "link")
            (folder.root / "spare").rename(folder.root / "real")

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        seen: set[bytes] = set()
        for _ in range(2000):
            with suppress(StigmerError):
                seen.add(folder.read("/real/secret.txt", 99))
    finally:
        stop.set()
        swapping.join()
    # Whether any of the reads hit the folder depends on the machine; this one does.
    seen.add(folder.read("/real/secret.txt", 99))
    assert seen == {b"mine"}


def test_what_is_no_plain_file_is_not_read(folder: Folder) -> None:
    os.mkfifo(folder.root / "pipe")
    with refusal("/pipe is not a plain file"):
        folder.read("/pipe", 10)
    with refusal("/ is a folder"):
        folder.read("/", 10)
    assert [file.read(10) for file in folder.files("/")] == [None]


def test_mistakes_are_told_by_path(folder: Folder) -> None:
    folder.create("/a.txt", b"12345")
    with refusal("/b.txt does not exist"):
        folder.read("/b.txt", 10)
    with refusal("/b.txt does not exist"):
        folder.replace("/b.txt", b"")
    with refusal("/a.txt exists already"):
        folder.create("/a.txt", b"")
    with refusal("/a.txt/b is not a folder"):
        folder.read("/a.txt/b", 10)
    with refusal("/a.txt is too large: 5 B, where 4 B are the limit"):
        folder.read("/a.txt", 4)
    with refusal("/a.txt is not a folder"):
        folder.entries("/a.txt")


def test_replacing_keeps_the_mode_and_leaves_nothing_behind(folder: Folder) -> None:
    folder.create("/run.sh", b"#!/bin/sh")
    (folder.root / "run.sh").chmod(0o750)
    folder.replace("/run.sh", b"#!/bin/bash")
    assert (folder.root / "run.sh").stat().st_mode & 0o777 == 0o750
    assert [entry.name for entry in folder.entries("/")] == ["run.sh"]


def test_a_walk_goes_everywhere_but_where_it_is_told_not_to(folder: Folder) -> None:
    for path in ("/b/2.txt", "/a/1.txt", "/node_modules/x.js", "/0.txt"):
        folder.create(path, path.encode())
    assert [file.path for file in folder.files("/", frozenset({"node_modules"}))] == ["/0.txt", "/a/1.txt", "/b/2.txt"]
    assert [file.path for file in folder.files("/b")] == ["/b/2.txt"]
    assert [file.path for file in folder.files("/b/2.txt")] == ["/b/2.txt"]
    assert [file.read(99) for file in folder.files("/a")] == [b"/a/1.txt"]
