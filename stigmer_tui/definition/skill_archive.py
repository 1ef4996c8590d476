"""Archives of skills: ZIP files that are checked before anything is read from them (`docs/compatibility.md` 125).

Those that are packed here have no times: the same content is the same file, so its hash is a version.
"""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.skill_text import FILE as SKILL_MD

MEBIBYTE = 1024 * 1024
MAX_SIZE = 100 * MEBIBYTE
MAX_UNPACKED_SIZE = 500 * MEBIBYTE
MAX_ENTRIES = 10_000
MAX_RATIO = 100
MAX_SKILL_MD_SIZE = MEBIBYTE
MAX_DEPTH = 20
"""Folders in each other."""

EXECUTABLE = 0o111
PLAIN, RUNNABLE = 0o100644, 0o100755


@dataclass(frozen=True, slots=True)
class SkillFile:
    """A file of a skill."""

    path: str
    """Relative to the skill, with slashes."""
    content: bytes
    is_executable: bool = False


def version_of(archive: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(archive).hexdigest()


def pack_files(files: Iterable[SkillFile]) -> bytes:
    """An archive of these files, in their order."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as opened:
        for file in files:
            # Without a time of its own.
            entry = zipfile.ZipInfo(file.path)
            entry.external_attr = (RUNNABLE if file.is_executable else PLAIN) << 16
            opened.writestr(entry, file.content)
    return archive.getvalue()


def with_text(archive: bytes, skill_md: str) -> bytes:
    """The same with another SKILL.md. Raises StigmerError for an archive that may not be unpacked."""
    others = [file for file in files_of(archive) if file.path != SKILL_MD]
    return pack_files(sorted([SkillFile(SKILL_MD, skill_md.encode()), *others], key=lambda file: file.path))


def skill_md_of(archive: bytes) -> str:
    """The text of SKILL.md in an archive that may be unpacked. Raises StigmerError with what is wrong."""
    with _opened(archive) as opened:
        return _skill_md(opened)


def files_of(archive: bytes) -> Iterator[SkillFile]:
    """Every file, none of which lies outside of the skill. Raises StigmerError with what is wrong."""
    with _opened(archive) as opened:
        for entry in opened.infolist():
            if entry.is_dir():
                continue
            try:
                content = opened.read(entry)
            except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
                raise _unusable(error) from error
            yield SkillFile(entry.filename, content, _is_executable(entry, content))


def _opened(archive: bytes) -> zipfile.ZipFile:
    if len(archive) > MAX_SIZE:
        raise StigmerError(f"larger than {MAX_SIZE // MEBIBYTE} MiB")
    try:
        opened = zipfile.ZipFile(io.BytesIO(archive))
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError) as error:
        raise _unusable(error) from error
    _check_entries(opened.infolist())
    return opened


def _unusable(error: Exception) -> StigmerError:
    return StigmerError(f"not a usable ZIP file: {error}")


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_ENTRIES:
        raise StigmerError(f"more than {MAX_ENTRIES} entries")
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED_SIZE:
        raise StigmerError(f"unpacks to more than {MAX_UNPACKED_SIZE // MEBIBYTE} MiB")
    for entry in entries:
        if problem := _entry_problem(entry):
            raise StigmerError(problem)
    _check_collisions([entry for entry in entries if not entry.is_dir()])


def _entry_problem(entry: zipfile.ZipInfo) -> str:
    # ZipInfo cuts names at a NUL, and puts slashes in place of backslashes on some systems.
    name = entry.orig_filename
    if any(ord(character) < 32 or ord(character) == 127 for character in name):
        return f"the name {name!r} has control characters"
    if "\\" in name or name.startswith("/") or name[1:2] == ":":
        return f"{name!r} is not a path in the skill: it is relative, with slashes"
    components = name.removesuffix("/").split("/")
    if any(component in ("", ".", "..") for component in components):
        return f"{name!r} leads out of the skill, or has components that mean nothing"
    if len(components) > MAX_DEPTH:
        return f"{name!r} lies in more than {MAX_DEPTH} folders"
    mode = entry.external_attr >> 16 if entry.create_system == 3 else 0
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return f"{name!r} is a link or a device, and not a file"
    if entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
        return f"{name} is compressed by more than {MAX_RATIO}:1"
    return ""


def _check_collisions(files: list[zipfile.ZipInfo]) -> None:
    """A path stands for one file, and a file is no folder."""
    paths: set[str] = set()
    for entry in files:
        if entry.filename in paths:
            raise StigmerError(f"{entry.filename} is there twice")
        paths.add(entry.filename)
    for path in paths:
        for folder in PurePosixPath(path).parents:
            if str(folder) in paths:
                raise StigmerError(f"{folder} is a file and a folder")


def _skill_md(archive: zipfile.ZipFile) -> str:
    try:
        entry = archive.getinfo(SKILL_MD)
    except KeyError:
        raise StigmerError(f"{SKILL_MD} is missing at the root of the ZIP file") from None
    if not 0 < entry.file_size <= MAX_SKILL_MD_SIZE:
        raise StigmerError(f"{SKILL_MD} must have between 1 byte and 1 MiB")
    try:
        return archive.read(entry).decode()
    except UnicodeDecodeError as error:
        raise StigmerError(f"{SKILL_MD} is not UTF-8: {error}") from error
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise _unusable(error) from error


def _is_executable(entry: zipfile.ZipInfo, content: bytes) -> bool:
    """By its mode; archives that have none, as those of existing clients, are of scripts that name their program."""
    mode = entry.external_attr >> 16 if entry.create_system == 3 else 0
    return bool(mode & EXECUTABLE) if mode else content.startswith(b"#!")
