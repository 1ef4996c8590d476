"""Notifications of Linux about folders."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stigmer_tui.core.inotify import FolderWatches

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is a part of Linux")

CHANGES: dict[str, Callable[[Path], object]] = {
    "write": lambda folder: (folder / "a").write_text("2"),
    "create": lambda folder: (folder / "b").touch(),
    "remove": lambda folder: os.unlink(folder / "a"),  # noqa: PTH108 - unlink of a path is not an expression
    "rename": lambda folder: (folder / "a").rename(folder / "b"),
    "new folder": lambda folder: (folder / "c").mkdir(),
    "remove the folder": shutil.rmtree,
}


@pytest.mark.parametrize("change", CHANGES)
async def test_changes_are_reported(tmp_path: Path, change: str) -> None:
    folder = tmp_path / "watched"
    folder.mkdir()
    (folder / "a").write_text("1")
    changed = asyncio.Event()
    watches = FolderWatches([str(tmp_path / "gone"), str(folder)], changed.set)
    try:
        CHANGES[change](folder)
        async with asyncio.timeout(60):
            await changed.wait()
    finally:
        watches.close()


async def test_all_events_are_read_at_once(tmp_path: Path) -> None:
    """So that nothing is reported again when nothing has changed."""
    calls = 0
    called = asyncio.Event()

    def changed() -> None:
        nonlocal calls
        calls += 1
        called.set()

    watches = FolderWatches([str(tmp_path)], changed)
    for number in range(5000):
        (tmp_path / f"{number}").touch()
    await called.wait()
    for _ in range(10):
        await asyncio.sleep(0)
    watches.close()
    assert calls == 1


async def test_nothing_to_watch_is_an_error_that_leaves_nothing_open(tmp_path: Path) -> None:
    before = open_files()
    with pytest.raises(FileNotFoundError):
        FolderWatches([str(tmp_path / "gone")], lambda: None)
    assert open_files() == before


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
