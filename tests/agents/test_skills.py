"""Skills of agents: where their files stand, what can be done with them, and what is refused (RUNTIME.md B1, B2)."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest

from stigmer_tui.agents.run import instructions_for
from stigmer_tui.agents.sandbox.confinement import Confinement, find_confinement
from stigmer_tui.agents.sandbox.folder import Folder
from stigmer_tui.agents.sandbox.skill_files import FolderWithSkills, RunSkill, SkillFiles, unpacked, with_real_paths
from stigmer_tui.agents.skills import skills_section
from stigmer_tui.agents.tools.files import FileTools
from stigmer_tui.agents.tools.search import SearchTools
from stigmer_tui.agents.tools.shell import CommandFailed, ShellTool
from stigmer_tui.api.agent_pb2 import AgentSpec, SubAgent
from stigmer_tui.api.api_resource_pb2 import ApiResourceReference
from stigmer_tui.api.phases import Phase
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.extensions import FOLDER
from stigmer_tui.definition.skill_archive import SkillFile
from tests.agents.conftest import Agents, assignment

SCRIPT = b'#!/bin/sh\necho counted $#\ncat "$(dirname "$0")/../data.txt"\n'


def files_of_review(text: str = "# Review\nRead it.\n") -> tuple[SkillFile, ...]:
    return (
        SkillFile("SKILL.md", f"---\nname: review\ndescription: Reviews changes.\n---\n{text}".encode()),
        SkillFile("data.txt", b"from the data\n"),
        SkillFile("image.bin", b"\0\xff"),
        SkillFile("scripts/count.sh", SCRIPT, is_executable=True),
    )


def review() -> RunSkill:
    return RunSkill("review", "Reviews changes.", files_of_review())


def spec(*references: ApiResourceReference, **fields: object) -> AgentSpec:
    return AgentSpec(instructions="Review what you are given.", skill_refs=references, **fields)  # type: ignore[arg-type]


def reference(version: str = "") -> ApiResourceReference:
    return ApiResourceReference(slug="review", version=version)


class Workspace:
    """A working folder with a skill, and the tools on it."""

    def __init__(self, root: Path, files: SkillFiles, confinement: Confinement) -> None:
        root.mkdir()
        own = Folder(root)
        self.own, self.skills = own, files
        self.folder = FolderWithSkills(own, files)
        self.files, self.search = FileTools(self.folder), SearchTools(self.folder)
        environment = {"PATH": os.environ["PATH"], "HOME": str(root)}
        self.shell = ShellTool(own, confinement, environment, f"skills-{os.getpid()}", skills=files)


async def test_skills_are_read_as_other_files_are(tmp_path: Path) -> None:
    async with unpacked([review()], tmp_path / "run") as files:
        assert files is not None
        at = Workspace(tmp_path / "work", files, Confinement())
        at.own.create("/mine.md", b"Read it too\n")
        at.own.create("/skills/hidden.md", b"Read it never\n")
        assert at.files.ls("/").splitlines() == ["mine.md  12 B", "skills/"]
        assert at.files.ls("skills") == "review/"
        assert at.files.ls("/skills/review").splitlines()[-1] == "scripts/"
        assert "\t# Review" in at.files.read_file("/skills/./review//SKILL.md")
        assert "\t# Review" in at.files.read_file(f"{files.root}/review/SKILL.md")
        assert at.search.glob("**/*.md").splitlines() == ["/mine.md", "/skills/review/SKILL.md"]
        assert at.search.glob("*.sh", "/skills/review/scripts") == "/skills/review/scripts/count.sh"
        assert at.search.grep("Read it").splitlines() == ["/mine.md", "/skills/review/SKILL.md"]
        assert at.search.grep("Read it", "/skills", output_mode="content") == "/skills/review/SKILL.md:6: Read it."
        with pytest.raises(StigmerError, match=r"/skills/review/image.bin is not a text file"):
            at.files.read_file("/skills/review/image.bin")
        with pytest.raises(StigmerError, match=r"/skills/other/SKILL.md does not exist"):
            at.files.read_file("/skills/other/SKILL.md")
        with pytest.raises(StigmerError, match="is not a path in the working folder"):
            at.files.read_file("/skills/review/../../../../etc/passwd")
        # A folder whose name only begins alike is an ordinary one.
        at.files.write_file("/skills-of-mine/a.md", "x")
    assert not (tmp_path / "run").exists()


async def test_skills_cannot_be_changed_by_tools_on_files(tmp_path: Path) -> None:
    async with unpacked([review()], tmp_path / "run") as files:
        assert files is not None
        at = Workspace(tmp_path / "work", files, Confinement())
        for path in ("/skills/review/new.md", "/skills/new.md", "skills", f"{files.root}/review/new.md"):
            with pytest.raises(StigmerError, match="belongs to a skill, and skills cannot be changed"):
                at.files.write_file(path, "x")
        with pytest.raises(StigmerError, match="belongs to a skill, and skills cannot be changed"):
            at.files.edit_file("/skills/review/data.txt", "data", "lie")
        assert not (tmp_path / "work" / "skills").exists()


async def test_modes_are_read_only_and_keep_what_is_executable(tmp_path: Path) -> None:
    async with unpacked([review()], tmp_path / "run") as files:
        assert files is not None
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (files.root / "review").rglob("*")}
    assert modes == {"SKILL.md": 0o444, "data.txt": 0o444, "image.bin": 0o444, "scripts": 0o555, "count.sh": 0o555}


async def confinements() -> list[Confinement]:
    found = await find_confinement(Path.cwd())
    return [Confinement(), found] if found.bubblewrap else [Confinement()]


async def test_scripts_run_by_their_paths(tmp_path: Path) -> None:
    """With bubblewrap too, where it is installed."""
    for index, confinement in enumerate(await confinements()):
        async with unpacked([review()], tmp_path / f"run-{index}") as files:
            assert files is not None
            shell = Workspace(tmp_path / f"work-{index}", files, confinement).shell
            assert await shell.execute("/skills/review/scripts/count.sh a b") == (
                "counted 2\nfrom the data\n[exit code 0]"
            )
            assert "counted 0" in await shell.execute("cd /skills/review && ./scripts/count.sh")
            assert "review" in await shell.execute('ls "/skills"; pwd > out.txt')
            assert (tmp_path / f"work-{index}" / "out.txt").exists()


async def test_commands_cannot_change_skills(tmp_path: Path) -> None:
    """Without bubblewrap by the modes of files, which do not hold for the administrator."""
    for index, confinement in enumerate(await confinements()):
        if not confinement.bubblewrap and os.geteuid() == 0:
            continue
        async with unpacked([review()], tmp_path / f"run-{index}") as files:
            assert files is not None
            shell = Workspace(tmp_path / f"work-{index}", files, confinement).shell
            for command in ("echo x > /skills/review/data.txt", "touch /skills/new", "rm -r /skills/review"):
                with pytest.raises(CommandFailed):
                    await shell.execute(command)


def test_bubblewrap_mounts_skills_read_only_where_tools_name_them() -> None:
    arguments = Confinement("/usr/bin/bwrap").shell("ls /skills", Path("/work"), Path("/data/run/skills"))
    at = arguments.index("/data/run/skills")
    assert arguments[at - 1 : at + 2] == ("--ro-bind", "/data/run/skills", "/skills")
    assert arguments[-3:] == ("/bin/sh", "-c", "ls /skills")
    assert "--ro-bind" not in Confinement("/usr/bin/bwrap").shell("ls", Path("/work"))


@pytest.mark.parametrize(
    ("command", "run"),
    [
        ("/skills/a/run.sh", "/d/skills/a/run.sh"),
        ("sh '/skills/a/run.sh' --in=/skills/b;ls /skills", "sh '/d/skills/a/run.sh' --in=/d/skills/b;ls /d/skills"),
        (
            "ls ./skills/a my/skills $HOME/skills ${X}/skills ~/skills",
            "ls ./skills/a my/skills $HOME/skills ${X}/skills ~/skills",
        ),
        ("ls /skills-of-mine /skills.md /skillset", "ls /skills-of-mine /skills.md /skillset"),
    ],
)
def test_paths_of_skills_are_found_in_commands(command: str, run: str) -> None:
    assert with_real_paths(command, Path("/d/skills")) == run


def test_a_place_that_a_shell_would_split_is_refused_instead_of_misread() -> None:
    assert with_real_paths("ls", Path("/a b/skills")) == "ls"
    with pytest.raises(StigmerError, match="/a b/skills has blanks"):
        with_real_paths("ls /skills", Path("/a b/skills"))


async def test_what_a_run_that_was_cut_off_has_left_is_replaced(tmp_path: Path) -> None:
    place = tmp_path / "run" / "skills" / "review"
    place.mkdir(parents=True)
    (place / "SKILL.md").write_text("old", encoding="utf-8")
    place.chmod(0o555)
    async with unpacked([review()], tmp_path / "run") as files:
        assert files is not None
        assert b"# Review" in files.folder.read("/skills/review/SKILL.md", 1000)


def test_the_instructions_list_name_description_and_location_and_not_the_text() -> None:
    skills = [review(), RunSkill("plain", "", ())]
    text = instructions_for("Be brief.", skills=skills)
    assert text.endswith("- review: Reviews changes. (/skills/review/SKILL.md)\n- plain (/skills/plain/SKILL.md)\n")
    assert "Read it." not in text
    assert skills_section([]) == ""
    assert instructions_for("Be brief.") == instructions_for("Be brief.", skills=[])


PLAY = """
turns:
  - call: {read_file: {file_path: /skills/review/SKILL.md}}
  - call: {execute: {command: /skills/review/scripts/count.sh a}}
  - say: "{{read_file}} {{execute}}"
