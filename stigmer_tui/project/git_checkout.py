"""Whether git is changing the files of a project: a checkout, a merge, a rebase."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

MAX_AGE = 10.0
"""Seconds after which a lock counts as left behind by a git that was killed."""


def index_lock(project: Path) -> Path | None:
    """The file that is there while git changes the working tree; None outside of repositories."""
    for folder in (project, *project.parents):
        repository = folder / ".git"
        if repository.is_dir():
            return repository / "index.lock"
        if repository.is_file():
            # A worktree or a submodule: `gitdir: PATH`.
            text = repository.read_text(encoding="utf-8", errors="replace")
            return folder / text.removeprefix("gitdir:").strip() / "index.lock"
    return None


def is_under_way(lock: Path | None, now: Callable[[], float] = time.time) -> bool:
    """Whether the lock is there, and not just left behind."""
    try:
        return lock is not None and abs(now() - lock.stat().st_mtime) < MAX_AGE
    except OSError:
        return False
