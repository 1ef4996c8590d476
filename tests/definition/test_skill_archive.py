"""Archives of skills: what is read from them, and what is refused."""

from __future__ import annotations

import io
import stat
import zipfile

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition import skill_archive
from stigmer_tui.definition.skill_archive import files_of, skill_md_of


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for entry, content in entries:
            archive.writestr(entry, content)
    return buffer.getvalue()


def link() -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("link")
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return entry


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("../outside", "leads out of the skill"),
        ("a/../../outside", "leads out of the skill"),
        ("a//b", "leads out of the skill"),
        ("./a", "leads out of the skill"),
        ("..", "leads out of the skill"),
        ("/etc/passwd", "is not a path in the skill"),
        ("C:/windows", "is not a path in the skill"),
        ("a\\..\\b", "is not a path in the skill"),
        ("a\nb", "has control characters"),
        ("/".join("a" * 30), "lies in more than 20 folders"),
        ("SKILL.md/a", "SKILL.md is a file and a folder"),
        (link(), "is a link or a device"),
    ],
)
def test_entries_that_lead_elsewhere_are_refused(entry: str | zipfile.ZipInfo, problem: str) -> None:
    data = zipped(("SKILL.md", b"# A"), (entry, b"x"))
    with pytest.raises(StigmerError, match=problem):
        skill_md_of(data)
    with pytest.raises(StigmerError, match=problem):
        list(files_of(data))


def test_a_path_stands_for_one_file() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        data = zipped(("SKILL.md", b"# A"), ("SKILL.md", b"# B"))
    with pytest.raises(StigmerError, match=r"SKILL.md is there twice"):
        skill_md_of(data)


def test_bombs_and_broken_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zipped(("SKILL.md", b"# A"), ("zeros", b"\0" * 1_000_000), method=zipfile.ZIP_DEFLATED)
    with pytest.raises(StigmerError, match="zeros is compressed by more than 100:1"):
        skill_md_of(bomb)
    with pytest.raises(StigmerError, match="not a usable ZIP file"):
        skill_md_of(b"PK\x03\x04 and no more")
    whole = zipped(("SKILL.md", b"# A text that is long enough to be broken"))
    broken = whole.replace(b"long enough", b"long_enough", 1)
    with pytest.raises(StigmerError, match="not a usable ZIP file: Bad CRC"):
        skill_md_of(broken)
    with pytest.raises(StigmerError, match=r"SKILL.md is missing"):
        skill_md_of(zipped(("docs/SKILL.md", b"# A")))
    monkeypatch.setattr(skill_archive, "MAX_ENTRIES", 1)
    with pytest.raises(StigmerError, match="more than 1 entries"):
        skill_md_of(zipped(("SKILL.md", b"# A"), ("b", b"x")))


def test_scripts_of_archives_without_modes_are_those_that_name_their_program() -> None:
    data = zipped(*((name, content) for name, content in (("SKILL.md", b"# A"), ("a.sh", b"#!/bin/sh\n"))))
    made_elsewhere = bytearray(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.getinfo("a.sh").create_system == 3
    for at in [i for i in range(len(data)) if data.startswith(b"PK\x01\x02", i)]:
        made_elsewhere[at + 5] = 0  # By DOS, whose files have no modes.
    found = {file.path: file.is_executable for file in files_of(bytes(made_elsewhere))}
    assert found == {"SKILL.md": False, "a.sh": True}
