"""The folder of a skill as a ZIP file: what is in it, what its version depends on, and what is refused."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from stigmer_tui.api.skill_pb2 import Skill
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.extensions import SKILL_FOLDER
from stigmer_tui.definition.skill_archive import version_of, with_text
from stigmer_tui.definition.skill_text import description_of
from stigmer_tui.project.skill_folder import archive_of, pack

TEXT = "---\nname: review\ndescription: Reviews texts.\n---\n# Review\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "review"
    (made / "scripts").mkdir(parents=True)
    (made / "SKILL.md").write_text(TEXT)
    (made / "scripts" / "count.sh").write_text("#!/bin/sh\n")
    (made / "scripts" / "count.sh").chmod(0o755)
    return made


def modes(archive: bytes) -> dict[str, int]:
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return {entry.filename: entry.external_attr >> 16 & 0o777 for entry in file.infolist()}


def test_files_keep_whether_they_can_be_run(folder: Path) -> None:
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_bytes(b"\0")
    assert modes(pack(folder)) == {"SKILL.md": 0o644, "scripts/count.sh": 0o755}


def test_files_of_variables_are_not_pushed(folder: Path) -> None:
    for name in (".env", ".env.local", "scripts/.env"):
        (folder / name).write_text("API_KEY=secret")
    (folder / ".environment.md").write_text("Not one of them")
    assert list(modes(pack(folder))) == [".environment.md", "SKILL.md", "scripts/count.sh"]


def test_the_version_is_that_of_the_content(folder: Path) -> None:
    before = version_of(pack(folder))
    os.utime(folder / "SKILL.md", (1, 1))
    assert version_of(pack(folder)) == before
    (folder / "scripts" / "count.sh").chmod(0o644)
    assert version_of(pack(folder)) != before


def test_another_text_keeps_the_other_files(folder: Path) -> None:
    changed = with_text(pack(folder), "# Anew\n")
    assert modes(changed) == {"SKILL.md": 0o644, "scripts/count.sh": 0o755}
    with zipfile.ZipFile(io.BytesIO(changed)) as file:
        assert file.read("SKILL.md") == b"# Anew\n"
    assert with_text(pack(folder), TEXT) == pack(folder)


def test_a_skill_without_a_folder_is_its_text() -> None:
    skill = Skill()
    skill.spec.skill_md = "# Tea"
    assert modes(archive_of(skill)) == {"SKILL.md": 0o644}


def test_a_skill_of_a_folder(folder: Path) -> None:
    skill = Skill()
    skill.metadata.annotations[SKILL_FOLDER] = str(folder)
    assert archive_of(skill) == pack(folder)


@pytest.mark.parametrize(
    ("text", "problem"),
    {
        "": "does not say what the skill is for",
        "---\n- a\n---\nx": "SKILL.md:2 must hold keys",
        "---\ndescription: [\n---\nx": "SKILL.md:3",
    }.items(),
)
def test_a_text_that_says_nothing(folder: Path, text: str, problem: str) -> None:
    (folder / "SKILL.md").write_text(text)
    with pytest.raises(StigmerError, match=problem):
        pack(folder)


def test_what_is_no_skill(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(StigmerError, match="There is no folder"):
        pack(tmp_path / "nothing")
    (tmp_path / "secret.txt").write_text("hush")
    (folder / "notes.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(StigmerError, match="leads out of the folder of the skill"):
        pack(folder)
    (folder / "SKILL.md").unlink()
    with pytest.raises(StigmerError, match=r"has no SKILL\.md"):
        pack(folder)


@pytest.mark.parametrize(
    ("text", "description"),
    {
        TEXT: "Reviews texts.",
        "# Review\n\nReviews\ntexts.\n\nMore.": "Reviews texts.",
        "---\nname: x\n---\n\nBelow.": "Below.",
        "---\nno end": "--- no end",
        TEXT.replace("\n", "\r\n"): "Reviews texts.",
    }.items(),
)
def test_what_a_skill_is_for(text: str, description: str) -> None:
    assert description_of(text) == description
