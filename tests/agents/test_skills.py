"""Skills in the working folder of an agent: what is placed, what is refused, and that nothing of it can be changed."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from stigmer_tui.agents.sandbox.folder import Folder
from stigmer_tui.agents.skills import PlacedSkill, _Files, _place, skills_of, skills_text
from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.project.skill_archive import PLAIN, RUNNABLE, pack_files

REVIEW = PlacedSkill("review", "Reviews texts.", "1")
FILES = pack_files([("SKILL.md", b"# Review", PLAIN), ("scripts/count.sh", b"#!/bin/sh", RUNNABLE)])


def placed(root: Path, archive: bytes = FILES) -> Folder:
    folder = Folder(root)
    _place([_Files(REVIEW, archive, "# Review")], folder)
    return folder


def test_the_files_stand_in_the_working_folder(tmp_path: Path) -> None:
    folder = placed(tmp_path)
    assert folder.read("/skills/review/SKILL.md", 99) == b"# Review"
    script = tmp_path / "skills" / "review" / "scripts" / "count.sh"
    assert (script.stat().st_mode & 0o777, os.access(script, os.X_OK)) == (0o555, True)


def test_a_skill_that_is_its_text(tmp_path: Path) -> None:
    assert placed(tmp_path, b"").read("/skills/review/SKILL.md", 99) == b"# Review"


@pytest.mark.parametrize("path", ["/skills/review/SKILL.md", "/skills/review/scripts/count.sh", "/link/SKILL.md"])
def test_nothing_of_it_is_changed(tmp_path: Path, path: str) -> None:
    folder = placed(tmp_path)
    (tmp_path / "link").symlink_to("skills/review")
    with pytest.raises(StigmerError, match="can be read, but not changed"):
        folder.replace(path, b"x")
    with pytest.raises(StigmerError, match="can be read, but not changed"):
        folder.create(f"{path}.new", b"x")
    with pytest.raises(StigmerError, match="can be read, but not changed"):
        folder.create("/skills/other", b"x")
    folder.create("/elsewhere.txt", b"x")


def test_a_new_version_takes_the_place_of_the_old_one_and_of_what_a_command_left(tmp_path: Path) -> None:
    placed(tmp_path)
    (tmp_path / "skills" / "review" / "left.txt").write_text("left")
    placed(tmp_path, pack_files([("SKILL.md", b"# Anew", PLAIN)]))
    assert [path.name for path in (tmp_path / "skills" / "review").iterdir()] == ["SKILL.md"]


def test_a_link_in_its_place_leads_nowhere(tmp_path: Path) -> None:
    """An agent could have made one, so that the runner writes elsewhere."""
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    root.mkdir()
    (root / "skills").symlink_to(outside)
    with pytest.raises(StigmerError, match="leads out of the working folder"):
        placed(root)
    assert list(outside.iterdir()) == []


def archive_with(name: str, mode: int = PLAIN) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = mode << 16
        file.writestr(entry, "/etc/passwd")
    return data.getvalue()


@pytest.mark.parametrize(
    "archive",
    [
        archive_with("../x"),
        archive_with("/x"),
        archive_with("a/../../x"),
        archive_with("a\\x"),
        archive_with("x", 0o120777),
    ],
    ids=["parent", "absolute", "in between", "backslash", "link"],
)
def test_what_leaves_its_folder_is_refused(tmp_path: Path, archive: bytes) -> None:
    with pytest.raises(StigmerError, match="is no plain file of it"):
        placed(tmp_path, archive)


def test_those_of_sub_agents_count_and_two_versions_of_one_are_refused() -> None:
    agent = Agent()
    agent.metadata.name = "critic"
    agent.spec.skill_refs.add(slug="review")
    part = agent.spec.sub_agents.add(name="reader")
    part.skill_refs.add(slug="reading")
    assert [reference.slug for reference in skills_of(agent)] == ["review", "reading"]
    part.skill_refs.add(slug="review", version="old")
    with pytest.raises(StigmerError, match="two versions of the skill review: 'latest' and 'old'"):
        skills_of(agent)


def test_the_model_gets_names_and_descriptions() -> None:
    text = skills_text([REVIEW])
    assert "- review: Reviews texts.\n  Read /skills/review/SKILL.md first." in text
    assert skills_text([]) == ""
