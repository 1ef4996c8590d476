"""Whatever a project becomes, one deployment later the server has just that, and there is nothing left to do."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from stigmer_tui.api.environment_pb2 import Environment as EnvironmentMessage
from stigmer_tui.project.apply import apply_plan
from stigmer_tui.project.plan import Action, Deployments, comparable, make_plan
from stigmer_tui.project.plan_checks import check_plan
from stigmer_tui.project.synthesis import Manifests, kind_of, read_manifests, slug_in
from stigmer_tui.sdk import Agent, AgentInstance, Environment, Skill, Workflow, WorkflowInstance, env, secret
from stigmer_tui.sdk.manifests import manifest_files, write_files
from stigmer_tui.sdk.registry import begin_registry
from tests.workbench.test_grpc_backend import connected

NAMES = ("ada", "grace", "linus")
INSTRUCTIONS = ("Answer in one sentence.", "Answer in two sentences.")


@dataclass(frozen=True, slots=True)
class Code:
    """What a project defines; names of what one refers to are taken as far as they are there."""

    agents: Mapping[str, tuple[str, bool]]
    """Instructions, and whether it has the skill."""
    workflows: Mapping[str, Sequence[str]]
    """What each task says, or the agent that it calls."""
    environments: Mapping[str, str]
    """A value of each; a secret has none."""
    instances: Mapping[str, str]
    skill: str
    """The text of the skill; empty for none."""

    def define(self, folder: Path) -> Manifests:
        registry = begin_registry()
        skills = [self._skill(folder)] if self.skill else []
        agents = {
            name: Agent(
                name,
                instructions=instructions,
                skills=skills if has_skill else [],
                environment=[env("REGION", default="eu"), secret("TOKEN")],
            )
            for name, (instructions, has_skill) in self.agents.items()
        }
        flows = {}
        for name, texts in self.workflows.items():
            with Workflow(name) as flow:
                for number, text in enumerate(texts):
                    if text in agents:
                        flow.call_agent(f"task-{number}", agents[text], message=f"To {env('REGION', default='eu')}")
                    else:
                        flow.set(f"task-{number}", text=text)
            flows[name] = flow
        prods = [Environment(name, {"REGION": value}, secrets=["TOKEN"]) for name, value in self.environments.items()]
        for name, owner in self.instances.items():
            if owner in agents:
                AgentInstance(name, agents[owner], environments=prods)
            if owner in flows:
                WorkflowInstance(name, flows[owner], environments=prods, description="of many")
        with TemporaryDirectory() as output:
            write_files(manifest_files(registry, 1), Path(output))
            return read_manifests(Path(output))

    def _skill(self, folder: Path) -> Skill:
        (folder / "tea").mkdir(exist_ok=True)
        (folder / "tea" / "SKILL.md").write_text(f"---\nname: tea\ndescription: Tea\n---\n{self.skill}\n")
        return Skill(folder / "tea")


names = st.sampled_from(NAMES)
codes = st.builds(
    Code,
    agents=st.dictionaries(names, st.tuples(st.sampled_from(INSTRUCTIONS), st.booleans()), max_size=3),
    workflows=st.dictionaries(names, st.lists(names | st.sampled_from(["x", "y"]), min_size=1, max_size=3), max_size=3),
    environments=st.dictionaries(names, st.sampled_from(["eu", "us"]), max_size=2),
    instances=st.dictionaries(names, names, max_size=3),
    skill=st.sampled_from(["", "How to brew", "How to pour"]),
)
organizations = (f"org-{number}" for number in itertools.count())


async def check(history: Sequence[Code], deployments: Deployments, folder: Path, org: str) -> None:
    known: set[tuple[str, str]] = set()
    for code in history:
        manifests = code.define(folder)
        plan = await make_plan(manifests, "demo", org, deployments, folder)
        await check_plan(plan, deployments)
        defined = {(kind_of(each).noun, slug_in(each)) for each in manifests.resources}
        new = {(step.kind.noun, step.slug) for step in plan.having(Action.CREATE)}
        assert new == defined - known
        applied = await apply_plan(plan, deployments)
        assert {item.step.slug for item in applied} == {step.slug for step in plan.changes}
        for item in applied:
            if isinstance(item.resource, EnvironmentMessage):
                # As `environment set` does.
                item.resource.spec.data["TOKEN"].value = "hush-hush"
                await deployments.apply(item.resource)

        again = await make_plan(manifests, "demo", org, deployments, folder)
        assert [(str(step), step.differences) for step in again.changes] == []
        known |= defined
        # Of a skill only its content is pushed, and nobody says which project it is of.
        left = {(kind, slug) for kind, slug in known - defined if kind != "skill"}
        assert {(each.kind.noun, each.slug) for each in again.orphaned} == left
        for step in again.steps:
            stored = await deployments.get(step.kind, step.slug, org)
            assert stored is not None
            if step.kind.noun != "skill":
                assert comparable(stored).spec == comparable(step.resource).spec


async def test_one_deployment_is_enough(tmp_path: Path) -> None:
    async with connected(tmp_path) as (backend, _, _):
        loop, deployments = asyncio.get_running_loop(), backend.deployments()

        @settings(max_examples=25, deadline=None)
        @given(st.lists(codes, min_size=1, max_size=4))
        def whatever_is_saved(history: list[Code]) -> None:
            work = check(history, deployments, tmp_path, next(organizations))
            asyncio.run_coroutine_threadsafe(work, loop).result()

        await asyncio.to_thread(whatever_is_saved)
