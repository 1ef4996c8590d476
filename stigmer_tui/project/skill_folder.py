"""Packs the folder of a skill into an archive; files of variables, caches and repositories are left out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from stigmer_tui.api.skill_pb2 import Skill
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.units import size_text
from stigmer_tui.definition import extensions
from stigmer_tui.definition.skill_archive import SkillFile, pack_files
from stigmer_tui.definition.skill_text import FILE, description_of

IGNORED = frozenset({".git", ".venv", "__pycache__", "node_modules", ".DS_Store"})
VARIABLES = ".env"
"""Files of this name, and those with another ending behind it, hold secrets, and stay where they are."""
MAX_SIZE = 100_000_000
"""Bytes of all files, what a server takes."""
MAX_FILES = 10_000


def archive_of(skill: Skill) -> bytes:
    """Of its folder, or of its SKILL.md alone where it names none. Raises StigmerError for what cannot be a skill."""
    folder = skill.metadata.annotations.get(extensions.SKILL_FOLDER, "")
    return pack(Path(folder)) if folder else pack_files([SkillFile(FILE, skill.spec.skill_md.encode())])


def pack(folder: Path) -> bytes:
    """Raises StigmerError for a folder that is no skill, or too large."""
    if not folder.is_dir():
        raise StigmerError(f"There is no folder {folder}", f"A skill is a folder with a {FILE}.")
    if not (folder / FILE).is_file():
        raise StigmerError(f"{folder} has no {FILE}", "It says what the skill is for, and how it is done.")
    _check_text(folder / FILE)
    return pack_files(_files(folder))


def _check_text(path: Path) -> None:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise StigmerError(f"{path} is not UTF-8 text: {error.reason}") from error
    try:
        description = description_of(text)
    except StigmerError as error:
        raise StigmerError(f"{path.parent}/{error.message}", error.advice) from error
    if not description:
        raise StigmerError(f"{path} does not say what the skill is for", "Begin with: ---, description: …, ---")


def _files(folder: Path) -> Iterator[SkillFile]:
    size = 0
    for number, path in enumerate(sorted(_paths(folder))):
        if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            raise StigmerError(f"{path} leads out of the folder of the skill", "Put a copy in its place.")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise StigmerError(f"{path} cannot be read: {error.strerror}") from error
        size += len(content)
        if size > MAX_SIZE or number >= MAX_FILES:
            advice = f"{size_text(MAX_SIZE)} and {MAX_FILES} files fit."
            raise StigmerError(f"{folder} is too large for a skill", advice)
        yield SkillFile(path.relative_to(folder).as_posix(), content, is_executable=os.access(path, os.X_OK))


def _paths(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in IGNORED]
        for name in names:
            path = Path(root, name)
            is_left_out = name in IGNORED or name.endswith(".pyc") or f"{name}.".startswith(f"{VARIABLES}.")
            if not is_left_out and path.is_file():
                yield path
