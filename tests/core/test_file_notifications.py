"""A stream of changed files ends when it is cancelled, whatever is happening at that moment."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from stigmer_tui.core.file_notifications import file_notifications


async def test_changes_are_told_and_silence_too(tmp_path: Path) -> None:
    changes = file_notifications(tmp_path, step=5, debounce=50, timeout=20)
    async with asyncio.timeout(60), aclosing(changes):
        assert list(await anext(changes)) == []
        (tmp_path / "note").write_text("x")
        async for paths in changes:
            if str(tmp_path / "note") in paths:
                break


@pytest.mark.parametrize("moment", range(30))
async def test_a_cancellation_is_not_lost(tmp_path: Path, moment: int) -> None:
    heard = asyncio.Event()

    async def listen() -> None:
        async for _ in file_notifications(tmp_path, step=1, debounce=5, timeout=1):
            heard.set()

    task = asyncio.create_task(listen())
    await heard.wait()
    for _ in range(moment):
        await asyncio.sleep(0)
    task.cancel()
    async with asyncio.timeout(60):
        await asyncio.wait([task])
    assert task.cancelled()


async def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        await anext(file_notifications(tmp_path / "gone", step=5, debounce=50, timeout=5))
