"""Waiting for what happens in other processes."""

from __future__ import annotations

import asyncio
from pathlib import Path


async def exists(path: Path) -> None:
    """Waits for a file that a command makes."""
    async with asyncio.timeout(60):
        while not path.exists():  # noqa: ASYNC110, ASYNC240 - no event comes from a command
            await asyncio.sleep(0.01)
