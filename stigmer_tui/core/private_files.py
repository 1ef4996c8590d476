"""Files for their owner only: 0600 in folders of 0700, whatever the umask, and never through a symbolic link."""

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
    """A file descriptor. The file is made where it is missing, and closed to others where it was open to them.

    Raises StigmerError for a symbolic link, and OSError.
    """
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK) and Path(path).is_symlink():
            raise _link(path) from error
        raise
    with suppress(PermissionError):
        # Not for the first of these only: the umask may have taken more away than it should.
        if stat.S_IMODE(os.fstat(descriptor).st_mode) != FILE_MODE:
            os.fchmod(descriptor, FILE_MODE)
    return descriptor


def opener(path: str, flags: int) -> int:
    """As `open` wants it."""
    return open_private(path, flags)


def ensure_private(path: Path) -> None:
    """For files that a library opens: after this the file is there, is private, and is no link. As `open_private`."""
    try:
        os.close(open_private(path, os.O_RDWR))
    except PermissionError:
        # One that may only be read: whoever opens it finds out what that means.
        refuse_link(path)


def read_private(path: Path) -> str:
    """Raises StigmerError for a symbolic link or for what is no text, and OSError."""
    refuse_link(path)
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, encoding="utf-8") as file:
        try:
            return file.read()
        except UnicodeDecodeError as error:
            raise StigmerError(f"{path} is not a text file", "Remove it; it is made again.") from error


def write_private(path: Path, text: str) -> None:
    """Replaces a file at once: readers see the old or the new text, never a part. Raises OSError."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    # Whatever is in the way is not written to: it may be a link.
    scratch.unlink(missing_ok=True)
    with os.fdopen(open_private(scratch, os.O_WRONLY | os.O_EXCL), "w", encoding="utf-8") as file:
        file.write(text)
    scratch.replace(path)


def refuse_link(path: Path) -> None:
    """Raises StigmerError."""
    if path.is_symlink():
        raise _link(path)


def make_private_folders(folders: Iterable[Path]) -> None:
    """Those that are missing, and what is missing above them. Raises StigmerError where that is impossible."""
    for folder in folders:
        try:
            _make(folder)
        except OSError as error:
            advice = "STIGMER_HOME chooses another place for everything that is kept."
            raise StigmerError(f"Cannot make the folder {folder}: {error.strerror}", advice) from error


def close_to_others(folder: Path, whole: Iterable[str]) -> None:
    """Takes away what others may do with a folder and the files in it, and with all that is below its subfolders of
    the names in `whole`. What is not ours to change, and what links lead to, stays.
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
            # Somebody else has just made it, or it is no folder.
            if not made.is_dir():
                raise
        else:
            made.chmod(FOLDER_MODE)


def _link(path: str | Path) -> StigmerError:
    return StigmerError(f"{path} is a symbolic link, which is not followed", "Remove it, or put a file in its place.")
