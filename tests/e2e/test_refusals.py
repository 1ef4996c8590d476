"""What can be applied and not run yet is refused by name, before anything is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer_tui.api.agent_pb2 import Agent
from tests.e2e.world import World

MANIFESTS = Path(__file__).parent.parent / "manifests"

CODE = f"""\
import os, pathlib, shutil

target = pathlib.Path(os.environ["STIGMER_OUT_DIR"])
for file in pathlib.Path("{MANIFESTS}").glob("*.pb"):
    kind = file.stem.split("-")[1]
    number = len(list(target.glob(f"{{kind}}-*.pb")))
    shutil.copy(file, target / f"{{kind}}-{{number}}.pb")
"""

ORDERS = (
    "settle-orders cannot run yet: /tell is FORK, /book is TRY, /approval is LISTEN, /stock is GRPC_CALL, "
    "/archive is CALL_ACTIVITY, /report is RUN"
)


@pytest.fixture
def project(world: World) -> Path:
    """What the existing Go SDK once wrote, from a project's code."""
    return world.project(CODE)


def test_a_workflow_with_tasks_of_other_kinds(world: World, project: Path) -> None:
    applied = world.run("apply", cwd=project)
    assert applied.code == 0, applied.err
    assert applied.out.endswith("Deployment successful: 3 created\n")
    refused = world.run("run", "settle-orders", cwd=project)
    assert (refused.code, refused.err) == (1, f"Error: {ORDERS}\n")
    assert "Execution ID" not in refused.out
    with world.window(cwd=project) as window:
        window.shows("3 unchanged")
        window.press("/", *"settle", "enter")
        window.shows("Settles the open orders")
        window.press("enter")
        window.shows("SHOP_TOKEN +Token of the shop")
        window.type("t0ken\r")
        window.shows("settle-orders cannot run yet")
        window.shows("is FORK")


def test_an_agent_with_parts_that_cannot_be_given_to_it(world: World, project: Path) -> None:
    spec = Agent.FromString((MANIFESTS / "research-agent-0.pb").read_bytes()).spec
    refused = world.run("run", "paper-reader", "--message", "Read", cwd=project)
    assert refused.code == 1
    names = [skill.slug for skill in spec.skill_refs]
    assert names
    assert refused.err.startswith(f"Error: paper-reader cannot run: there is no skill {names[0]}")
