"""What a session works with: which server, for which organization, and in a project its code."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.contexts import Context
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home
from stigmer_tui.project.watch import Watcher
from stigmer_tui.workbench.deployment import Deployer
from stigmer_tui.workbench.services import Services, load_services
from stigmer_tui.workbench.state import WorkbenchState
from stigmer_tui.workbench.state_store import StateStore
from tests.server.conftest import running
from tests.workbench.stage import StoppedClock

PROJECT = "name: demo\nruntime: python\n"


def loaded(folder: Path, said: str = "", configured: str = "configured", server: str = "") -> Services:
    configuration = Configuration(Home(folder / "home"), organization=configured, context=Context("", server))
    return load_services(configuration, folder, said, StoppedClock())


@pytest.mark.parametrize(
    ("said", "project", "expected"),
    [
        ("said", f"{PROJECT}organization: written\n", "said"),
        ("", f"{PROJECT}organization: written\n", "written"),
        ("", PROJECT, "configured"),
        ("", None, "configured"),
        # What is wrong with it is said when it is deployed.
        ("", "name: [", "configured"),
    ],
)
def test_the_organization_is_what_was_said_or_else_the_project_s_or_else_the_configured_one(
    tmp_path: Path, said: str, project: str | None, expected: str
) -> None:
    if project is not None:
        (tmp_path / "Stigmer.yaml").write_text(project, encoding="utf-8")
    assert loaded(tmp_path, said).backend.organization == expected


async def test_the_server_is_the_configured_one_or_else_our_own(tmp_path: Path) -> None:
    assert loaded(tmp_path).backend.is_ours
    async with running(tmp_path / "api") as api:
        backend = loaded(tmp_path, server=api.server.address).backend
        assert not backend.is_ours
        assert await backend.connect() == api.server.address
        await backend.close()


def test_a_project_has_its_code_and_its_files(tmp_path: Path) -> None:
    store = StateStore(WorkbenchState(), StoppedClock())
    services = loaded(tmp_path)
    with pytest.raises(StigmerError, match=r"Stigmer\.yaml"):
        services.make_deployer(store)
    (tmp_path / "Stigmer.yaml").write_text(PROJECT, encoding="utf-8")
    assert isinstance(services.make_deployer(store), Deployer)
    assert isinstance(services.make_watcher(), Watcher)
