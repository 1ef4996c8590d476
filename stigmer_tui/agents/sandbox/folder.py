"""A folder that paths cannot leave: each component is opened relative to the one before.

No path can be redirected between a check and its use, because every step is relative to an open folder and does not
follow links (openat, O_NOFOLLOW). Links are resolved here, and only within the folder.
"""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from stigmer_tui.agents.sandbox.stopping import checkpoint
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.units import size_text

MAX_LINKS = 40
"""Links in a path, the limit of Linux."""
MAX_DEPTH = 100
"""Nested folders."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # Not blocked by a named pipe without a writer.


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """A file or a folder in a folder."""

    name: str
    is_folder: bool
    size: int
    """Bytes; 0 for a folder."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that a walk has found. It can be read until the walk goes on."""

    path: str
    name: str
    folder: int

    def read(self, most: int) -> bytes | None:
        """Up to `most` bytes; None if it is not a regular file, or cannot be read."""
        try:
            with _opened(self.name, _FILE, self.folder) as descriptor:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    return None
                return os.read(descriptor, most)
        except OSError:
            return None


class Folder:
    """Files below `root`. In their paths, `/` is the root.

    Every failure raises StigmerError with the path as given.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def read(self, path: str, most: int) -> bytes:
        """The content of a file; one of more than `most` bytes is refused."""
        with self._file(path) as descriptor:
            size = os.fstat(descriptor).st_size
            if size > most:
                raise StigmerError(f"{path} is too large: {size_text(size)}, where {size_text(most)} are the limit")
            with open(descriptor, "rb", closefd=False) as file:
                return file.read(most)

    def create(self, path: str, content: bytes) -> None:
        """Writes a new file, and creates the folders around it."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with self._parent(path, make_folders=True) as (folder, name), _opened(name, flags, folder) as descriptor:
            try:
                _write(descriptor, content)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=folder)
                raise

    def replace(self, path: str, content: bytes) -> None:
        """Replaces the content of a file atomically."""
        with self._file(path) as old, self._parent(path) as (folder, name):
            scratch = f".{name[:100]}.{uuid.uuid4().hex}"
            try:
                with _opened(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, folder) as descriptor:
                    os.fchmod(descriptor, stat.S_IMODE(os.fstat(old).st_mode))
                    _write(descriptor, content)
                os.replace(scratch, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(scratch, dir_fd=folder)
                raise

    def entries(self, path: str, most: int | None = None) -> list[FolderEntry]:
        """The entries of a folder, sorted by name; if there are more than `most`, any of them."""
        with (
            self._parent(path) as (holder, name),
            _opened(name, _FOLDER, holder) as folder,
            os.scandir(folder) as found,
        ):
            entries = (entry for item in islice(found, most) if (entry := _entry(item)))
            return sorted(entries, key=lambda entry: entry.name)

    def files(self, path: str, without: frozenset[str] = frozenset()) -> Iterator[FoundFile]:
        """The file at a path, or every file below it, except in folders whose name is in `without`."""
        with self._parent(path) as (holder, name):
            given = self._components(path)
            if not stat.S_ISDIR(os.stat(name, dir_fd=holder, follow_symlinks=False).st_mode):
                yield FoundFile("/" + "/".join(given), name, holder)
                return
            with _opened(name, _FOLDER, holder) as folder:
                yield from _walk(folder, "".join(f"/{component}" for component in given), without, MAX_DEPTH)

    @contextmanager
    def _file(self, path: str) -> Iterator[int]:
        """A regular file, open for reading."""
        with self._parent(path) as (folder, name), _opened(name, _FILE, folder) as descriptor:
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISDIR(mode):
                raise StigmerError(f"{path} is a folder")
            if not stat.S_ISREG(mode):
                raise StigmerError(f"{path} is not a plain file")
            yield descriptor

    @contextmanager
    def _parent(self, path: str, make_folders: bool = False) -> Iterator[tuple[int, str]]:
        """The open parent folder of a path, and the last component, which is not a link; `.` for the root."""
        remaining = self._components(path)[::-1]
        links = 0
        with _as_stigmer_errors(path), ExitStack() as opened:
            folders = [opened.enter_context(_opened(str(self.root), _FOLDER))]
            while remaining:
                name = remaining.pop()
                if name == "..":
                    folders.pop()
                elif (target := _link_target(name, folders[-1])) is not None:
                    links += 1
                    remaining.extend(self._inside(target)[::-1])
                    if target.startswith("/"):
                        del folders[1:]
                elif not remaining:
                    yield folders[-1], name
                    return
                else:
                    if make_folders:
                        with suppress(FileExistsError):
                            os.mkdir(name, dir_fd=folders[-1])
                    folders.append(opened.enter_context(_opened(name, _FOLDER, folders[-1])))
                if not folders or links > MAX_LINKS or len(folders) > MAX_DEPTH:
                    raise StigmerError(f"{path} leads out of the working folder, or too deep into it")
            yield folders[-1], "."

    def _components(self, path: str) -> list[str]:
        """The components of a path. Raises StigmerError for one that is not valid."""
        is_of_host = f"{path}/".startswith(f"{self.root}/")
        components = self._inside(path) if is_of_host else _split(path)
        if ".." in components or path.startswith("~") or "\0" in path:
            raise StigmerError(f"{path!r} is not a path in the working folder: paths start with /, without .. and ~")
        return components

    def _inside(self, target: str) -> list[str]:
        """The components, relative to the root, of a link's target or of an absolute path of the machine."""
        if not target.startswith("/"):
            return _split(target)
        root = _split(str(self.root))
        components = _split(target)
        if components[: len(root)] != root:
            raise StigmerError(f"a link leads out of the working folder, to {target}")
        return components[len(root) :]


def _split(path: str) -> list[str]:
    return [component for component in path.split("/") if component not in ("", ".")]


def _link_target(name: str, folder: int) -> str | None:
    try:
        return os.readlink(name, dir_fd=folder)
    except OSError:
        return None


@contextmanager
def _opened(name: str, flags: int, folder: int | None = None) -> Iterator[int]:
    descriptor = os.open(name, flags, mode=0o666, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write(descriptor: int, content: bytes) -> None:
    with open(descriptor, "wb", closefd=False) as file:
        file.write(content)


def _walk(folder: int, path: str, without: frozenset[str], deepest: int) -> Iterator[FoundFile]:
    """Every file below an open folder, one folder after another. Folders that cannot be opened are skipped."""
    files, folders = [], []
    with os.scandir(folder) as found:
        for item in found:
            checkpoint()
            if item.is_dir():
                folders.extend([] if item.is_symlink() else [item.name])
            else:
                files.append(item.name)
    for name in sorted(files):
        yield FoundFile(f"{path}/{name}", name, folder)
    for name in sorted(set(folders) - without) if deepest else ():
        with suppress(OSError), _opened(name, _FOLDER, folder) as inner:
            yield from _walk(inner, f"{path}/{name}", without, deepest - 1)


def _entry(item: os.DirEntry[str]) -> FolderEntry | None:
    """The entry; None if it has been removed meanwhile."""
    checkpoint()
    is_folder = item.is_dir(follow_symlinks=False)
    try:
        return FolderEntry(item.name, is_folder, 0 if is_folder else item.stat(follow_symlinks=False).st_size)
    except FileNotFoundError:
        return None


@contextmanager
def _as_stigmer_errors(path: str) -> Iterator[None]:
    """Turns errors of the system into StigmerError with the path."""
    try:
        yield
    except FileNotFoundError as error:
        raise StigmerError(f"{path} does not exist") from error
    except FileExistsError as error:
        raise StigmerError(f"{path} exists already") from error
    except NotADirectoryError as error:
        raise StigmerError(f"{path} is not a folder, or leads through something that is none") from error
    except IsADirectoryError as error:
        raise StigmerError(f"{path} is a folder") from error
    except OSError as error:
        raise StigmerError(f"{path}: {error.strerror}") from error
