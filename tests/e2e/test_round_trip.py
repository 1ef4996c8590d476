"""Runs of the projects of other tests are exported and played until a word of the code changes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.e2e import projects, test_approvals, test_conversation, test_planted_secrets, test_skills
from tests.e2e.projects import change
from tests.e2e.world import World

SKILLS = {
    "skills/review/SKILL.md": "# Review\n\nReviews texts.\n",
    "skills/reading/SKILL.md": "# Reading\n\nReads.\n",
    "skills/review/count.sh": "#!/bin/sh\necho 4\n",
}

TYPED = """\
from stigmer_tui.sdk import Agent, Workflow

schema = {"type": "object", "properties": {"score": {"type": "integer"}}, "required": ["score"]}
grader = Agent("grader", instructions="Grade what you get.", output=schema, script="grader.yaml")

with Workflow("grade", namespace="shop") as flow:
    verdict = flow.call_agent("ask", grader, message="A text")
    flow.set("result", score=verdict.score)
"""

FILES_OF_BEFORE = """\
messages:
  - - call: { write_file: { file_path: /a.md, content: "Assam" } }
    - say: Written.
  - - call: { read_file: { file_path: /a.md } }
    - say: "It says {{read_file}}"
"""


@dataclass(frozen=True)
class Project:
    code: str
    run: tuple[str, ...]
    word: tuple[str, str]
    """What is changed in the code, and into what."""
    says: str
    """What the test says then."""
    files: Mapping[str, str] = field(default_factory=dict)
    approve: str = ""
    then: str = ""
    """The second message of a conversation."""
    code_of_run: int = 0
    """Exit code."""


HUSH = "secret:TOKEN=hush hush/ü?"

PROJECTS = {
    "workflow": Project(projects.GREETING, ("greet",), ("Hello, Ada", "Hello, Eve"), "output greeting\n"),
    "commands": Project(
        projects.TALKING,
        ("clerk", "--message", "Hi"),
        ("one sentence", "two sentences"),
        "the instructions of clerk have changed",
        {"clerk.yaml": projects.CLERK},
    ),
    "conversation": Project(
        test_conversation.CODE,
        ("clerk", "--message", "Ada"),
        ("one sentence", "one word"),
        "the instructions of clerk have changed",
        {"clerk.yaml": test_conversation.SCRIPT},
        then="gardener",
    ),
    "files of the conversation": Project(
        test_conversation.CODE,
        ("clerk", "--message", "Ada"),
        ("one sentence", "one word"),
        "the instructions of clerk have changed",
        {"clerk.yaml": FILES_OF_BEFORE},
        then="Read it",
    ),
    "approval": Project(
        test_approvals.CODE,
        ("cleaner", "--message", "Go"),
        ("Clean up", "Tidy up"),
        "the instructions of cleaner have changed",
        {"cleaner.yaml": test_approvals.SCRIPT},
        approve="execute",
    ),
    "skills": Project(
        test_skills.CODE,
        ("critic", "--message", "Go"),
        ("Read what", "Tell what"),
        "the instructions of reader have changed",
        {"critic.yaml": test_skills.SCRIPT, **SKILLS},
    ),
    "secrets": Project(
        test_planted_secrets.PROJECT,
        ("whisper", "-e", HUSH),
        ("for me", "for us"),
        "clerk is asked something else",
        {"clerk.yaml": test_planted_secrets.CLERK},
    ),
    "failure": Project(
        test_planted_secrets.PROJECT,
        ("stumble", "-e", HUSH),
        ("127.0.0.1:9", "127.0.0.1:7"),
        "it has no answer to this HTTP call",
        {"clerk.yaml": test_planted_secrets.CLERK},
        code_of_run=1,
    ),
    "typed answer": Project(
        TYPED,
        ("grade",),
        ('"score": {"type": "integer"}', '"score": {"type": "number"}'),
        "what grader works with has changed",
        {"grader.yaml": "turns: [{ say: '{\"score\": 3}' }]"},
    ),
}


@pytest.mark.parametrize("name", PROJECTS)
def test_a_run_is_played_until_a_word_changes(shared_world: World, name: str) -> None:
    world, case = shared_world, PROJECTS[name]
    project = world.project(case.code, re.sub(r"\W", "-", name))
    prepare(project, case)
    ran = world.run("run", *case.run, cwd=project)
    assert ran.code == case.code_of_run, ran.out + ran.err
    execution = ran.out.partition("Execution ID: ")[2].split()[0]
    if case.then:
        session = world.run("sessions", "list", "--output", "name", "--number", "1").out.strip()
        world.run("run", "--session", session, "--message", case.then, cwd=project)
        execution = case.run[0]
    exported = world.run("export", execution, cwd=project)
    assert exported.code == 0, exported.err
    text = next((project / "tests").iterdir()).read_text(encoding="utf-8")
    assert "hush" not in text
    passed = world.run("test", cwd=project)
    assert passed.code == 0, text + passed.out + passed.err
    change(project, *case.word)
    failed = world.run("test", cwd=project)
    assert failed.code == 1, failed.out + failed.err
    assert case.says in failed.out


def prepare(project: Path, case: Project) -> None:
    for path, text in case.files.items():
        file = project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(0o755 if path.endswith(".sh") else 0o644)
    if case.approve:
        with (project / "Stigmer.yaml").open("a", encoding="utf-8") as settings:
            settings.write(f"approve: [{case.approve}]\n")
