"""Who may call what: the token, runners' tokens, and what a server without a token does not do."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from grpc.aio import AioRpcError, Channel

from stigmer_tui.api.agent_pb2 import AgentId
from stigmer_tui.api.agent_pb2_grpc import AgentQueryControllerStub
from stigmer_tui.api.channel import open_channel
from stigmer_tui.api.execution_pb2 import AgentExecutionDelta
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import Hello, ReportRequest, RunnerMessage, StartAgentRequest, StartWorkflowRequest
from stigmer_tui.api.runner_pb2_grpc import RunnerControllerStub
from stigmer_tui.core.addresses import resolves_to_loopback
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home
from stigmer_tui.core.remote_access import RemoteAccess
from stigmer_tui.server.introspection import OnDemand
from stigmer_tui.server.server import Settings, open_server
from tests.certificates import Authority
from tests.server.builders import agent, agent_run
from tests.server.conftest import OTHER_RUNNER_TOKEN, Api, NoKeyring, NoProcesses, running
from tests.server.runner import attached

RUNNER_SERVICES = {"stigmer_tui.runner.v1.RunnerController", "stigmer_tui.approval.v1.ApprovalRunnerController"}


async def test_without_a_token_only_public_services_answer(api: Api, registered: list[str]) -> None:
    """Point 1: of everything that is registered, and of what will be, each method is called by a stranger."""
    channel = open_channel(api.server.address)
    refused = {method for method in registered if await code_of(channel, method) is grpc.StatusCode.UNAUTHENTICATED}
    await channel.close()
    assert {method.split("/")[1] for method in refused} == RUNNER_SERVICES
    assert len(refused) == 6


async def test_with_a_token_no_service_answers_without_it(tmp_path: Path, registered: list[str]) -> None:
    async with running(tmp_path / "home", token="the-token") as api:
        for token in ("", "wrong", "the-token "):
            channel = open_channel(api.server.address, token)
            codes = {await code_of(channel, method) for method in registered}
            await channel.close()
            assert codes == {grpc.StatusCode.UNAUTHENTICATED}


@pytest.mark.parametrize("token", ["", "the-token"])
async def test_a_client_is_no_runner(tmp_path: Path, token: str) -> None:
    """Point 1: with or without the token of the instance, nobody gets the work of a runner, and its secrets."""
    async with running(tmp_path, token=token) as api:
        stored = await api.agents.apply(agent())
        await api.agent_runs.create(agent_run(stored.metadata.id))
        stranger = RunnerControllerStub(api.channel)

        async def hello() -> AsyncIterator[RunnerMessage]:
            yield RunnerMessage(hello=Hello(kind=Hello.AGENTS, capacity=10))

        with pytest.raises(AioRpcError) as attaching:
            await anext(aiter(stranger.attach(hello())))
        assert attaching.value.code() is grpc.StatusCode.UNAUTHENTICATED
        async with attached(api, Hello.AGENTS) as runner:
            lease = (await runner.assignment()).lease_id
            done = AgentExecutionDelta(phase=Phase.COMPLETED.for_agent)
            for call in (
                stranger.report(ReportRequest(lease_id=lease, agent=done)),
                stranger.startAgent(StartAgentRequest(lease_id=lease, key="k", agent="helper", message="hi")),
                stranger.startWorkflow(StartWorkflowRequest(lease_id=lease, key="k", workflow="billing")),
            ):
                with pytest.raises(AioRpcError) as calling:
                    await call
                assert calling.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_a_lease_is_of_one_runner(api: Api) -> None:
    """Point 2: another runner, although the server started it too, cannot speak for the one that has the lease."""
    stored = await api.agents.apply(agent())
    await api.agent_runs.create(agent_run(stored.metadata.id))
    channel = open_channel(api.server.address, OTHER_RUNNER_TOKEN)
    other = RunnerControllerStub(channel)
    async with attached(api, Hello.AGENTS) as runner:
        lease = (await runner.assignment()).lease_id
        done = AgentExecutionDelta(phase=Phase.COMPLETED.for_agent)
        with pytest.raises(AioRpcError) as error:
            await other.report(ReportRequest(lease_id=lease, agent=done))
        assert error.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        await runner.report(lease, done)
    await channel.close()


async def test_a_runner_may_use_the_public_services_by_its_own_token(tmp_path: Path) -> None:
    async with running(tmp_path, token="the-token") as api:
        with pytest.raises(AioRpcError) as error:
            await AgentQueryControllerStub(api.runner_channel).get(AgentId(value="agt_x"))
    assert error.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "0:0", "*:0", "no.such.host.invalid:0"])
async def test_a_server_without_a_token_is_for_this_machine_only(tmp_path: Path, address: str) -> None:
    """Point 1: `--no-auth` opens nothing to other machines, whichever of the addresses would be taken."""
    home = Home(tmp_path)
    home.prepare()
    for addresses in ([address], ["127.0.0.1:0", address]):
        with pytest.raises(StigmerError, match="listens on this machine only") as error:
            async with open_server(Settings(home, addresses, ""), NoProcesses(), NoKeyring()):
                pass
        assert "Leave out --no-auth" in error.value.advice


async def test_other_machines_are_answered_by_tls_only(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    with pytest.raises(StigmerError, match="speak to them in clear"):
        async with open_server(Settings(home, ["0.0.0.0:0"], "the-token"), NoProcesses(), NoKeyring()):
            pass
    remote = RemoteAccess("127.0.0.1:0", *Authority().sign("127.0.0.1").write(tmp_path, "server"))
    with pytest.raises(StigmerError, match="with a token only"):
        async with open_server(Settings(home, ["127.0.0.1:0"], "", remote), NoProcesses(), NoKeyring()):
            pass


async def test_a_renewed_certificate_is_used_without_a_restart(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    first, second = Authority(), Authority()
    # A port that nothing listens at: with port 0 nobody would learn which it is.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
    remote = RemoteAccess(address, *first.sign("127.0.0.1").write(tmp_path, "server"))

    async def problem(authority: Authority) -> grpc.StatusCode:
        channel = open_channel(address, "the-token", tls=True, certificates=authority.certificate)
        try:
            with pytest.raises(AioRpcError) as error:
                await AgentQueryControllerStub(channel).get(AgentId(value="agt_x"))
        finally:
            await channel.close()
        return error.value.code()

    async with open_server(Settings(home, ["127.0.0.1:0"], "the-token", remote), NoProcesses(), NoKeyring()):
        assert await problem(first) is grpc.StatusCode.NOT_FOUND
        second.sign("127.0.0.1").write(tmp_path, "server")
        assert await problem(first) is grpc.StatusCode.UNAVAILABLE
        assert await problem(second) is grpc.StatusCode.NOT_FOUND
        # What is no certificate does not replace one.
        remote.certificate.write_text("damaged")
        assert await problem(second) is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1", "[::ffff:127.0.0.1]:1"])
def test_addresses_of_this_machine(address: str) -> None:
    assert resolves_to_loopback(address)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of all methods that the server registers, however it does that."""
    methods: list[str] = []
    make = grpc.aio.server

    def server(*args: Any, **options: Any) -> Any:
        made: Any = make(*args, **options)
        add_generic, add_registered = made.add_generic_rpc_handlers, made.add_registered_method_handlers

        def generic(handlers: Iterable[grpc.GenericRpcHandler]) -> None:
            handlers = list(handlers)
            for handler in handlers:
                loaded = handler.handlers() if isinstance(handler, OnDemand) else handler
                methods.extend(getattr(loaded, "_method_handlers"))  # noqa: B009 - grpc has no public way
            add_generic(handlers)

        def of_service(name: str, handlers: Mapping[str, Any]) -> None:
            methods.extend(f"/{name}/{method}" for method in handlers)
            add_registered(name, handlers)

        made.add_generic_rpc_handlers = generic
        made.add_registered_method_handlers = of_service
        return made

    monkeypatch.setattr(grpc.aio, "server", server)
    return methods


@pytest.fixture
async def api(tmp_path: Path, registered: list[str]) -> AsyncIterator[Api]:
    async with running(tmp_path) as api:
        yield api


async def code_of(channel: Channel, method: str) -> grpc.StatusCode:
    """Of a call with an empty message; OK for a stream that does not refuse it at once."""
    call: Any = channel.unary_stream(method)
    stream = call(b"", timeout=5)
    try:
        await anext(aiter(stream), None)
    except AioRpcError as error:
        return error.code()
    finally:
        stream.cancel()
    return grpc.StatusCode.OK
