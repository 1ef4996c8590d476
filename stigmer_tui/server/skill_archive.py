"""The ZIP file of a skill, checked before anything is kept (`docs/compatibility.md` 125)."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass

from stigmer_tui.server.errors import invalid

MEBIBYTE = 1024 * 1024
MAX_SIZE = 100 * MEBIBYTE
MAX_UNPACKED_SIZE = 500 * MEBIBYTE
MAX_ENTRIES = 10_000
MAX_RATIO = 100
MAX_SKILL_MD_SIZE = MEBIBYTE


@dataclass(frozen=True, slots=True)
class Archive:
    hash: str
    """SHA-256 of the file, in lower-case hex."""
    skill_md: str


def read_archive(data: bytes) -> Archive:
    """Raises Refusal INVALID_ARGUMENT that says what is wrong with it."""
    if len(data) > MAX_SIZE:
        raise invalid(f"artifact: larger than {MAX_SIZE // MEBIBYTE} MiB")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_entries(archive.infolist())
            skill_md = _skill_md(archive)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise invalid(f"artifact: not a usable ZIP file: {error}") from error
    return Archive(hashlib.sha256(data).hexdigest(), skill_md)


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_ENTRIES:
        raise invalid(f"artifact: more than {MAX_ENTRIES} entries")
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED_SIZE:
        raise invalid(f"artifact: unpacks to more than {MAX_UNPACKED_SIZE // MEBIBYTE} MiB")
    for entry in entries:
        if any(ord(character) < 32 for character in entry.filename):
            raise invalid(f"artifact: the name {entry.filename!r} has control characters")
        if entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
            raise invalid(f"artifact: {entry.filename} is compressed by more than {MAX_RATIO}:1")


def _skill_md(archive: zipfile.ZipFile) -> str:
    try:
        entry = archive.getinfo("SKILL.md")
    except KeyError:
        raise invalid("artifact: SKILL.md is missing at the root of the ZIP file") from None
    if not 0 < entry.file_size <= MAX_SKILL_MD_SIZE:
        raise invalid("artifact: SKILL.md must have between 1 byte and 1 MiB")
    try:
        return archive.read(entry).decode()
    except UnicodeDecodeError as error:
        raise invalid(f"artifact: SKILL.md is not UTF-8: {error}") from error
