"""The ZIP file of a skill, checked before anything is kept (`docs/compatibility.md` 125)."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass

from stigmer_tui.server.errors import invalid

MEBIBYTE = 1024 * 1024
MOST_BYTES = 100 * MEBIBYTE
MOST_UNPACKED = 500 * MEBIBYTE
MOST_ENTRIES = 10_000
MOST_RATIO = 100
LONGEST_SKILL_MD = MEBIBYTE


@dataclass(frozen=True, slots=True)
class Archive:
    hash: str
    """SHA-256 of the file, in lower-case hex."""
    skill_md: str


def read_archive(data: bytes) -> Archive:
    """Raises Refusal INVALID_ARGUMENT that says what is wrong with it."""
    if len(data) > MOST_BYTES:
        raise invalid(f"artifact: larger than {MOST_BYTES // MEBIBYTE} MiB")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_entries(archive.infolist())
            skill_md = _skill_md(archive)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise invalid(f"artifact: not a usable ZIP file: {error}") from error
    return Archive(hashlib.sha256(data).hexdigest(), skill_md)


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_ENTRIES:
        raise invalid(f"artifact: more than {MOST_ENTRIES} entries")
    if sum(entry.file_size for entry in entries) > MOST_UNPACKED:
        raise invalid(f"artifact: unpacks to more than {MOST_UNPACKED // MEBIBYTE} MiB")
    for entry in entries:
        if any(ord(character) < 32 for character in entry.filename):
            raise invalid(f"artifact: the name {entry.filename!r} has control characters")
        if entry.file_size > MOST_RATIO * max(entry.compress_size, 1):
            raise invalid(f"artifact: {entry.filename} is compressed by more than {MOST_RATIO}:1")


def _skill_md(archive: zipfile.ZipFile) -> str:
    try:
        entry = archive.getinfo("SKILL.md")
    except KeyError:
        raise invalid("artifact: SKILL.md is missing at the root of the ZIP file") from None
    if not 0 < entry.file_size <= LONGEST_SKILL_MD:
        raise invalid("artifact: SKILL.md must have between 1 byte and 1 MiB")
    try:
        return archive.read(entry).decode()
    except UnicodeDecodeError as error:
        raise invalid(f"artifact: SKILL.md is not UTF-8: {error}") from error
