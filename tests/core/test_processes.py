"""Which process a pid stands for, what belongs to it, and how it is ended."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from stigmer_tui.core import processes
from stigmer_tui.core.processes import ProcessIdentity, kill_all, marked_processes, process_tree, wait_for_end

LIMIT = 60.0


@contextmanager
def shell(script: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A shell that has said a first line; it ends with the block."""
    with subprocess.Popen(
        ["/bin/sh", "-c", script],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        env={**os.environ, **variables},
    ) as process:
        assert process.stdout and process.stdout.readline()
        try:
            yield process
        finally:
            kill_all(process_tree(process.pid))


def test_a_tree_is_a_process_with_all_below_it() -> None:
    with shell("sh -c 'sleep 1000 & echo ready; wait' & wait") as process:
        tree = process_tree(process.pid)
        assert tree[0].pid == process.pid
        assert len(tree) == 3
        kill_all(tree)
        process.wait(LIMIT)
        psutil.wait_procs(tree, LIMIT)
        assert process_tree(process.pid) == []


@pytest.mark.skipif(
    sys.platform != "linux", reason="only there the start of a process is counted from that of the machine"
)
def test_a_tree_is_whole_while_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that seemed to be older than its parent was not found, and not ended."""
    booted = itertools.count(psutil.boot_time(), -1)
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: next(booted))
    with shell("sh -c 'sleep 1000 & echo ready; wait' & wait") as process:
        assert len(process_tree(process.pid)) == 3


def test_killing_passes_over_what_is_gone() -> None:
    with shell("echo ready; exec sleep 1000") as first, shell("echo ready; exec sleep 1000") as second:
        both = [psutil.Process(first.pid), psutil.Process(second.pid)]
        first.kill()
        first.wait(LIMIT)
        kill_all(both)
        assert second.wait(LIMIT) < 0


def test_processes_are_found_by_what_is_in_their_environment() -> None:
    with (
        shell("echo ready; exec sleep 1000", STIGMER_TEST_MARK="mine") as marked,
        shell("echo ready; exec sleep 1000", STIGMER_TEST_MARK="other"),
    ):
        assert [process.pid for process in marked_processes("STIGMER_TEST_MARK", "mine")] == [marked.pid]
        assert list(marked_processes("STIGMER_TEST_MARK", "nobody's")) == []


@pytest.mark.parametrize("platform", ["linux", "elsewhere"])
async def test_an_end_is_waited_for(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    if platform == "elsewhere":
        monkeypatch.setattr(processes.sys, "platform", "darwin")  # type: ignore[attr-defined]
    with shell("echo ready; read line") as process:
        waiting = asyncio.create_task(wait_for_end([psutil.Process(process.pid)], LIMIT))
        done, _ = await asyncio.wait((waiting,), timeout=0)
        assert not done
        process.kill()
        await asyncio.wait_for(waiting, LIMIT)


async def test_an_end_is_not_waited_for_without_end() -> None:
    with shell("echo ready; exec sleep 1000") as process:
        await asyncio.wait_for(wait_for_end([psutil.Process(process.pid)], 0.01), LIMIT)
        assert process.poll() is None


@pytest.mark.parametrize("platform", [sys.platform, "elsewhere"])
def test_an_identity_names_one_process_for_good(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr(processes.sys, "platform", platform)  # type: ignore[attr-defined]
    own = ProcessIdentity.of(os.getpid())
    assert own and own.alive and own == ProcessIdentity.of(os.getpid())
    assert not ProcessIdentity(os.getpid(), "at another time").alive
    with shell("echo ready; read line") as process:
        identity = ProcessIdentity.of(process.pid)
        assert identity and identity.pid == process.pid and identity.start != own.start
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        # What has yet to be collected by its parent is no process any more.
        assert ProcessIdentity.of(process.pid) is None
        process.wait(LIMIT)
        assert ProcessIdentity.of(process.pid) is None
        assert not identity.alive
