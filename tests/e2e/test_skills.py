"""An agent with a skill, from its folder to a script of it that runs; and its sub-agent, with one of its own."""

from __future__ import annotations

from tests.e2e.world import World

CODE = """
from stigmer_tui.sdk import Agent, Skill, SubAgent

reader = SubAgent("reader", instructions="Read what you are given.", skills=[Skill("skills/reading")])
Agent(
    "critic",
    instructions="Review what you are given.",
    skills=[Skill("skills/review", tag="v1")],
    sub_agents=[reader],
    script="critic.yaml",
)
"""

SCRIPT = """
delay: 0
turns:
  - call: {read_file: {file_path: /skills/review/SKILL.md}}
  - call: {edit_file: {file_path: /skills/review/SKILL.md, old_string: "# Review", new_string: "# X"}}
  - call: {execute: {command: "/skills/review/count.sh /skills/review/SKILL.md"}}
  - call: {task: {subagent_type: reader, description: "Read"}}
  - say: "{{execute}} and {{task}}"
sub_agents:
  reader:
    turns:
      - call: {read_file: {file_path: /skills/reading/SKILL.md}}
      - say: "{{result}}"
"""


def test_a_skill_is_pushed_read_and_run(world: World) -> None:
    project = world.project(CODE)
    (project / "critic.yaml").write_text(SCRIPT, encoding="utf-8")
    for name, text in {"review": "# Review\n\nReviews texts.\n", "reading": "# Reading\n\nReads.\n"}.items():
        (project / "skills" / name).mkdir(parents=True)
        (project / "skills" / name / "SKILL.md").write_text(text, encoding="utf-8")
    script = project / "skills" / "review" / "count.sh"
    script.write_text('#!/bin/sh\nwc -w < "$1"\n', encoding="utf-8")
    script.chmod(0o755)

    ran = world.run("run", "critic", "--message", "Go", "--output", "json", cwd=project)
    assert ran.code == 0, ran.err
    assert ran.events[-1]["output"].split() == ["4", "and", "#", "Reading", "Reads."]
    shown = world.run("execution", "show", ran.events[-1]["execution_id"], "--request", "1").out
    assert "review: Reviews texts." in shown
    assert "reading" not in shown
    calls = [event for event in ran.events if event["event"] == "tool_call" and event["state"] == "failed"]
    assert [call["name"] for call in calls] == ["edit_file"]
    assert "skills cannot be changed" in calls[0]["error"]

    assert "3 unchanged" in world.run("apply", cwd=project).out
    script.write_text('#!/bin/sh\necho "$1"\n', encoding="utf-8")
    assert "skill review · updated: content\n  files beside SKILL.md" in world.run("diff", cwd=project).out
    assert "1 updated, 2 unchanged" in world.run("apply", cwd=project).out
    again = world.run("run", "critic", "--message", "Go", "--output", "json", cwd=project)
    assert again.events[-1]["output"].split()[0].endswith("/skills/review/SKILL.md")
    assert list(world.home.run_skills.iterdir()) == []

    pushed = world.run("skill", "push", "skills/review", "--tag", "v2", cwd=project)
    assert pushed.out.startswith("✓ Updated the skill review: version ")
    assert world.run("skill", "get", "review@v1", "--output", "name").out == "review\n"
    assert world.run("skill", "list", "--output", "name").out == "reading\nreview\n"
    assert "There is no skill review@v9" in world.run("skill", "get", "review@v9").err
    assert world.run("delete", "skill", "reading", "--yes").code == 0
    without = world.run("run", "critic", "--message", "Go", cwd=project.parent)
    assert "critic cannot run: there is no skill reading" in without.err


def test_a_folder_of_skills_in_the_working_folder_stays_as_it_is(world: World) -> None:
    """The person's own files, among them some that are not pushed."""
    project = world.project(CODE)
    (project / "critic.yaml").write_text("turns: [{say: Done., delay: 0}]", encoding="utf-8")
    for name in ("review", "reading"):
        (project / "skills" / name / ".git").mkdir(parents=True)
        (project / "skills" / name / ".git" / "HEAD").write_text("mine", encoding="utf-8")
        (project / "skills" / name / "SKILL.md").write_text("# Skill\n\nReviews texts.\n", encoding="utf-8")
    before = {path: path.stat() for path in (project / "skills").rglob("*")}
    in_project = World(world.folder, {**world.environment, "SANDBOX_ROOT_DIR": str(project)})
    ran = in_project.run("run", "critic", "--message", "Go", cwd=project)
    assert ran.code == 0, ran.err
    after = {path: path.stat() for path in (project / "skills").rglob("*")}
    assert {path: (at.st_mode, at.st_ino, at.st_mtime_ns) for path, at in after.items()} == {
        path: (at.st_mode, at.st_ino, at.st_mtime_ns) for path, at in before.items()
    }
