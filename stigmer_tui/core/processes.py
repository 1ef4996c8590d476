"""Processes, and how to end one with all that it started."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress

import psutil

OWNER_MARK = "STIGMER_SANDBOX_OF"
"""Variable that names the folder of the daemon for which an agent runs a command, in every process of the command."""


def process_tree(pid: int) -> list[psutil.Process]:
    """A process and its descendants, wherever their sessions and groups are; empty when it is gone."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def marked_processes(variable: str, value: str) -> Iterator[psutil.Process]:
    """Those with this variable in their environment, whatever they have become since and wherever they hide."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(variable) == value:
                yield process


async def wait_for_end(processes: Iterable[psutil.Process], limit: float) -> None:
    """Until all have ended, or for `limit` seconds. One whose parent has yet to collect its remains has ended."""
    with suppress(TimeoutError):
        async with asyncio.timeout(limit):
            await asyncio.gather(*(_wait_for(process, limit) for process in processes))


async def _wait_for(process: psutil.Process, limit: float) -> None:
    if sys.platform != "linux":
        with suppress(psutil.TimeoutExpired):
            await asyncio.to_thread(process.wait, limit)
        return
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def kill_all(processes: Iterable[psutil.Process]) -> None:
    """Kills at once, and does not wait."""
    for process in processes:
        with suppress(psutil.Error):
            process.kill()
