"""The skills of a run as files: unpacked for this run alone, so that runs with different versions never mix."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from stigmer_tui.agents.sandbox.folder import Folder, FolderEntry, FoundFile
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.private_files import make_private_folders
from stigmer_tui.definition.skill_archive import SkillFile

SKILLS = "skills"
"""The folder in the working folder under which agents see them."""


@dataclass(frozen=True, slots=True)
class RunSkill:
    """A skill, as the instructions of an agent list it."""

    name: str
    description: str
    files: tuple[SkillFile, ...]


@dataclass(frozen=True, slots=True)
class SkillFiles:
    """The skills of a run, and the folder that holds them below `skills`."""

    folder: Folder
    skills: tuple[RunSkill, ...]

    @property
    def root(self) -> Path:
        """What agents call /skills."""
        return self.folder.root / SKILLS


@asynccontextmanager
async def unpacked(skills: Sequence[RunSkill], place: Path) -> AsyncIterator[SkillFiles | None]:
    """Files that are there as long as the block, in a folder that nothing else uses; None without skills.

    Raises StigmerError where there is no room for them.
    """
    if not skills:
        yield None
        return
    try:
        await asyncio.to_thread(_unpack, skills, place)
        yield SkillFiles(Folder(place), tuple(skills))
    finally:
        # Not to be interrupted: nobody would remove the rest.
        await asyncio.shield(asyncio.to_thread(remove_folder, place))


def remove_folder(folder: Path) -> None:
    """Removes read-only files too; what cannot be removed stays."""
    for path, _, _ in os.walk(folder):
        with suppress(OSError):
            Path(path).chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _unpack(skills: Iterable[RunSkill], place: Path) -> None:
    # A run that was cut off may have left it.
    remove_folder(place)
    make_private_folders([place / SKILLS])
    for skill in skills:
        own = place / SKILLS / skill.name
        try:
            for file in skill.files:
                path = own / file.path
                path.parent.mkdir(parents=True, exist_ok=True)
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
                with os.fdopen(os.open(path, flags, 0o600), "wb") as written:
                    written.write(file.content)
                    os.fchmod(written.fileno(), 0o555 if file.is_executable else 0o444)
        except OSError as error:
            raise StigmerError(f"The skill {skill.name} cannot be unpacked: {error.strerror}") from error
    for folder, _, _ in os.walk(place / SKILLS, topdown=False):
        Path(folder).chmod(0o555)


class FolderWithSkills(Folder):
    """A working folder, with skills under /skills, which cannot be changed and hide a folder of that name."""

    def __init__(self, own: Folder, files: SkillFiles) -> None:
        super().__init__(own.root)
        self._skills = files.folder

    def read(self, path: str, most: int) -> bytes:
        return self._skills.read(path, most) if self._is_in_skills(path) else super().read(path, most)

    def create(self, path: str, content: bytes) -> None:
        self._refuse_change(path)
        super().create(path, content)

    def replace(self, path: str, content: bytes) -> None:
        self._refuse_change(path)
        super().replace(path, content)

    def entries(self, path: str, most: int | None = None) -> list[FolderEntry]:
        if self._is_in_skills(path):
            return self._skills.entries(path, most)
        found = super().entries(path, most)
        if self._components(path):
            return found
        others = [entry for entry in found if entry.name != SKILLS]
        return sorted([*others, FolderEntry(SKILLS, True, 0)], key=lambda entry: entry.name)

    def files(self, path: str, without: frozenset[str] = frozenset()) -> Iterator[FoundFile]:
        if self._is_in_skills(path):
            yield from self._skills.files(path, without)
            return
        is_root = not self._components(path)
        for file in super().files(path, without):
            if not (is_root and file.path.startswith(f"/{SKILLS}/")):
                yield file
        if is_root:
            yield from self._skills.files(f"/{SKILLS}", without)

    def _refuse_change(self, path: str) -> None:
        if self._is_in_skills(path):
            raise StigmerError(f"{path} belongs to a skill, and skills cannot be changed; write to another folder")

    def _is_in_skills(self, path: str) -> bool:
        if f"{path}/".startswith(f"{self._skills.root}/"):
            return True
        components = [component for component in path.split("/") if component not in ("", ".")]
        return components[:1] == [SKILLS]


_NAMED = re.compile(rf"(?<![\w./~}}-])/{SKILLS}(?![\w.-])")
_PLAIN = re.compile(r"[\w./@%+,:-]+")


def with_real_paths(command: str, skills: Path) -> str:
    """A shell command that finds /skills at its place on the machine, for where it cannot be mounted.

    Raises StigmerError for a place that a shell would not read as one word.
    """
    if not _NAMED.search(command):
        return command
    if not _PLAIN.fullmatch(str(skills)):
        raise StigmerError(f"commands cannot name /{SKILLS} here: {skills} has blanks or signs that a shell reads")
    return _NAMED.sub(lambda match: str(skills), command)
