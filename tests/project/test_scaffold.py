"""`stigmer-tui new`: what it writes is a project that runs, or nothing at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer_tui.api.api_resource_pb2 import WorkflowTaskKind
from stigmer_tui.api.structs import to_data
from stigmer_tui.api.validation import violations
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.script import parse_script
from stigmer_tui.project.project_file import load_project
from stigmer_tui.project.scaffold import FOLDER, TEMPLATES, create_project, template_named
from stigmer_tui.project.synthesis import synthesize


def test_what_it_writes(tmp_path: Path) -> None:
    folder = create_project(tmp_path, "tea_Shop-2")
    assert folder == tmp_path / "tea_Shop-2"
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == [
        ".gitignore",
        "README.md",
        "Stigmer.schema.json",
        "Stigmer.yaml",
        "main.py",
        "scripts/host.yaml",
        "scripts/note-keeper.yaml",
        "tests/host.yaml",
        "tests/note-keeper.yaml",
        "tests/settle-orders.yaml",
    ]
    assert load_project(folder).name == "tea_Shop-2"
    assert (folder / "README.md").read_text().startswith("# tea_Shop-2\n")
    assert not any("my-project" in path.read_text() for path in folder.rglob("*") if path.is_file())
    assert [path.name for path in tmp_path.iterdir()] == ["tea_Shop-2"]


@pytest.mark.e2e
async def test_it_runs_and_uses_what_a_workflow_can_do(tmp_path: Path) -> None:
    folder = create_project(tmp_path, "demo")
    manifests = await synthesize(load_project(folder))
    assert [agent.metadata.name for agent in manifests.agents] == ["host", "note-keeper"]
    assert manifests.dependencies == {"workflow:settle-orders": ("agent:host",)}
    (workflow,) = manifests.workflows
    kinds = {WorkflowTaskKind.Name(task.kind).removeprefix("WORKFLOW_TASK_KIND_") for task in workflow.spec.tasks}
    assert kinds == {"SET", "SWITCH", "FOR", "AGENT_CALL"}
    (loop,) = [to_data(task.task_config) for task in workflow.spec.tasks if task.name == "pack-orders"]
    assert [task["kind"] for task in loop["do"]] == ["WORKFLOW_TASK_KIND_WAIT", "WORKFLOW_TASK_KIND_SET"]
    assert [violations(resource) for resource in manifests.resources] == [[], [], []]
    assert not {path.name for path in folder.iterdir()} & {".stigmer", "agent-0.pb"}


def test_every_template_has_a_folder_and_every_folder_is_one() -> None:
    assert {path.name for path in FOLDER.iterdir() if path.is_dir()} == {template.name for template in TEMPLATES}
    for template in TEMPLATES:
        names = {str(path.relative_to(template.folder)) for path in template.folder.rglob("*")}
        assert {"Stigmer.yaml", "README.md"} <= names
        assert any(name.startswith("tests/") for name in names)


def test_a_template_that_there_is_not_is_told_with_the_nearest() -> None:
    with pytest.raises(StigmerError, match=r"There is no template worflow; did you mean workflow\?") as refusal:
        template_named("worflow")
    assert refusal.value.advice.startswith("There are agent-workflow, agent,")


def test_its_agents_carry_their_scripts(tmp_path: Path) -> None:
    folder = create_project(tmp_path, "demo")
    for script in (folder / "scripts").iterdir():
        parsed = parse_script(script.read_text(), script.name)
        assert all(turn.say or turn.calls for answers in parsed.messages for response in answers for turn in response)


@pytest.mark.parametrize("name", ["", "a b", "a/b", "..", "ä", "a.b"])
def test_bad_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(StigmerError, match="is not a valid project name"):
        create_project(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "link").symlink_to("nothing")
    for name in ("demo", "link"):
        with pytest.raises(StigmerError, match="is there already"):
            create_project(tmp_path, name)
    assert list((tmp_path / "demo").iterdir()) == []


def test_what_cannot_be_finished_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text = Path.write_text

    def full(path: Path, text: str, encoding: str) -> int:
        if path.name == "main.py":
            raise OSError(28, "No space left on device")
        return write_text(path, text, encoding)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(StigmerError, match="No space left on device"):
        create_project(tmp_path, "demo")
    assert list(tmp_path.iterdir()) == []


def test_a_parent_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StigmerError, match="No such file or directory"):
        create_project(tmp_path / "nothing", "demo")
