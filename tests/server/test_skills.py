"""Skills on the server: what is taken, what is kept, and which version a run has."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import pytest
from grpc.aio import AioRpcError

from stigmer_tui.api.agent_execution_pb2 import AgentExecution
from stigmer_tui.api.agent_pb2 import SubAgent
from stigmer_tui.api.api_resource_kind_pb2 import ApiResourceKind
from stigmer_tui.api.api_resource_pb2 import ApiResourceReference
from stigmer_tui.api.runner_pb2 import Hello
from stigmer_tui.api.skill_pb2 import GetArtifactRequest, PushSkillRequest, Skill
from tests.server.archives import zipped
from tests.server.builders import ORGANIZATION, agent, agent_run
from tests.server.conftest import Api, running
from tests.server.runner import attached


def pushing(text: str, tag: str = "", org: str = "acme") -> PushSkillRequest:
    return PushSkillRequest(name="style", scope=ORGANIZATION, org=org, artifact=zipped(SKILL__md=text), tag=tag)


def style(version: str = "") -> ApiResourceReference:
    return ApiResourceReference(kind=ApiResourceKind.skill, slug="style", version=version)


async def test_every_version_is_read_back_also_after_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        first = await api.skills.push(pushing("# One", "v1"))
        second = await api.skills.push(pushing("# Two", "v2"))
    async with running(tmp_path) as api:
        for version, skill in {"v1": first, first.status.version_hash: first, "v2": second, "": second}.items():
            found = await api.skill_queries.getByReference(style(version))
            assert found.spec.skill_md == skill.spec.skill_md
            key = GetArtifactRequest(artifact_storage_key=found.status.artifact_storage_key)
            assert (await api.skill_queries.getArtifact(key)).artifact == zipped(SKILL__md=skill.spec.skill_md)


async def test_the_same_skill_pushed_at_the_same_time_is_kept_once(api: Api, tmp_path: Path) -> None:
    await api.skills.push(pushing("# One"))
    await asyncio.gather(*(api.skills.push(pushing("# Two", f"t{number}")) for number in range(8)))
    names = [path.name for path in (tmp_path / "data" / "skills").iterdir()]
    assert len(names) == 2
    assert all(name.endswith(".zip") for name in names)


@pytest.mark.parametrize("name", ["../outside", "/outside", "a\\outside"])
async def test_archives_that_lead_out_of_their_skill_are_not_taken(api: Api, name: str) -> None:
    artifact = zipped(**{"SKILL__md": "# One", name: "x"})
    with pytest.raises(AioRpcError) as error:
        await api.skills.push(PushSkillRequest(name="style", scope=ORGANIZATION, org="acme", artifact=artifact))
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert repr(name) in (error.value.details() or "")


async def created(api: Api, *skills: ApiResourceReference, sub_agents: tuple[SubAgent, ...] = ()) -> AgentExecution:
    helper = agent()
    del helper.spec.skill_refs[:]
    helper.spec.skill_refs.extend(skills)
    helper.spec.sub_agents.extend(sub_agents)
    stored = await api.agents.apply(helper)
    return await api.agent_runs.create(agent_run(agent_id=stored.metadata.id))


async def test_a_run_keeps_the_versions_of_its_creation(api: Api) -> None:
    """Also for its sub-agents, and for a runner that begins, or resumes it, after a push."""
    org = agent().metadata.org
    first: Skill = await api.skills.push(pushing("# One", "v1", org))
    reader = SubAgent(name="reader", instructions="Read the files.", skill_refs=[style("v1")])
    await created(api, style(), sub_agents=(reader,))
    await api.skills.push(pushing("# Two", "v1", org))
    async with attached(api, Hello.AGENTS) as runner:
        given = (await runner.assignment()).agent.agent.spec
    hashes = [given.skill_refs[0].version, given.sub_agents[0].skill_refs[0].version]
    assert hashes == [first.status.version_hash] * 2


async def test_runs_without_their_skills_are_not_created(api: Api) -> None:
    await api.skills.push(pushing("# One", "v1", agent().metadata.org))
    missing = ApiResourceReference(kind=ApiResourceKind.skill, slug="citation")
    with pytest.raises(AioRpcError) as error:
        await created(api, missing, style("v9"))
    assert error.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert error.value.details() == (
        "helper cannot run: there is no skill citation, no skill style in version v9; "
        "push it: stigmer-tui skill push FOLDER"
    )
    with pytest.raises(AioRpcError) as error:
        await created(api, style(), style("v1"))
    assert "has two skills with the name style" in (error.value.details() or "")
