"""Snapshots of a project's files, and the differences between two of them."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from enum import StrEnum
from hashlib import blake2b
from itertools import islice
from pathlib import Path

from stigmer_tui.project.ignored import IgnoreRules

MAX_TEXT_SIZE = 256 * 1024
"""Bytes. Of larger files only the digest is kept, and their lines are not counted."""
MAX_READ_SIZE = 32 * 1024 * 1024
"""Bytes. Larger files are compared by size and time alone."""
MAX_LINKED_FILES = 2000
"""Files behind a link to a folder. A link that leads to more, such as to a home, is not followed."""
MAX_LINKS = 40
"""Links in a chain, the limit of Linux."""
TIME_STEP = 50_000_000
"""Nanoseconds. Two writes within it may leave the same time on a file."""


@dataclass(frozen=True, slots=True)
class FileState:
    """A file at one time."""

    mark: tuple[int, ...]
    """Its inode, size and times. While these are the same, so is the content."""
    content: bytes
    """The content, or the digest of a large one."""
    is_whole: bool
    """Whether `content` is the content, not a digest."""
    is_settled: bool
    """False if it was written so recently that another write need not change its mark."""
    modified: float
    """Seconds since 1970."""

    @property
    def lines(self) -> list[bytes] | None:
        """The lines; None for a file that is large or binary."""
        return self.content.splitlines() if self.is_whole and b"\0" not in self.content else None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The watched files of a project at one time."""

    files: Mapping[str, FileState] = field(default_factory=dict)
    """By path, relative to the project."""
    folders: frozenset[str] = frozenset()
    """Absolute paths of the folders that hold the files, or in which new ones may appear."""


