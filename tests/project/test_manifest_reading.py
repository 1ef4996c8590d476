"""Reading the files that a project's code has written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.project.synthesis import read_manifests

RECORDED = Path(__file__).parent.parent / "manifests"


def agent(name: str) -> bytes:
    message = Agent(api_version="agentic.stigmer.ai/v1", kind="Agent")
    message.metadata.name = name
    return message.SerializeToString()


def test_recorded_manifests_of_the_go_sdk(tmp_path: Path) -> None:
    shutil.copy(RECORDED / "research-agent-0.pb", tmp_path / "agent-0.pb")
    shutil.copy(RECORDED / "research-workflow-0.pb", tmp_path / "workflow-0.pb")
    shutil.copy(RECORDED / "orders-workflow-0.pb", tmp_path / "workflow-1.pb")
    (tmp_path / "dependencies.json").write_text("{}")
    manifests = read_manifests(tmp_path)
    assert [agent.metadata.name for agent in manifests.agents] == ["paper-reader"]
    assert [workflow.metadata.name for workflow in manifests.workflows] == ["summarise", "settle-orders"]
    assert [resource.kind for resource in manifests.resources] == ["Agent", "Workflow", "Workflow"]


def test_files_are_sorted_by_number(tmp_path: Path) -> None:
    for number in (10, 9, 2, 1, 0):
        (tmp_path / f"agent-{number}.pb").write_bytes(agent(f"a{number}"))
    (tmp_path / "agent-x.pb").write_bytes(b"other")
    assert [agent.metadata.name for agent in read_manifests(tmp_path).agents] == ["a0", "a1", "a2", "a9", "a10"]


def test_dependencies(tmp_path: Path) -> None:
    (tmp_path / "dependencies.json").write_text('{"workflow:tally": ["agent:helper"]}')
    assert read_manifests(tmp_path).dependencies == {"workflow:tally": ("agent:helper",)}


def test_an_empty_folder_holds_nothing(tmp_path: Path) -> None:
    assert read_manifests(tmp_path).resources == ()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"agent-3.pb": b"\xff\xff\xff"}, "agent-3.pb is not a valid Agent manifest"),
        ({"workflow-0.pb": agent("a")}, "workflow-0.pb is not a valid Workflow manifest"),
        ({"agent-0.pb": Agent(kind="Agent").SerializeToString()}, "agent-0.pb is not a valid Agent manifest"),
        ({"agent-0.pb": agent("a"), "agent-1.pb": agent("A")}, 'two agents with the name "a"'),
        ({"dependencies.json": b"{"}, "dependencies.json cannot be understood"),
        ({"dependencies.json": b"[1]"}, "dependencies.json cannot be understood"),
    ],
)
def test_files_that_cannot_be_read_are_named(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(StigmerError) as raised:
        read_manifests(tmp_path)
    assert message in raised.value.message
