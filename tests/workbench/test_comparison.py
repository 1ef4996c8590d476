"""How the code differs from what is deployed, as people read it."""

from __future__ import annotations

from stigmer_tui.api.environment_pb2 import Environment
from stigmer_tui.project.apply import apply_plan
from stigmer_tui.project.plan import Plan, make_plan
from stigmer_tui.project.synthesis import Manifests
from stigmer_tui.workbench.comparison import differences_of
from stigmer_tui.workbench.differences import SIGNS, LineKind, ResourceDifference
from tests.project.test_plan import Server, agent, deploy, plan_of, set_task, workflow


def texts(difference: ResourceDifference, *kinds: LineKind) -> list[str]:
    return [SIGNS[line.kind] + line.text for line in difference.lines if line.kind in kinds]


async def test_what_is_deployed_does_not_differ() -> None:
    server = Server()
    await deploy(server, agent("helper", generated_at=1), workflow("tally", set_task("a")))
    assert differences_of(await plan_of(server, agent("helper"), workflow("tally", set_task("a")))) == ()


async def test_an_update_is_the_changed_lines_with_those_around() -> None:
    server = Server()
    names = [f"t{number}" for number in range(9)]
    await deploy(server, workflow("tally", *(set_task(name) for name in names)))
    changed = workflow("tally", *(set_task(name, "2" if name in ("t0", "t8") else "1") for name in names))
    (found,) = differences_of(await plan_of(server, changed))
    assert found.title == "workflow tally · updated: task t0, task t8"
    assert texts(found, LineKind.ADDED, LineKind.REMOVED) == ["-        x: '1'", "+        x: '2'"] * 2
    # What is the same in between is left out.
    assert texts(found, LineKind.GAP) == ["⋮"]
    assert not any("t4" in line.text for line in found.lines)


async def test_what_is_new_is_added_and_what_only_the_server_has_is_orphaned() -> None:
    server = Server()
    await deploy(server, agent("old"))
    new, orphaned = differences_of(await plan_of(server, agent("helper")))
    assert new.title == "agent helper · created"
    assert {line.kind for line in new.lines} == {LineKind.ADDED}
    assert "+  instructions: Answer in one sentence." in texts(new, LineKind.ADDED)
    assert (orphaned.title, orphaned.lines) == ("agent old · orphaned", ())


async def test_secrets_are_not_shown() -> None:
    server = Server()
    await apply_plan(await _plan_of_environment(server, "hush-4711"), server)
    (found,) = differences_of(await _plan_of_environment(server, "hush-4712"))
    assert [line.text for line in found.lines] == ["  values of secrets, which are not shown"]
    (new,) = differences_of(await _plan_of_environment(Server(), "hush-4711"))
    assert "+      value: (secret)" in texts(new, LineKind.ADDED)
    assert "hush" not in str(new)


async def _plan_of_environment(server: Server, token: str) -> Plan:
    environment = Environment(kind="Environment")
    environment.metadata.name = "prod"
    environment.spec.data["TOKEN"].value = token
    environment.spec.data["TOKEN"].is_secret = True
    return await make_plan(Manifests(environments=(environment,)), "demo", "local", server)