class ChangeKind(StrEnum):
    """What happened to a file."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class FileChange:
    """A difference between two snapshots."""

    path: str
    kind: ChangeKind
    added: int | None = None
    """Lines that were added; None where they cannot be counted."""
    removed: int | None = None
    """Lines that were removed."""
    modified: float | None = None
    """When it was written, in seconds since 1970; None for a removed file."""

    def __str__(self) -> str:
        """`main.py changed (+2 −1)`"""
        counted = "" if self.added is None else f" (+{self.added} −{self.removed})"
        return f"{self.path} {self.kind}{counted}"


def take_snapshot(project: Path, before: Snapshot | None = None, suffixes: tuple[str, ...] = ()) -> Snapshot:
    """Reads the files that may have changed since `before`. Files and folders that cannot be read are left out.

    With `suffixes` only files with one of them count, and only those in the folder itself.
    """
    known = before.files if before else {}
    prefix = f"{project}{os.sep}"
    files: dict[str, FileState] = {}
    walk = _Walk(str(project), suffixes)
    for entry in walk.files(str(project), IgnoreRules.for_project(project)):
        path = entry.path.removeprefix(prefix)
        state = _state(entry, known.get(path))
        if state is not None:
            files[path] = state
    return Snapshot(files, frozenset(walk.folders))


def changes_between(before: Snapshot, after: Snapshot) -> tuple[FileChange, ...]:
    """The changes in the order of their paths. A file with the same content has not changed."""
    return tuple(_changes(before.files, after.files))


def may_be_half_done(before: Snapshot, after: Snapshot) -> bool:
    """Whether a save may be under way: a file that had content is gone or empty."""
    return any(
        state.content and not (path in after.files and after.files[path].content)
        for path, state in before.files.items()
    )


class _Walk:
    """All files that are watched, and the folders in which they can change.

    A link to a file is read as that file. A link to a folder outside the project is followed, since code imports what
    is behind it, unless it leads to very many files or to a folder that contains it.
    """

    def __init__(self, project: str, suffixes: tuple[str, ...]) -> None:
        self._suffixes = suffixes
        self.folders: set[str] = set()
        self._project = os.path.realpath(project)
        self._behind: set[str] = set()
        """Real paths of the folders behind links."""

    def files(self, folder: str, rules: IgnoreRules) -> Iterator[os.DirEntry[str]]:
        try:
            # Sorted, so that of two links to one folder always the same one is followed.
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            return
        self.folders.add(folder)
        for entry in entries:
            is_folder = _is_folder(entry)
            if self._suffixes and (is_folder or not entry.name.endswith(self._suffixes)):
                continue
            if rules.ignores(entry.path, is_folder):
                continue
            if not is_folder:
                if entry.is_symlink():
                    self.folders.update(_folders_behind(entry.path))
                yield entry
            elif not entry.is_symlink():
                yield from self.files(entry.path, rules.within(entry.path))
            elif self._may_follow(entry.path):
                yield from self._files_behind(entry.path, rules)

    def _files_behind(self, link: str, rules: IgnoreRules) -> list[os.DirEntry[str]]:
        folders = self.folders
        self.folders = {*folders, *_folders_behind(link)}
        found = list(islice(self.files(link, rules.within(link)), MAX_LINKED_FILES + 1))
        if len(found) <= MAX_LINKED_FILES:
            return found
        self.folders = folders
        return []

    def _may_follow(self, link: str) -> bool:
        target = os.path.realpath(link)
        inside = f"{target}{os.sep}"
        if self._project.startswith(inside) or f"{target}{os.sep}".startswith(f"{self._project}{os.sep}"):
            # It contains the project, or is in the project and watched there.
            return False
        if any(inside.startswith(f"{known}{os.sep}") for known in self._behind):
            return False
        self._behind.add(target)
        return True


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Follows links; False for a link to itself."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _folders_behind(link: str) -> Iterator[str]:
    """The folder of each link of a chain, and of its target, in all of which a change can replace the file."""
    path = Path(link)
    for _ in range(MAX_LINKS):
        try:
            path = path.parent / path.readlink()
        except OSError:
            return
        yield os.path.realpath(path.parent)


def _state(entry: os.DirEntry[str], known: FileState | None) -> FileState | None:
    try:
        status = entry.stat()
        if not stat.S_ISREG(status.st_mode):
            return None
        mark = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if known is not None and known.is_settled and known.mark == mark:
            return known
        is_settled = abs(time.time_ns() - status.st_ctime_ns) > TIME_STEP
        if status.st_size > MAX_READ_SIZE:
            return FileState(mark, repr(mark).encode(), False, True, status.st_mtime)
        content = Path(entry.path).read_bytes()
    except OSError:
        return None
    is_whole = len(content) <= MAX_TEXT_SIZE
    return FileState(mark, content if is_whole else blake2b(content).digest(), is_whole, is_settled, status.st_mtime)


def _changes(before: Mapping[str, FileState], after: Mapping[str, FileState]) -> Iterator[FileChange]:
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if old is None and new is not None:
            yield FileChange(path, ChangeKind.ADDED, *_count_lines([], new.lines), new.modified)
        elif old is not None and new is None:
            yield FileChange(path, ChangeKind.REMOVED, *_count_lines(old.lines, []))
        elif old is not None and new is not None and old.content != new.content:
            yield FileChange(path, ChangeKind.CHANGED, *_count_lines(old.lines, new.lines), new.modified)


def _count_lines(old: list[bytes] | None, new: list[bytes] | None) -> tuple[int | None, int | None]:
    """Lines added and removed."""
    if old is None or new is None:
        return None, None
    start = _common_prefix(old, new)
    old, new = old[start:], new[start:]
    end = _common_prefix(old[::-1], new[::-1])
    old, new = old[: len(old) - end], new[: len(new) - end]
    same = sum(block.size for block in SequenceMatcher(None, old, new).get_matching_blocks())
    return len(new) - same, len(old) - same


def _common_prefix(old: list[bytes], new: list[bytes]) -> int:
    """The number of equal lines at the beginning."""
    return next((index for index, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
