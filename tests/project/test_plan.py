"""The plan and its application, against a server in memory that does what the contract says of servers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.api_resource_pb2 import WorkflowTaskKind
from stigmer_tui.api.kinds import AGENT, WORKFLOW, Kind
from stigmer_tui.api.structs import to_struct
from stigmer_tui.api.workflow_pb2 import Workflow
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition import extensions
from stigmer_tui.project.apply import AppliedStep, ApplyError, apply_plan
from stigmer_tui.project.plan import (
    Action,
    DeployedResource,
    MissingAgent,
    Plan,
    make_plan,
)
from stigmer_tui.project.synthesis import Manifests, Resource, kind_of, slug_in

RECORDED = Path(__file__).parent.parent / "manifests"


TaskLine = tuple[str, int, dict[str, Any]]
"""Name, kind and configuration."""


class Server:
    """Keeps what is applied, and adds what servers add."""

    def __init__(self, *, can_list: bool = True, refuses: str = "") -> None:
        self.resources: dict[tuple[Kind, str, str], Resource] = {}
        self.received: list[str] = []
        self.can_list = can_list
        self.refuses = refuses

    async def get(self, kind: Kind, slug: str, org: str) -> Resource | None:
        return self.resources.get((kind, slug, org))

    async def apply(self, resource: Resource) -> Resource:
        self.received.append(slug_in(resource))
        if slug_in(resource) == self.refuses:
            raise StigmerError("spec.tasks: at least one task is needed", "Add one.")
        stored = type(resource)()
        stored.MergeFromString(resource.SerializeToString())
        stored.metadata.id = f"id_{len(self.resources)}"
        stored.metadata.version.id = "1"
        if isinstance(stored, Agent | Workflow):
            stored.status.default_instance_id = "ain_1"
        stored.status.audit.spec_audit.event = "updated"
        self.resources[kind_of(resource), slug_in(resource), resource.metadata.org] = stored
        return stored

    async def deployed(self, org: str) -> Sequence[DeployedResource] | None:
        if not self.can_list:
            return None
        return [
            DeployedResource(kind, slug, resource.metadata.annotations.get("stigmer-tui/project", ""))
            for (kind, slug, owner), resource in self.resources.items()
            if owner == org
        ]


def agent(name: str, instructions: str = "Answer in one sentence.", generated_at: int = 1) -> Agent:
    message = Agent(api_version="agentic.stigmer.ai/v1", kind="Agent")
    message.metadata.name = name
    message.metadata.annotations["stigmer.ai/sdk.generated-at"] = str(generated_at)
    message.spec.instructions = instructions
    return message


def workflow(name: str, *tasks: TaskLine) -> Workflow:
    message = Workflow(api_version="agentic.stigmer.ai/v1", kind="Workflow")
    message.metadata.name = message.spec.document.name = name
    document = message.spec.document
    document.dsl, document.namespace, document.version = "1.0.0", "demo", "0.1.0"
    for task, kind, config in tasks:
        message.spec.tasks.add(name=task, kind=WorkflowTaskKind.ValueType(kind), task_config=to_struct(config))
    return message


def set_task(name: str, value: str = "1") -> TaskLine:
    return name, WorkflowTaskKind.WORKFLOW_TASK_KIND_SET, {"variables": {"x": value}}


def call(name: str, agent: str) -> TaskLine:
    return name, WorkflowTaskKind.WORKFLOW_TASK_KIND_AGENT_CALL, {"agent": agent, "message": "Hi"}


async def plan_of(server: Server, *resources: Resource, project: str = "demo", folder: Path | None = None) -> Plan:
    manifests = Manifests(
        tuple(resource for resource in resources if isinstance(resource, Agent)),
        tuple(resource for resource in resources if isinstance(resource, Workflow)),
    )
    return await make_plan(manifests, project, "local", server, folder)


async def deploy(
    server: Server, *resources: Resource, project: str = "demo", folder: Path | None = None
) -> tuple[AppliedStep, ...]:
    return await apply_plan(await plan_of(server, *resources, project=project, folder=folder), server)


def actions(plan: Plan) -> dict[str, Action]:
    return {step.slug: step.action for step in plan.steps}


async def test_everything_is_new_at_first() -> None:
    server = Server()
    plan = await plan_of(server, workflow("tally", set_task("a")), agent("helper"))
    assert [str(step) for step in plan.having(Action.CREATE)] == ["agent helper", "workflow tally"]
    assert plan.orphaned == ()

    applied = await apply_plan(plan, server)
    assert server.received == ["helper", "tally"]
    assert [item.resource.metadata.id for item in applied] == ["id_0", "id_1"]
    stored = server.resources[AGENT, "helper", "local"].metadata
    assert (stored.org, stored.slug, stored.owner_scope) == ("local", "helper", 2)
    assert stored.annotations["stigmer-tui/project"] == "demo"


async def test_what_is_deployed_already_is_not_sent_again() -> None:
    server = Server()
    await deploy(server, agent("helper", generated_at=1), workflow("tally", set_task("a")))
    again = await plan_of(server, agent("helper", generated_at=2), workflow("tally", set_task("a")))
    assert actions(again) == {"helper": Action.KEEP, "tally": Action.KEEP}
    server.received.clear()
    assert await apply_plan(again, server) == ()
    assert server.received == []


async def test_only_what_differs_is_sent() -> None:
    server = Server()
    await deploy(
        server, agent("helper"), agent("other"), workflow("tally", set_task("a"), set_task("b"), set_task("c"))
    )
    server.received.clear()
    changed = workflow("tally", set_task("a"), set_task("b", "2"), set_task("d"))
    plan = await plan_of(server, agent("helper"), agent("other", "Answer in two sentences."), changed)
    assert actions(plan) == {"helper": Action.KEEP, "other": Action.UPDATE, "tally": Action.UPDATE}
    assert [step.differences for step in plan.changes] == [
        ("instructions",),
        ("task b", "new task d", "no task c"),
    ]
    await apply_plan(plan, server)
    assert server.received == ["other", "tally"]


async def test_a_new_order_of_tasks_is_a_difference() -> None:
    server = Server()
    await deploy(server, workflow("tally", set_task("a"), set_task("b")))
    (step,) = (await plan_of(server, workflow("tally", set_task("b"), set_task("a")))).changes
    assert step.differences == ("order of tasks",)


async def test_what_the_project_defines_no_more_is_orphaned_and_stays() -> None:
    server = Server()
    await deploy(server, agent("helper"), workflow("tally", set_task("a")))
    await deploy(server, agent("stranger"), project="another")
    plan = await plan_of(server, agent("helper"))
    assert plan.orphaned == (DeployedResource(WORKFLOW, "tally", "demo"),)
    await apply_plan(plan, server)
    assert (WORKFLOW, "tally", "local") in server.resources


async def test_a_server_that_cannot_list_hides_orphans_and_the_plan_says_so() -> None:
    server = Server(can_list=False)
    await deploy(server, agent("helper"))
    plan = await plan_of(server, agent("other"))
    assert (plan.orphaned, plan.orphans_are_known) == ((), False)


@pytest.mark.parametrize(
    ("can_list", "expected"), [(True, ()), (False, ("model of agent helper", "temperature of agent helper"))]
)
async def test_a_server_that_is_not_ours_ignores_the_model_of_an_agent(
    can_list: bool, expected: tuple[str, ...]
) -> None:
    asking = agent("helper")
    asking.metadata.annotations[extensions.MODEL] = "claude-sonnet-4.5"
    asking.metadata.annotations[extensions.TEMPERATURE] = "0.2"
    plan = await plan_of(Server(can_list=can_list), asking, agent("other"))
    assert plan.ignored_settings == expected


async def test_a_resource_of_another_project_is_taken_over_and_the_plan_says_so() -> None:
    server = Server()
    await deploy(server, agent("helper"), project="another")
    (step,) = (await plan_of(server, agent("helper"))).steps
    assert (step.action, step.taken_from, step.differences) == (Action.UPDATE, "another", ("project",))


async def test_two_projects_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    """Point 22."""
    server = Server()
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        (folder / "Stigmer.yaml").write_text("name: demo\nruntime: python\n", encoding="utf-8")
    await deploy(server, agent("helper"), folder=there)
    # The same content is nothing to deploy, and nothing to warn of.
    (step,) = (await plan_of(server, agent("helper"), folder=here)).steps
    assert (step.action, step.taken_from) == (Action.KEEP, "")
    changed = agent("helper", "Answer in two sentences.")
    (step,) = (await plan_of(server, changed, folder=here)).steps
    assert (step.taken_from, step.differences) == (f"demo in {there}", ("instructions",))
    (step,) = (await plan_of(server, changed, folder=there)).steps
    assert step.taken_from == ""
    # Another name for the same folder, and another folder for what has moved: the same project.
    (step,) = (await plan_of(server, changed, project="renamed", folder=there)).steps
    assert step.taken_from == ""
    (there / "Stigmer.yaml").unlink()
    (step,) = (await plan_of(server, changed, folder=here)).steps
    assert step.taken_from == ""


async def test_a_workflow_is_affected_by_a_change_of_an_agent_that_it_calls() -> None:
    server = Server()
    loop = ("each", WorkflowTaskKind.WORKFLOW_TASK_KIND_FOR, {"do": [nested_call("helper")], "each": "item", "in": "x"})
    resources: list[Resource] = [workflow("calls", loop), workflow("calls-not", set_task("a"))]
    await deploy(server, agent("helper"), *resources)
    assert (await plan_of(server, agent("helper"), *resources)).affected == frozenset()
    plan = await plan_of(server, agent("helper", "Answer in two sentences."), *resources)
    assert actions(plan)["calls"] is Action.KEEP
    assert plan.affected == {(AGENT, "helper"), (WORKFLOW, "calls")}


def nested_call(agent: str) -> dict[str, object]:
    config = {"agent": agent, "message": "Hi"}
    return {"name": "call", "kind": "WORKFLOW_TASK_KIND_AGENT_CALL", "taskConfig": config}


async def test_agents_that_are_nowhere_are_missing() -> None:
    server = Server()
    await deploy(server, agent("deployed"), project="another")
    calls = workflow("calls", call("a", "here"), call("b", "deployed"), call("c", "nowhere"))
    plan = await plan_of(server, agent("here"), calls)
    assert plan.missing_agents == (MissingAgent("calls", "nowhere", "; did you mean here?"),)


async def test_a_refusal_ends_it_after_its_kind_and_says_what_is_deployed_and_what_is_not() -> None:
    server = Server(refuses="bad")
    resources: list[Resource] = [agent("helper"), agent("bad"), agent("writer"), workflow("later", set_task("a"))]
    with pytest.raises(ApplyError) as raised:
        await deploy(server, *resources)
    assert raised.value.message == "Cannot deploy agent bad: spec.tasks: at least one task is needed"
    assert raised.value.advice.splitlines() == [
        "Add one.",
        "Deployed: agent helper, agent writer",
        "Not deployed: agent bad, workflow later",
    ]
    assert [step.slug for step in raised.value.remaining] == ["later"]
    assert server.received == ["helper", "bad", "writer"]


async def test_every_refusal_of_a_kind_is_an_error_of_its_own() -> None:
    class Refusing(Server):
        async def apply(self, resource: Resource) -> Resource:
            raise StigmerError(f"{slug_in(resource)} is refused")

    with pytest.raises(ApplyError, match="Cannot deploy agent a: a is refused") as raised:
        await deploy(Refusing(), agent("a"), agent("b"))
    assert raised.value.advice.splitlines() == [
        "Cannot deploy agent b: b is refused",
        "Deployed: nothing",
        "Not deployed: agent a, agent b",
    ]


async def test_resources_of_a_kind_are_sent_at_the_same_time() -> None:
    class Waiting(Server):
        def __init__(self) -> None:
            super().__init__()
            self.both = asyncio.Barrier(2)

        async def apply(self, resource: Resource) -> Resource:
            await self.both.wait()
            return await super().apply(resource)

    async with asyncio.timeout(60):
        await deploy(Waiting(), agent("a"), agent("b"))


async def test_a_server_out_of_reach_is_one_error() -> None:
    class Unreachable(Server):
        async def get(self, kind: Kind, slug: str, org: str) -> Resource | None:
            raise StigmerError("The server is gone")

    with pytest.raises(StigmerError, match="The server is gone"):
        await plan_of(Unreachable(), agent("a"), agent("b"))


async def test_recorded_manifests_of_the_go_sdk() -> None:
    server = Server()
    summarise = Workflow.FromString((RECORDED / "research-workflow-0.pb").read_bytes())
    resources: list[Resource] = [
        Workflow.FromString((RECORDED / "orders-workflow-0.pb").read_bytes()),
        Agent.FromString((RECORDED / "research-agent-0.pb").read_bytes()),
        summarise,
    ]
    await deploy(server, *resources)
    assert server.received == ["paper-reader", "settle-orders", "summarise"]
    for resource in resources:
        resource.metadata.annotations["stigmer.ai/sdk.generated-at"] = "1900000000"
    plan = await plan_of(server, *resources)
    assert set(actions(plan).values()) == {Action.KEEP}


async def test_differences_in_annotations_are_named() -> None:
    server = Server()
    await deploy(server, agent("helper"))
    changed = agent("helper")
    changed.metadata.annotations["stigmer-tui/script"] = "turns: []"
    changed.metadata.tags.append("new")
    (step,) = (await plan_of(server, changed)).steps
    assert step.differences == ("script", "tags")
