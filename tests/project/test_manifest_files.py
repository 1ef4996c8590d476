"""Manifests that people write: what is read, and where each problem is."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from stigmer_tui.api.agent_instance_pb2 import AgentInstance
from stigmer_tui.api.kinds import ENVIRONMENT
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.project.manifest_files import read_manifest_files
from stigmer_tui.project.project_file import load_project, of_manifests
from stigmer_tui.project.project_keys import Runtime
from stigmer_tui.project.synthesis import Manifests, synthesize

AGENT = """\
kind: Agent
metadata: {name: clerk}
spec:
  instructions: Answer in one sentence.
"""

WORKFLOW = """\
kind: Workflow
metadata: {name: greet}
spec:
  document: {dsl: 1.0.0, namespace: demo, name: greet, version: 0.1.0}
  tasks:
    - name: each
      kind: WORKFLOW_TASK_KIND_FOR
      task_config:
        each: item
        in: "${ [1] }"
        do:
          - name: get
            kind: WORKFLOW_TASK_KIND_HTTP_CALL
            taskConfig:
              method: GET
              endpoint: {uri: "http://localhost/"}
"""


def problems(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "all.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(StigmerError) as refusal:
        read_manifest_files(tmp_path / "all.yaml", tmp_path)
    return [refusal.value.message, *refusal.value.advice.splitlines()]


async def manifests(path: Path, folder: Path) -> Manifests:
    return await synthesize(of_manifests(path, folder))


async def test_a_file_has_any_number_of_documents_and_both_spellings(tmp_path: Path) -> None:
    instance = """\
kind: AgentInstance
metadata: {name: clerk-in-prod}
spec: {agent_id: clerk, environmentRefs: [{slug: prod}]}
"""
    environment = """\
kind: Environment
metadata: {name: prod}
spec:
  data:
    TOKEN: {value: x, is_secret: true}
    REGION: {value: eu, isSecret: false}
"""
    skill = "kind: Skill\nmetadata: {name: tea}\nspec: {skillMd: '# Tea'}\n"
    file = tmp_path / "all.yaml"
    file.write_text("---\n".join([instance, WORKFLOW, AGENT, environment, skill]), encoding="utf-8")
    found = await manifests(file, tmp_path)
    assert [each.kind for each in found.resources] == ["Environment", "Skill", "Agent", "Workflow", "AgentInstance"]
    assert found.environments[0].spec.data["TOKEN"].is_secret
    (in_prod,) = found.instances
    assert isinstance(in_prod, AgentInstance)
    assert in_prod.spec.environment_refs[0].kind == ENVIRONMENT.number
    assert found.agents[0].api_version == "agentic.stigmer.ai/v1"


async def test_all_entries_of_a_map_are_read(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(AGENT.replace("{name: clerk}", "{name: clerk, labels: {a: x, b: y}}"), encoding="utf-8")
    assert dict((await manifests(file, tmp_path)).agents[0].metadata.labels) == {"a": "x", "b": "y"}


async def test_a_folder_is_read_without_the_folders_in_it(tmp_path: Path) -> None:
    (tmp_path / "Stigmer.yaml").write_text("name: shop\nruntime: yaml\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text(AGENT, encoding="utf-8")
    (tmp_path / "a.yml").write_text(AGENT.replace("clerk", "helper"), encoding="utf-8")
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "clerk.yaml").write_text("turns: []", encoding="utf-8")
    project = load_project(tmp_path)
    assert (project.runtime, project.main) == (Runtime.YAML, tmp_path)
    assert [agent.metadata.name for agent in (await synthesize(project)).agents] == ["helper", "clerk"]


async def test_standard_input_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(AGENT))
    assert len((await manifests(Path("-"), tmp_path)).agents) == 1


async def test_a_script_is_read_beside_its_manifest(tmp_path: Path) -> None:
    named = AGENT.replace("{name: clerk}", "{name: clerk, annotations: {stigmer-tui/script-file: clerk.txt}}")
    (tmp_path / "all.yaml").write_text(named, encoding="utf-8")
    (tmp_path / "clerk.txt").write_text("turns:\n  - say: Hello\n", encoding="utf-8")
    (agent,) = (await manifests(tmp_path / "all.yaml", tmp_path)).agents
    assert agent.metadata.annotations["stigmer-tui/script"] == "turns:\n  - say: Hello\n"
    (tmp_path / "clerk.txt").unlink()
    with pytest.raises(StigmerError, match=r"all\.yaml:2:39 clerk\.txt cannot be read"):
        await manifests(tmp_path / "all.yaml", tmp_path)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            ("instructions", "instruction"),
            "all.yaml:4:3 AgentSpec has no field instruction; did you mean instructions?",
        ),
        (("Answer in one sentence.", "[1]"), "all.yaml:4:3 instructions is a text, not [1]"),
        (("Answer in one sentence.", "Hi"), "all.yaml:4:3 spec.instructions: must be at least 10 characters"),
        (("name: clerk", "name: '?'"), "all.yaml:2:12 metadata.name is missing: it has at least one letter or digit"),
        (("{name: clerk}", "clerk"), "all.yaml:2:1 metadata has fields of its own: name, slug, id, org, "),
        (("kind: Agent", "kind: agent"), "all.yaml:1:1 there is no kind 'agent': it is one of Workflow, Agent, "),
        (("kind: Agent\n", ""), "all.yaml:1:1 kind is missing: it is one of "),
        (("name: clerk}", "name: clerk"), "all.yaml:3:5 is not valid YAML: "),
    ],
)
def test_a_problem_has_its_line_and_column(tmp_path: Path, change: tuple[str, str], problem: str) -> None:
    (found, *_) = problems(tmp_path, AGENT.replace(*change))
    assert found.startswith(problem)


def test_problems_of_tasks_are_found_where_they_stand(tmp_path: Path) -> None:
    broken = WORKFLOW.replace("method: GET", "method: GOT").replace("each: item", "eech: item")
    found = problems(tmp_path, AGENT + "---\n" + broken)
    assert [each.partition(" ")[0] for each in found] == ["all.yaml:14:9", "all.yaml:13:7", "all.yaml:20:15"]
    assert found[2].startswith("all.yaml:20:15 /each/get: task_config.method: must be in list")


def test_all_problems_of_all_documents_are_said(tmp_path: Path) -> None:
    workflow = WORKFLOW.replace("KIND_FOR", "KIND_FO")
    found = problems(tmp_path, f"{AGENT.replace('spec', 'spek')}---\n- 3\n---\n{workflow}")
    assert [each.partition(" ")[0] for each in found] == ["all.yaml:3:1", "all.yaml:6:1", "all.yaml:14:7"]


async def test_nothing_to_deploy_is_said(tmp_path: Path) -> None:
    with pytest.raises(StigmerError, match="holds no manifests"):
        await manifests(tmp_path, tmp_path)
    (tmp_path / "all.yaml").write_text("# later\n", encoding="utf-8")
    with pytest.raises(StigmerError, match=r"all\.yaml holds no manifests"):
        await manifests(tmp_path / "all.yaml", tmp_path)
