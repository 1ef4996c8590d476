"""From manifests to the server, as a session sees it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.workflow_pb2 import Workflow
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.project.apply import ApplyError
from stigmer_tui.project.project_file import Project
from stigmer_tui.project.subprocesses import OutputLine, RunPackage
from stigmer_tui.project.synthesis import Manifests, Resource
from stigmer_tui.workbench import deployment
from stigmer_tui.workbench.deployment import Deployer
from stigmer_tui.workbench.events import CodePrinted, Event, ManifestsLoaded, ProjectLoaded
from stigmer_tui.workbench.model import ResourceKey, ResourceKind
from tests.project.test_plan import Server, agent, call, set_task, workflow
from tests.workbench.stage import NOON, StoppedClock

HELPER, TALLY = ResourceKey(ResourceKind.AGENT, "helper"), ResourceKey(ResourceKind.WORKFLOW, "tally")


class Backend:
    """As much of a server as a deployment needs."""

    organization = "local"

    def __init__(self, server: Server, is_ours: bool = True) -> None:
        self.server = server
        self.is_ours = is_ours

    def deployments(self) -> Server:
        return self.server


class Code:
    """What the project's code comes to, without running any."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.resources: tuple[Resource, ...] = ()
        self.environment: Mapping[str, str] = {}
        monkeypatch.setattr(deployment, "synthesize", self._synthesize)

    async def _synthesize(
        self,
        project: Project,
        printed: Callable[[OutputLine], None],
        environment: Mapping[str, str],
        run_package: RunPackage,
    ) -> Manifests:
        self.environment = environment
        printed(OutputLine("a warning", is_error=True))
        return Manifests(
            tuple(resource for resource in self.resources if isinstance(resource, Agent)),
            tuple(resource for resource in self.resources if isinstance(resource, Workflow)),
        )


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> Code:
    return Code(monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Stigmer.yaml").write_text("name: demo\nruntime: python\n", encoding="utf-8")
    return tmp_path.resolve()


async def deployer(folder: Path, server: Server, events: list[Event] | None = None, is_ours: bool = True) -> Deployer:
    """That has the manifests."""
    backend: Any = Backend(server, is_ours)
    made = Deployer(folder, backend, (events if events is not None else []).append, StoppedClock())
    await made.synthesize({"EXTRA": "1"})
    return made


async def test_what_happens_is_told_and_the_code_has_our_variables(folder: Path, code: Code) -> None:
    events: list[Event] = []
    code.resources = (agent("helper"), workflow("tally", set_task("a")))
    await deployer(folder, Server(), events)
    assert events == [ProjectLoaded("demo", str(folder)), CodePrinted("a warning", is_error=True), ManifestsLoaded(2)]
    assert code.environment == {**os.environ, "EXTRA": "1"}


async def test_a_first_deployment_creates_everything(folder: Path, code: Code) -> None:
    server = Server()
    code.resources = (workflow("tally", set_task("a")), agent("helper"))
    made = await deployer(folder, server)
    preview = await made.preview()
    assert server.received == []
    assert [(item.slug, item.action, item.resource) for item in preview.items] == [
        ("helper", "created", None),
        ("tally", "created", None),
    ]
    deployed = await made.apply()
    assert server.received == ["helper", "tally"]
    assert deployed.applied == preview.applied
    assert (deployed.applied.at, deployed.applied.created) == (NOON, ("helper", "tally"))
    assert deployed.affected == deployed.defines == {HELPER, TALLY}
    assert [(item.kind, item.name, item.resource and item.resource.id) for item in deployed.items] == [
        (ResourceKind.AGENT, "helper", "id_0"),
        (ResourceKind.WORKFLOW, "tally", "id_1"),
    ]
    assert deployed.warnings == ()


async def test_a_second_one_changes_what_differs(folder: Path, code: Code) -> None:
    server = Server()
    code.resources = (
        agent("helper"),
        agent("old"),
        workflow("tally", call("ask", "helper")),
        workflow("other", set_task("a")),
    )
    await (await deployer(folder, server)).apply()
    code.resources = (
        agent("helper", "Answer anew."),
        workflow("tally", call("ask", "helper")),
        workflow("other", set_task("a")),
    )
    deployed = await (await deployer(folder, server)).apply()
    applied = deployed.applied
    assert (applied.created, applied.updated, applied.unchanged, applied.orphaned) == (
        (),
        ("helper",),
        ("tally", "other"),
        ("old",),
    )
    # A workflow whose agent has changed runs differently.
    assert deployed.affected == {HELPER, TALLY}
    assert all(item.resource and item.resource.id for item in deployed.items)


@pytest.mark.parametrize("is_ours", [True, False])
async def test_only_our_own_server_knows_the_folder(folder: Path, code: Code, is_ours: bool) -> None:
    server = Server()
    code.resources = (agent("helper"),)
    await (await deployer(folder, server, is_ours=is_ours)).apply()
    (stored,) = server.resources.values()
    expected = str(folder) if is_ours else ""
    assert stored.metadata.annotations.get("stigmer-tui/project-folder", "") == expected
    assert stored.metadata.org == "local"


async def test_what_may_surprise_is_said(folder: Path, code: Code) -> None:
    server = Server()
    code.resources = (agent("helper"),)
    (folder / "Stigmer.yaml").write_text("name: first\nruntime: python\n", encoding="utf-8")
    await (await deployer(folder, server, is_ours=False)).apply()
    (folder / "Stigmer.yaml").write_text("name: demo\nruntime: python\n", encoding="utf-8")
    code.resources = (agent("helper", "Answer anew."), workflow("tally", call("ask", "nobody")))
    assert (await (await deployer(folder, server, is_ours=False)).preview()).warnings == (
        "workflow tally calls the agent nobody, which is neither in this project nor deployed",
        "agent helper was deployed by the project first before",
    )


async def test_a_misspelled_tool_that_is_to_wait_for_approval_is_refused(folder: Path, code: Code) -> None:
    (folder / "Stigmer.yaml").write_text("name: demo\nruntime: python\napprove: [excute]\n", encoding="utf-8")
    code.resources = (workflow("tally", set_task("a")),)
    await deployer(folder, Server())
    code.resources = (agent("helper"),)
    with pytest.raises(StigmerError, match=r"Stigmer\.yaml:3:1 approve: .* no tool excute; did you mean execute\?"):
        await deployer(folder, Server())


async def test_a_refusal_says_what_is_deployed_and_what_is_not(folder: Path, code: Code) -> None:
    code.resources = (agent("helper"), workflow("tally", set_task("a")))
    with pytest.raises(ApplyError, match="Cannot deploy workflow tally"):
        await (await deployer(folder, Server(refuses="tally"))).apply()


def test_without_a_project_there_is_nothing_to_deploy(tmp_path: Path) -> None:
    backend: Any = Backend(Server())
    with pytest.raises(StigmerError, match=r"No Stigmer\.yaml"):
        Deployer(tmp_path, backend, list[Event]().append, StoppedClock())
