"""Private files: 0600 in folders of 0700, whatever the umask, and never through a symbolic link."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from stigmer_tui.core.errors import StigmerError

FILE_MODE = 0o600
FOLDER_MODE = 0o700


def open_private(path: str | Path, flags: int) -> int:
    """Opens a file, creates it if needed, makes it private, and returns its descriptor.

    Raises StigmerError for a symbolic link, and OSError.
    """
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK) and Path(path).is_symlink():
            raise _link(path) from error
        raise
    with suppress(PermissionError):
        # Also for a new file: the umask may have removed bits of the owner.
        if stat.S_IMODE(os.fstat(descriptor).st_mode) != FILE_MODE:
            os.fchmod(descriptor, FILE_MODE)
    return descriptor


def opener(path: str, flags: int) -> int:
    """An `opener` for the built-in `open`."""
    return open_private(path, flags)


def ensure_private(path: Path) -> None:
    """For files that a library opens: creates it if needed and makes it private. Raises like `open_private`."""
    try:
        os.close(open_private(path, os.O_RDWR))
    except PermissionError:
        # A read-only file: opening it for writing will fail with a better error.
        refuse_link(path)


def read_private(path: Path) -> str:
    """Raises StigmerError for a symbolic link or a file that is not text, and OSError."""
    refuse_link(path)
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, encoding="utf-8") as file:
        try:
            return file.read()
        except UnicodeDecodeError as error:
            raise StigmerError(f"{path} is not a text file", "Remove it; it is made again.") from error


def write_private(path: Path, text: str) -> None:
    """Replaces a file atomically: readers see the old or the new text. Raises OSError."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    # Never write through an existing path: it may be a link.
    scratch.unlink(missing_ok=True)
    with os.fdopen(open_private(scratch, os.O_WRONLY | os.O_EXCL), "w", encoding="utf-8") as file:
        file.write(text)
    scratch.replace(path)


def refuse_link(path: Path) -> None:
    """Raises StigmerError."""
    if path.is_symlink():
        raise _link(path)


def make_private_folders(folders: Iterable[Path]) -> None:
    """Creates missing folders with their parents. Raises StigmerError if that is impossible."""
    for folder in folders:
        try:
            _make(folder)
        except OSError as error:
            advice = "STIGMER_HOME chooses another place for everything that is kept."
            raise StigmerError(f"Cannot make the folder {folder}: {error.strerror}", advice) from error


def close_to_others(folder: Path, whole: Iterable[str]) -> None:
    """Removes the permissions of others from a folder, the files in it, and everything below its subfolders named in
    `whole`. Skips files of other users, and does not follow links.
    """
    with suppress(OSError):
        _restrict(folder)
        for entry in os.scandir(folder):
            _restrict_entry(entry)
            if entry.name in whole and entry.is_dir(follow_symlinks=False):
                _close_all(entry.path)


def _close_all(folder: str) -> None:
    for entry in os.scandir(folder):
        _restrict_entry(entry)
        if entry.is_dir(follow_symlinks=False):
            _close_all(entry.path)


def _restrict_entry(entry: os.DirEntry[str]) -> None:
    if entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False):
        with suppress(FileNotFoundError):
            _restrict(entry.path)


def _restrict(path: str | Path) -> None:
    mode = stat.S_IMODE(Path(path).stat().st_mode)
    if mode & 0o077:
        with suppress(PermissionError):
            Path(path).chmod(mode & 0o700)


def _make(folder: Path) -> None:
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for made in reversed(missing):
        try:
            made.mkdir(FOLDER_MODE)
        except FileExistsError:
            # Created by another process just now, or not a folder.
            if not made.is_dir():
                raise
        else:
            made.chmod(FOLDER_MODE)


def _link(path: str | Path) -> StigmerError:
    return StigmerError(f"{path} is a symbolic link, which is not followed", "Remove it, or put a file in its place.")
