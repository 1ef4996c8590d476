"""The numbered defects of an existing server, each with the test that ours does not have it.

See `docs/compatibility.md` B1–B35.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from grpc.aio import AioRpcError

from stigmer_tui.api.agent_execution_pb2 import (
    AgentExecutionId,
    AgentExecutionStatus,
    AgentExecutionUpdateStatusInput,
    AgentMessage,
    ExecutionPhase,
    ListAgentExecutionsBySessionRequest,
    ListAgentExecutionsRequest,
    MessageType,
)
from stigmer_tui.api.agent_instance_pb2 import (
    AgentInstance,
    AgentInstanceSpec,
    GetAgentInstancesByAgentRequest,
)
from stigmer_tui.api.agent_pb2 import AgentId
from stigmer_tui.api.agent_pb2_grpc import AgentQueryControllerStub
from stigmer_tui.api.api_resource_pb2 import ApiResourceId, ApiResourceReference
from stigmer_tui.api.channel import open_channel
from stigmer_tui.api.kinds import AGENT, API_VERSION, ENVIRONMENT
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import Hello
from stigmer_tui.api.session_pb2 import ListSessionsByAgentRequest, ListSessionsRequest
from stigmer_tui.api.skill_pb2 import GetArtifactRequest, PushSkillRequest
from stigmer_tui.api.structs import to_struct
from stigmer_tui.api.workflow_execution_pb2 import (
    ListWorkflowExecutionsByWorkflowRequest,
    ListWorkflowExecutionsRequest,
    SubscribeWorkflowExecutionRequest,
    WorkflowExecutionStatus,
    WorkflowExecutionUpdateStatusInput,
)
from stigmer_tui.api.workflow_pb2 import WorkflowId
from stigmer_tui.core.paths import Home
from tests.server.archives import zipped
from tests.server.builders import (
    ORGANIZATION,
    PLATFORM,
    agent,
    agent_run,
    environment,
    metadata,
    session_with,
    values,
    workflow,
    workflow_run,
)
from tests.server.conftest import Api, running
from tests.server.runner import attached

COMPLETED = ExecutionPhase.EXECUTION_COMPLETED
IN_PROGRESS = ExecutionPhase.EXECUTION_IN_PROGRESS


def code(error: pytest.ExceptionInfo[AioRpcError]) -> grpc.StatusCode:
    return error.value.code()


async def update(api: Api, execution_id: str, **status: object) -> None:
    """As an existing agent runner does it."""
    await api.agent_runs.updateStatus(
        AgentExecutionUpdateStatusInput(execution_id=execution_id, status=AgentExecutionStatus(**status))  # type: ignore[arg-type]
    )


def all_bytes(folder: Path) -> Iterator[bytes]:
    return (path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def started(api: Api, message: str = "execute") -> str:
    """Id of an agent execution that nobody works on."""
    stored = await api.agents.apply(agent())
    execution = await api.agent_runs.create(agent_run(stored.metadata.id, message))
    return execution.metadata.id


async def test_b1_lists_list(api: Api) -> None:
    helper = await api.agents.apply(agent())
    tally = await api.workflows.apply(workflow())
    first = await api.agent_runs.create(agent_run(helper.metadata.id))
    second = await api.agent_runs.create(agent_run(helper.metadata.id))
    run = await api.workflow_runs.create(workflow_run(tally.metadata.id))

    runs = await api.agent_run_queries.list(ListAgentExecutionsRequest())
    assert [entry.metadata.id for entry in runs.entries] == [second.metadata.id, first.metadata.id]
    by_session = ListAgentExecutionsBySessionRequest(session_id=first.spec.session_id)
    in_session = await api.agent_run_queries.listBySession(by_session)
    assert [entry.metadata.id for entry in in_session.entries] == [first.metadata.id]
    workflow_runs = await api.workflow_run_queries.list(ListWorkflowExecutionsRequest())
    assert [entry.metadata.id for entry in workflow_runs.entries] == [run.metadata.id]
    by_workflow = ListWorkflowExecutionsByWorkflowRequest(workflow_id=tally.metadata.id)
    assert len((await api.workflow_run_queries.listByWorkflow(by_workflow)).entries) == 1
    assert len((await api.session_queries.list(ListSessionsRequest())).entries) == 2
    of_agent = GetAgentInstancesByAgentRequest(agent_id=helper.metadata.id)
    assert (await api.agent_instance_queries.getByAgent(of_agent)).total_count == 1


async def test_b1_lists_have_pages(api: Api) -> None:
    helper = await api.agents.apply(agent())
    ids = [(await api.agent_runs.create(agent_run(helper.metadata.id))).metadata.id for _ in range(5)][::-1]
    first = await api.agent_run_queries.list(ListAgentExecutionsRequest(page_size=2))
    assert ([entry.metadata.id for entry in first.entries], first.total_pages) == (ids[:2], 3)
    second = await api.agent_run_queries.list(ListAgentExecutionsRequest(page_size=2, page_token=ids[1]))
    assert [entry.metadata.id for entry in second.entries] == ids[2:4]


async def test_b2_an_open_stream_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async with asyncio.timeout(60), running(tmp_path) as api:
        stream = api.agent_run_queries.subscribe(AgentExecutionId(value=await started(api)))
        await anext(aiter(stream))


async def test_b3_ids_have_the_form_that_clients_test_for_and_hyphens_are_understood(api: Api) -> None:
    stored = await api.agents.apply(agent())
    flow = await api.workflows.apply(workflow())
    assert stored.metadata.id.startswith("agt_") and flow.metadata.id.startswith("wf_")
    hyphened = await api.agent_queries.get(AgentId(value=stored.metadata.id.replace("_", "-")))
    assert hyphened.metadata.id == stored.metadata.id
    existing_form = flow.metadata.id.replace("wf_", "wfl-")
    assert (await api.workflow_queries.get(WorkflowId(value=existing_form))).metadata.id == flow.metadata.id
    run = await api.agent_runs.create(agent_run(stored.metadata.id.replace("_", "-")))
    assert run.metadata.id.startswith("agx_") and run.spec.agent_id == stored.metadata.id
    found = await api.agent_run_queries.get(AgentExecutionId(value=run.metadata.id.replace("agx_", "aex-")))
    assert found.metadata.id == run.metadata.id


async def test_b4_a_chosen_id_overwrites_nothing(api: Api) -> None:
    victim = await api.agents.create(agent("victim"))
    with pytest.raises(AioRpcError) as error:
        await api.agents.create(agent("thief", id=victim.metadata.id))
    assert code(error) is grpc.StatusCode.ALREADY_EXISTS
    assert (await api.agent_queries.get(AgentId(value=victim.metadata.id))).metadata.name == "victim"


async def test_b4_apply_with_an_id_and_a_new_name_renames(api: Api) -> None:
    stored = await api.agents.create(agent("before"))
    renamed = await api.agents.apply(agent("after", id=stored.metadata.id))
    assert (renamed.metadata.id, renamed.metadata.name, renamed.metadata.slug) == (
        stored.metadata.id,
        "after",
        "before",
    )


@pytest.mark.parametrize("name", ["", "!!!"])
async def test_b5_a_name_that_gives_no_slug_is_an_invalid_argument(api: Api, name: str) -> None:
    for call in (api.agents.create, api.agents.apply, api.agents.update):
        with pytest.raises(AioRpcError) as error:
            await call(agent(name))
        assert code(error) is grpc.StatusCode.INVALID_ARGUMENT


async def test_b5_an_update_by_id_needs_no_name(api: Api) -> None:
    stored = await api.agents.create(agent("kept"))
    changed = await api.agents.update(agent("", "Answer in two sentences.", id=stored.metadata.id))
    assert (changed.metadata.name, changed.spec.instructions) == ("kept", "Answer in two sentences.")


async def test_b6_of_many_creates_at_once_one_wins(api: Api) -> None:
    outcomes = await asyncio.gather(*(api.agents.create(agent("same")) for _ in range(20)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, AioRpcError)]
    assert len(refused) == 19
    assert {refusal.code() for refusal in refused} == {grpc.StatusCode.ALREADY_EXISTS}


async def test_b6_of_many_applies_at_once_all_meet_one_agent(api: Api) -> None:
    stored = await asyncio.gather(*(api.agents.apply(agent("same")) for _ in range(20)))
    assert len({entry.metadata.id for entry in stored}) == 1


async def test_b7_the_time_of_creation_stays(api: Api) -> None:
    created = await api.agents.create(agent())
    updated = await api.agents.apply(agent(instructions="Answer in two sentences."))
    before, after = created.status.audit, updated.status.audit
    assert after.spec_audit.created_at == before.spec_audit.created_at
    assert after.status_audit.created_at == before.status_audit.created_at
    assert (before.spec_audit.event, after.spec_audit.event) == ("created", "updated")


async def test_b8_b9_delete_and_create_again_gives_a_whole_agent(api: Api) -> None:
    first = await api.agents.create(agent())
    await api.agents.delete(AgentId(value=first.metadata.id))
    second = await api.agents.create(agent())
    assert second.status.default_instance_id not in ("", first.status.default_instance_id)
    run = await api.agent_runs.create(agent_run(second.metadata.id))
    assert run.spec.agent_id == second.metadata.id


async def test_b8_a_taken_name_of_the_default_instance_is_no_obstacle(api: Api) -> None:
    other = await api.agents.create(agent("other"))
    await api.agent_instances.create(
        AgentInstance(
            api_version=API_VERSION,
            kind="AgentInstance",
            metadata=metadata("helper-default"),
            spec=AgentInstanceSpec(agent_id=other.metadata.id),
        )
    )
    stored = await api.agents.create(agent("helper"))
    instance = await api.agent_instance_queries.getByAgent(GetAgentInstancesByAgentRequest(agent_id=stored.metadata.id))
    assert [item.metadata.id for item in instance.items] == [stored.status.default_instance_id]


async def test_b9_a_workflow_created_again_runs_its_own_definition(api: Api) -> None:
    first = await api.workflows.create(workflow())
    await api.workflows.delete(WorkflowId(value=first.metadata.id))
    second = await api.workflows.create(workflow())
    run = await api.workflow_runs.create(workflow_run(second.metadata.id))
    assert run.spec.workflow_instance_id == second.status.default_instance_id
    assert run.spec.workflow_id == second.metadata.id


async def test_b10_what_cannot_be_read_is_not_said_to_be_missing(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        stored = await api.agents.apply(agent())
        with sqlite3.connect(Home(tmp_path).database) as database:
            database.execute("UPDATE resources SET data = x'ff' WHERE id = ?", (stored.metadata.id,))
        with pytest.raises(AioRpcError) as error:
            await api.agent_queries.get(AgentId(value=stored.metadata.id))
        assert code(error) is grpc.StatusCode.INTERNAL
        assert "incident" in (error.value.details() or "")


async def test_b11_a_taken_slug_is_already_exists(api: Api) -> None:
    await api.agents.create(agent())
    with pytest.raises(AioRpcError) as error:
        await api.agents.create(agent())
    assert code(error) is grpc.StatusCode.ALREADY_EXISTS


async def test_b11_slugs_are_unique_within_an_organization_only(api: Api) -> None:
    ours = await api.agents.create(agent(org="ours"))
    theirs = await api.agents.create(agent(org="theirs"))
    assert ours.metadata.id != theirs.metadata.id
    reference = ApiResourceReference(org="theirs", slug="helper", kind=AGENT.number)
    assert (await api.agent_queries.getByReference(reference)).metadata.id == theirs.metadata.id


async def test_b12_what_waits_for_a_runner_is_taken_when_one_comes_also_after_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        execution_id = await started(api)
    async with running(tmp_path) as api, attached(api, Hello.AGENTS) as runner:
        assignment = await runner.assignment()
        assert assignment.agent.execution.metadata.id == execution_id


async def test_b13_b28_environments_reach_the_run_in_their_order(api: Api) -> None:
    helper = await api.agents.apply(agent())
    await api.environments.apply(environment("first", {"A": ("1", False), "B": ("1", False), "C_SECRET": ("s1", True)}))
    await api.environments.apply(environment("second", {"B": ("2", False), "D": ("2", False)}))
    references = [
        ApiResourceReference(scope=ORGANIZATION, org="local", kind=ENVIRONMENT.number, slug=slug)
        for slug in ("first", "second")
    ]
    instance = await api.agent_instances.apply(
        AgentInstance(
            api_version=API_VERSION,
            kind="AgentInstance",
            metadata=metadata("with-environments"),
            spec=AgentInstanceSpec(agent_id=helper.metadata.id, environment_refs=references),
        )
    )
    session = await api.sessions.create(session_with(instance.metadata.id))
    await api.agent_runs.create(agent_run(session_id=session.metadata.id, runtime_env=values(D="run")))
    async with attached(api, Hello.AGENTS) as runner:
        assignment = await runner.assignment()
    seen = {name: variable.value for name, variable in assignment.environment.items()}
    assert seen == {"A": "1", "B": "2", "C_SECRET": "s1", "D": "run"}


async def test_b14_sessions_are_listed_by_agent(api: Api) -> None:
    helper, other = await api.agents.apply(agent()), await api.agents.apply(agent("other"))
    run = await api.agent_runs.create(agent_run(helper.metadata.id))
    await api.agent_runs.create(agent_run(other.metadata.id))
    sessions = await api.session_queries.listByAgent(ListSessionsByAgentRequest(agent_id=helper.metadata.id))
    assert [session.metadata.id for session in sessions.entries] == [run.spec.session_id]


async def test_b15_platform_agents_can_be_run_by_agent_id(api: Api) -> None:
    stored = await api.agents.apply(agent("shared", org="", scope=PLATFORM))
    run = await api.agent_runs.create(agent_run(stored.metadata.id))
    assert run.status.phase == ExecutionPhase.EXECUTION_PENDING


async def test_b16_runs_of_one_millisecond_do_not_collide(api: Api) -> None:
    stored = await api.agents.apply(agent())
    runs = await asyncio.gather(*(api.agent_runs.create(agent_run(stored.metadata.id)) for _ in range(30)))
    assert len({run.spec.session_id for run in runs}) == 30


async def test_b17_a_name_that_is_no_slug_finds_its_default_instance(api: Api) -> None:
    stored = await api.workflows.apply(workflow("Settle Orders"))
    runs = [await api.workflow_runs.create(workflow_run(stored.metadata.id)) for _ in range(2)]
    assert {run.spec.workflow_instance_id for run in runs} == {stored.status.default_instance_id}


async def test_b18_another_organization_does_not_take_a_skill_over(api: Api) -> None:
    def push(org: str, text: str) -> PushSkillRequest:
        return PushSkillRequest(name="style", scope=ORGANIZATION, org=org, artifact=zipped(SKILL__md=text))

    ours = await api.skills.push(push("ours", "ours"))
    theirs = await api.skills.push(push("theirs", "theirs"))
    again = await api.skills.push(push("ours", "ours, second"))
    assert ours.metadata.id == again.metadata.id != theirs.metadata.id
    assert again.status.audit.spec_audit.created_at == ours.status.audit.spec_audit.created_at
    found = await api.skill_queries.getByReference(
        ApiResourceReference(org="ours", slug="style", version=ours.status.version_hash)
    )
    assert found.spec.skill_md == "ours"


@pytest.mark.parametrize("key", ["skills/../../token", "../token", "/etc/passwd", "skills/%2e%2e/token"])
async def test_b19_artifact_keys_reach_artifacts_only(tmp_path: Path, key: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "token").write_text("secret")
    async with running(tmp_path) as api:
        with pytest.raises(AioRpcError) as error:
            await api.skill_queries.getArtifact(GetArtifactRequest(artifact_storage_key=key))
    assert code(error) is grpc.StatusCode.NOT_FOUND


async def test_b20_a_final_phase_is_final(api: Api) -> None:
    execution_id = await started(api)
    await update(api, execution_id, phase=COMPLETED)
    await update(api, execution_id, phase=IN_PROGRESS, error="late")
    stored = await api.agent_run_queries.get(AgentExecutionId(value=execution_id))
    assert (stored.status.phase, stored.status.error) == (COMPLETED, "")


async def test_b21_of_many_updates_at_once_none_is_lost(api: Api) -> None:
    tally = await api.workflows.apply(workflow())
    run = await api.workflow_runs.create(workflow_run(tally.metadata.id))

    async def change(**status: object) -> None:
        request = WorkflowExecutionUpdateStatusInput(
            execution_id=run.metadata.id,
            status=WorkflowExecutionStatus(**status),  # type: ignore[arg-type]
        )
        await api.workflow_runs.updateStatus(request)

    await asyncio.gather(change(error="an error"), change(started_at="2026-11-21T10:00:00Z"), change(phase=IN_PROGRESS))
    request = SubscribeWorkflowExecutionRequest(execution_id=run.metadata.id)
    stored = await anext(aiter(api.workflow_run_queries.subscribe(request)))
    assert Phase(stored.status.phase) is Phase.IN_PROGRESS
    assert (stored.status.error, stored.status.started_at) == ("an error", "2026-11-21T10:00:00Z")


async def test_b22_subscribing_to_a_finished_execution_ends(api: Api) -> None:
    execution_id = await started(api)
    await update(api, execution_id, phase=COMPLETED)
    stream = api.agent_run_queries.subscribe(AgentExecutionId(value=execution_id))
    received = [execution.status.phase async for execution in stream]
    assert received == [COMPLETED]


async def test_b23_b24_b25_a_subscriber_sees_versions_in_order_and_always_the_last(api: Api) -> None:
    execution_id = await started(api)

    async def read() -> list[int]:
        stream = api.agent_run_queries.subscribe(AgentExecutionId(value=execution_id))
        return [len(execution.status.messages) async for execution in stream]

    readers = [asyncio.create_task(read()) for _ in range(5)]
    messages = [AgentMessage(type=MessageType.MESSAGE_AI, content=str(number)) for number in range(300)]
    for count in range(1, 301):
        await update(api, execution_id, messages=messages[:count], phase=IN_PROGRESS)
    await update(api, execution_id, phase=COMPLETED)
    for seen in await asyncio.gather(*readers):
        assert seen == sorted(seen)
        assert seen[-1] == 300


async def test_b26_deleting_an_execution_ends_its_streams(api: Api) -> None:
    execution_id = await started(api)
    stream = aiter(api.agent_run_queries.subscribe(AgentExecutionId(value=execution_id)))
    last = await anext(stream)
    await api.agent_runs.delete(ApiResourceId(value=execution_id))
    try:
        async for execution in stream:
            last = execution
    except AioRpcError as error:
        # A reader that was slow has missed the end.
        assert error.code() is grpc.StatusCode.NOT_FOUND
    else:
        assert (Phase(last.status.phase), last.status.error) == (Phase.CANCELLED, "deleted")


@pytest.mark.parametrize("keyring", [True, False])
async def test_b27_secrets_are_never_in_clear(tmp_path: Path, keyring: bool) -> None:
    async with running(tmp_path, keyring=keyring) as api:
        stored = await api.environments.apply(environment("shop", {"KEY": ("hunter2-environment", True)}))
        helper = await api.agents.apply(agent())
        run = await api.agent_runs.create(
            agent_run(helper.metadata.id, runtime_env=values(TOKEN_SECRET="hunter2-run", REGION="eu"))
        )
        assert stored.spec.data["KEY"].value == "[REDACTED]"
        assert run.spec.runtime_env["TOKEN_SECRET"].value == "[REDACTED]"
        assert run.spec.runtime_env["REGION"].value == "eu"
        async with attached(api, Hello.AGENTS) as runner:
            assignment = await runner.assignment()
        assert assignment.environment["TOKEN_SECRET"].value == "hunter2-run"
    assert b"hunter2" not in b"".join(all_bytes(tmp_path))


async def test_b27_a_mark_that_is_sent_back_keeps_the_value(api: Api) -> None:
    stored = await api.environments.apply(environment("shop", {"KEY": ("hunter2-environment", True)}))
    stored.spec.description = "changed"
    await api.environments.apply(stored)
    helper = await api.agents.apply(agent())
    instance = AgentInstance(
        api_version=API_VERSION,
        kind="AgentInstance",
        metadata=metadata("with-shop"),
        spec=AgentInstanceSpec(
            agent_id=helper.metadata.id,
            environment_refs=[ApiResourceReference(org="local", kind=ENVIRONMENT.number, slug="shop")],
        ),
    )
    instance = await api.agent_instances.apply(instance)
    session = await api.sessions.create(session_with(instance.metadata.id))
    await api.agent_runs.create(agent_run(session_id=session.metadata.id))
    async with attached(api, Hello.AGENTS) as runner:
        assert (await runner.assignment()).environment["KEY"].value == "hunter2-environment"


async def test_calls_without_the_token_are_refused(tmp_path: Path) -> None:
    async with running(tmp_path, token="the-token") as api:
        await api.agents.apply(agent())
        channel = open_channel(api.server.address)
        with pytest.raises(AioRpcError) as error:
            await AgentQueryControllerStub(channel).get(AgentId(value="agt_x"))
        await channel.close()
    assert code(error) is grpc.StatusCode.UNAUTHENTICATED


async def test_b27_what_a_workflow_uses_as_a_secret_is_one(tmp_path: Path) -> None:
    """Whoever starts the run need not know that."""
    async with running(tmp_path, keyring=True) as api:
        tally = workflow()
        tally.spec.tasks[0].task_config.CopyFrom(to_struct({"variables": {"header": "Bearer ${ .secrets.TOKEN }"}}))
        tally = await api.workflows.apply(tally)
        run = await api.workflow_runs.create(workflow_run(tally.metadata.id, runtime_env=values(TOKEN="hunter2-run")))
        assert run.spec.runtime_env["TOKEN"].value == "[REDACTED]"
        async with attached(api, Hello.WORKFLOWS) as runner:
            assignment = await runner.assignment()
        assert assignment.environment["TOKEN"].value == "hunter2-run"
        assert assignment.environment["TOKEN"].is_secret
    assert b"hunter2" not in b"".join(all_bytes(tmp_path))


async def test_b27_a_message_that_holds_a_secret_reaches_the_runner_only(tmp_path: Path) -> None:
    async with running(tmp_path, keyring=True) as api:
        helper = await api.agents.apply(agent())
        run = await api.agent_runs.create(
            agent_run(helper.metadata.id, message="use hunter2-run", runtime_env=values(TOKEN_SECRET="hunter2-run"))
        )
        assert run.spec.message == "use [REDACTED]"
        async with attached(api, Hello.AGENTS) as runner:
            assignment = await runner.assignment()
        assert assignment.agent.execution.spec.message == "use hunter2-run"
    assert b"hunter2" not in b"".join(all_bytes(tmp_path))
