"""What cannot be right is refused before anything is sent, with the line that defines it."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer_tui.api.skill_pb2 import Skill
from stigmer_tui.project.plan import make_plan
from stigmer_tui.project.plan_checks import check_plan
from stigmer_tui.project.project_file import Project, of_manifests
from stigmer_tui.project.runtimes import SynthesisError
from stigmer_tui.project.synthesis import synthesize
from tests.project.projects import python_project
from tests.project.test_plan import Server, call, plan_of, workflow

MANIFESTS = """\
kind: AgentInstance
metadata: {name: clerk-in-prod}
spec: {agent_id: clerk, environmentRefs: [{slug: pord}]}
---
kind: Environment
metadata: {name: prod}
spec: {data: {REGION: {value: eu}}}
---
kind: Agent
metadata: {name: waiter}
spec:
  instructions: Answer in one sentence.
  skillRefs: [{slug: tea}, {slug: coffee, scope: platform}]
"""

CODE = """
    from stigmer_tui.sdk import Agent, Workflow

    Agent("waiter", instructions="Answer in one sentence.", skills=["tea"])

    with Workflow("rest") as flow:
        with flow.for_each("twice", 2):
            flow.task("sleep", "WAIT", {"seconds": -60})
"""


INSTANCE = "all.yaml:1:1 agent instance clerk-in-prod: "


async def problems(project: Project, server: Server) -> list[str]:
    plan = await make_plan(await synthesize(project), "demo", "local", server)
    with pytest.raises(SynthesisError) as refusal:
        await check_plan(plan, server)
    assert server.received == []
    return str(refusal.value).split("\n")


def manifests_in(tmp_path: Path) -> Project:
    (tmp_path / "all.yaml").write_text(MANIFESTS, encoding="utf-8")
    return of_manifests(tmp_path / "all.yaml", tmp_path)


async def test_what_is_referred_to_and_nowhere_is_told_with_its_place(tmp_path: Path) -> None:
    assert await problems(manifests_in(tmp_path), Server()) == [
        "all.yaml:9:1 agent waiter: there is no skill tea, neither in the project nor deployed",
        "",
        f"{INSTANCE}there is no agent clerk, neither in the project nor deployed",
        f"{INSTANCE}there is no environment pord, neither in the project nor deployed; did you mean prod?",
    ]


async def test_what_is_deployed_already_may_be_referred_to(tmp_path: Path) -> None:
    server = Server()
    skill = Skill(kind="Skill")
    skill.metadata.name, skill.metadata.org = "tea", "local"
    await server.apply(skill)
    server.received.clear()
    assert all("skill" not in line for line in await problems(manifests_in(tmp_path), server))


@pytest.mark.e2e
async def test_the_line_of_the_code_is_told(tmp_path: Path) -> None:
    assert await problems(python_project(tmp_path, CODE), Server()) == [
        "main.py:7 workflow rest: /twice/sleep: task_config.seconds: must be greater than or equal to 1",
        "",
        "main.py:3 agent waiter: there is no skill tea, neither in the project nor deployed",
    ]


async def test_an_agent_that_is_called_may_be_deployed_later() -> None:
    server = Server()
    await check_plan(await plan_of(server, workflow("tally", call("ask", "nobody"))), server)


async def test_a_variable_that_nobody_is_asked_for_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(
        "kind: Agent\nmetadata: {name: clerk}\nspec:\n  instructions: Answer in one sentence.\n"
        "  envSpec: {data: {REGION: {value: eu}}}\n"
        "  mcpServers: [{name: shop, stdio: {command: shop, env_placeholders: {A: '${TOKEN}', B: '${REGION}'}}}]\n"
    )
    server = Server()
    plan = await make_plan(await synthesize(of_manifests(tmp_path / "all.yaml", tmp_path)), "demo", "local", server)
    assert await check_plan(plan, server) == (
        "agent clerk: its MCP server shop uses TOKEN, which env_spec does not declare: nobody is asked for it",
    )


async def test_a_schema_that_is_none_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(
        "kind: Workflow\n"
        "metadata:\n"
        "  name: orders\n"
        """  annotations: {stigmer-tui/input: '{"type": "object", "properties": {"item": {"type": "txt"}}}'}\n"""
        "spec:\n"
        "  document: {dsl: 1.0.0, namespace: demo, name: orders, version: 0.1.0}\n"
        "  tasks: [{name: rest, kind: WORKFLOW_TASK_KIND_WAIT, taskConfig: {seconds: 1}}]\n",
        encoding="utf-8",
    )
    (problem,) = await problems(of_manifests(tmp_path / "all.yaml", tmp_path), Server())
    assert problem.startswith(
        "all.yaml:1:1 workflow orders: The schema of the input is wrong at properties.item.type: "
    )
