"""Projects in any language: a program that writes manifests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.project.project_file import Project, load_project
from stigmer_tui.project.runtimes import SynthesisError
from stigmer_tui.project.synthesis import synthesize
from tests.project.projects import write_files

NODE = """
    const fs = require("fs"), path = require("path");
    const agent = {kind: "Agent", metadata: {name: "helper"}, spec: {instructions: "Answer in one sentence."}};
    fs.writeFileSync(path.join(process.env.STIGMER_OUT_DIR, "agents.yaml"), JSON.stringify(agent));
"""
SHELL = """
    #!/bin/sh
    printf 'kind: Agent\\nmetadata: {name: %s}\\nspec: {instructions: Answer in one sentence.}\\n' "$1" \\
        > "$STIGMER_OUT_DIR/agents.yaml"
"""


def project_of(folder: Path, command: str, **files: str) -> Project:
    write_files(folder, {"Stigmer.yaml": f"name: demo\nruntime: command\ncommand: {command}\n", **files})
    return load_project(folder)


async def names(project: Project) -> list[str]:
    return [agent.metadata.name for agent in (await synthesize(project)).agents]


@pytest.mark.e2e
@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
async def test_a_node_project(tmp_path: Path) -> None:
    assert await names(project_of(tmp_path, "[node, main.js]", **{"main.js": NODE})) == ["helper"]


@pytest.mark.e2e
async def test_a_program_of_the_project(tmp_path: Path) -> None:
    project = project_of(tmp_path, "[./define, clerk]", define=SHELL)
    (tmp_path / "define").chmod(0o755)
    assert await names(project) == ["clerk"]


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("[sh, -c, exit 3]", "sh -c exit 3 ended with exit status 3"),
        ("[sh, -c, kill -9 $$]", "sh -c kill -9 $$ was ended by SIGKILL"),
        ("[sh, -c, 'true']", "sh -c true finished and defined no agent and no workflow"),
        ("[sh, -c, 'echo 5 > $STIGMER_OUT_DIR/a.yaml']", "a.yaml:1:1 a manifest has keys such as kind"),
        ("[no-such-program]", "There is no program no-such-program"),
        ("[./nothing]", "There is no program ./nothing"),
    ],
)
async def test_what_fails_is_said(tmp_path: Path, command: str, message: str) -> None:
    with pytest.raises(SynthesisError) as raised:
        await synthesize(project_of(tmp_path, command))
    assert message in raised.value.message


@pytest.mark.parametrize("command", ["", "node main.js", "[]", "[[a]]"])
def test_a_command_is_a_list(tmp_path: Path, command: str) -> None:
    with pytest.raises(StigmerError, match=r"Stigmer\.yaml:\d:1 command must be a list") as refusal:
        project_of(tmp_path, command)
    assert refusal.value.advice == "Such as: command: [node, main.js]"