"""


async def test_an_agent_reads_its_skill_and_runs_its_script(agents: Agents) -> None:
    agents.skills["review", "v1"] = files_of_review()
    ledger = await agents.run(assignment(PLAY, agent=spec(reference("v1"))))
    assert (ledger.phase, ledger.status.error) == (Phase.COMPLETED, "")
    assert "Reviews changes." in ledger.answers[-1]
    assert "counted 1\nfrom the data" in ledger.answers[-1]
    assert list(agents.home.run_skills.iterdir()) == []


@pytest.mark.parametrize("version", ["", "v2"])
async def test_a_missing_skill_or_version_is_refused_by_name_before_anything_is_done(
    agents: Agents, version: str
) -> None:
    agents.skills["review", "v1"] = files_of_review()
    ledger = await agents.run(assignment(PLAY, agent=spec(reference(version))))
    assert ledger.phase is Phase.FAILED
    which = f" in version {version}" if version else ""
    assert ledger.status.error == f"helper cannot run: there is no skill review{which}"
    assert ledger.kinds == ["HUMAN"]
    assert not agents.folder.exists()


async def test_two_skills_of_one_name_and_names_that_are_paths_are_refused(agents: Agents) -> None:
    agents.skills["review", "v1"] = agents.skills["review", "v2"] = files_of_review()
    twice = await agents.run(assignment(PLAY, agent=spec(reference("v1"), reference("v2"))))
    assert twice.status.error == "helper cannot run: it has two skills with the name review"
    path = ApiResourceReference(slug="../review")
    named = await agents.run(assignment(PLAY, agent=spec(path), execution_id="agx_path"))
    assert named.status.error == "helper cannot run: '../review' is no name of a skill"


READ = "turns: [{call: {read_file: {file_path: /skills/review/SKILL.md}}}, {say: '{{read_file}}'}]"


async def test_runs_at_the_same_time_have_their_own_versions(agents: Agents) -> None:
    """Also in the same working folder."""
    for version in ("v1", "v2"):
        agents.skills["review", version] = files_of_review(f"# This is {version}\n")
    runs = []
    for version in ("v1", "v2"):
        work = assignment(READ, agent=spec(reference(version)), execution_id=f"agx_{version}")
        work.agent.execution.metadata.annotations[FOLDER] = "shared"
        runs.append(agents.run(work))
    first, second = await asyncio.gather(*runs)
    assert "This is v1" in first.answers[-1]
    assert "This is v2" in second.answers[-1]


TEAM = """
turns:
  - call:
      - task: {subagent_type: finder, description: Find}
      - task: {subagent_type: plain, description: Look}
      - task: {subagent_type: general-purpose, description: Read}
  - call: {read_file: {file_path: /skills/review/SKILL.md}}
  - say: "{{read_file}}"
sub_agents:
  finder:
    turns: [{call: {read_file: {file_path: /skills/review/SKILL.md}}}, {say: "{{read_file}}"}]
  plain:
    turns: [{call: {ls: {path: /}}}, {say: "{{ls}}"}]
  general-purpose:
    turns: [{call: {read_file: {file_path: /skills/review/SKILL.md}}}, {say: "{{read_file}}"}]
"""


async def test_sub_agents_have_skills_of_their_own(agents: Agents) -> None:
    for version in ("v1", "v2"):
        agents.skills["review", version] = files_of_review(f"# This is {version}\n")
    finder = SubAgent(name="finder", instructions="Find the files.", skill_refs=[reference("v2")])
    plain = SubAgent(name="plain", instructions="Look at the files.")
    ledger = await agents.run(assignment(TEAM, agent=spec(reference("v1"), sub_agents=[finder, plain])))
    assert (ledger.phase, ledger.status.error) == (Phase.COMPLETED, "")
    assert "This is v1" in ledger.answers[-1]
    said = [part.answers[-1] for part in agents.parts.values()]
    assert sum("This is v2" in text for text in said) == 1
    assert sum("This is v1" in text for text in said) == 1
    assert sum("is empty" in text for text in said) == 1
