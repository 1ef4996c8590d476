"""What an agent has done to a repository: its commits, and the lines that they change."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from stigmer_tui.core.errors import StigmerError

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""What a repository without commits is compared with."""


@dataclass(frozen=True, slots=True)
class Commit:
    commit: str
    """Its hash."""
    subject: str
    author: str
    date: str
    """ISO 8601."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Between two commits."""

    commits: tuple[Commit, ...] = ()
    files: int = 0
    insertions: int = 0
    deletions: int = 0
    patch: str = ""


async def head(folder: Path) -> str:
    """The hash of the current commit; empty without one, and outside of a repository."""
    status, output = await _git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    return output.strip() if status == 0 else ""


async def git_folder(folder: Path) -> str:
    """In which the repository of a folder keeps its commits, absolute; empty outside of one."""
    status, output = await _git(folder, "rev-parse", "--path-format=absolute", "--git-common-dir")
    return output.strip() if status == 0 else ""


async def changes(folder: Path, before: str, after: str) -> Changes:
    """What was committed from one commit to another; nothing where they are the same."""
    if before == after or not after:
        return Changes()
    wanted = f"{before}..{after}" if before else after
    _, log = await _git(folder, "log", "--format=%H%x00%s%x00%an%x00%aI", wanted)
    commits = [Commit(*line.split("\0")) for line in log.splitlines() if line.count("\0") == 3]
    _, numbers = await _git(folder, "diff", "--numstat", before or EMPTY_TREE, after)
    rows = [line.split("\t") for line in numbers.splitlines() if line.count("\t") >= 2]
    _, patch = await _git(folder, "diff", before or EMPTY_TREE, after)
    return Changes(
        tuple(commits),
        len(rows),
        # Binary files have - in place of numbers.
        sum(int(row[0]) for row in rows if row[0].isdigit()),
        sum(int(row[1]) for row in rows if row[1].isdigit()),
        patch,
    )


async def add_worktree(folder: Path, path: Path, branch: str) -> None:
    """Checks HEAD out into another folder, on a new branch. Raises StigmerError."""
    async with _worktrees_of(folder):
        status, output = await _git(folder, "worktree", "add", "--quiet", "-b", branch, str(path))
    if status:
        raise StigmerError(f"Cannot make a worktree of {folder}: {output.strip()}", "It needs at least one commit.")


async def remove_worktree(folder: Path, path: Path, branch: str, keeps_branch: bool) -> bool:
    """Whether it was removed; one with changes that are not committed stays, as does one that git cannot remove."""
    status, output = await _git(path, "status", "--porcelain")
    if status or output.strip():
        return False
    async with _worktrees_of(folder):
        status, _ = await _git(folder, "worktree", "remove", str(path))
    if status:
        return False
    if not keeps_branch:
        await _git(folder, "branch", "--quiet", "-D", branch)
    return True


@asynccontextmanager
async def _worktrees_of(folder: Path) -> AsyncIterator[None]:
    """Locked: git looks at all worktrees, and fails over one that another run is just making or removing."""
    from filelock import AsyncFileLock

    _, repository = await _git(folder, "rev-parse", "--path-format=absolute", "--git-common-dir")
    async with AsyncFileLock(Path(repository.strip()) / "stigmer-tui-worktrees.lock"):
        yield


async def _git(folder: Path, *arguments: str) -> tuple[int, str]:
    """Status and output. Raises StigmerError where there is no git."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        process = await asyncio.create_subprocess_exec(
            *("git", "-C", str(folder), *arguments), stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=environment
        )
    except FileNotFoundError as error:
        raise StigmerError("git is not installed", "Install it: what agents change is counted by it.") from error
    output, errors = await process.communicate()
    return process.returncode or 0, (output or errors).decode(errors="replace")
