"""Point 31: tools that know nothing of us find out whether the server is well, and what it can be asked."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc.aio import AioRpcError, Channel
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse

from stigmer_tui.api.channel import open_channel
from stigmer_tui.api.daemon_pb2 import Component
from stigmer_tui.server.introspection import HEALTH, REFLECTION, REFLECTION_ALPHA
from tests.server.conftest import Api, running

AGENTS = "ai.stigmer.agentic.agent.v1.AgentQueryController"


async def test_the_health_of_the_server_and_of_each_service(api: Api) -> None:
    health: Any = HealthStub(api.channel)
    for service in ("", AGENTS, HEALTH):
        answer = await health.Check(HealthCheckRequest(service=service))
        assert answer.status == HealthCheckResponse.SERVING
    with pytest.raises(AioRpcError) as error:
        await health.Check(HealthCheckRequest(service="no.such.Service"))
    assert error.value.code() is grpc.StatusCode.NOT_FOUND


async def test_health_that_is_watched(api: Api) -> None:
    health: Any = HealthStub(api.channel)
    for service, status in {"": HealthCheckResponse.SERVING, "no": HealthCheckResponse.SERVICE_UNKNOWN}.items():
        stream = health.Watch(HealthCheckRequest(service=service))
        assert (await anext(aiter(stream))).status == status
        stream.cancel()


@pytest.mark.parametrize("name", [REFLECTION, REFLECTION_ALPHA])
async def test_what_the_server_can_be_asked(api: Api, name: str) -> None:
    listed = await ask(api.channel, name, ServerReflectionRequest(list_services=""))
    services = {service.name for service in listed.list_services_response.service}
    assert {AGENTS, HEALTH, name, "stigmer_tui.execution.v1.ExecutionController"} <= services
    for service in services - {REFLECTION}:
        found = await ask(api.channel, name, ServerReflectionRequest(file_containing_symbol=service))
        [*files] = found.file_descriptor_response.file_descriptor_proto
        declared = [
            f"{file.package}.{it.name}" for file in map(FileDescriptorProto.FromString, files) for it in file.service
        ]
        assert service in declared


async def test_they_ask_for_the_token_too(tmp_path: Path) -> None:
    async with running(tmp_path, token="the-token") as api:
        channel = open_channel(api.server.address)
        health: Any = HealthStub(channel)
        with pytest.raises(AioRpcError) as error:
            await health.Check(HealthCheckRequest())
        assert error.value.code() is grpc.StatusCode.UNAUTHENTICATED
        # Nothing is sent: grpc calls it an internal error when the refusal comes while a message is being written.
        refused = introspection(channel, REFLECTION)()
        assert await refused.code() is grpc.StatusCode.UNAUTHENTICATED
        await channel.close()
        with_token: Any = HealthStub(api.channel)
        assert (await with_token.Check(HealthCheckRequest())).status == HealthCheckResponse.SERVING


async def test_an_existing_server_has_neither(tmp_path: Path) -> None:
    async with running(tmp_path, plain=True) as api:
        health: Any = HealthStub(api.channel)
        with pytest.raises(AioRpcError) as error:
            await health.Check(HealthCheckRequest())
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_server_starts_without_them() -> None:
    loaded = "{'grpc_health.v1', 'grpc_reflection.v1alpha'} & sys.modules.keys()"
    code = f"import sys, stigmer_tui.server.server; print({loaded})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"set()\n"


def introspection(channel: Channel, name: str) -> Any:
    return channel.stream_stream(
        f"/{name}/ServerReflectionInfo",
        request_serializer=ServerReflectionRequest.SerializeToString,
        response_deserializer=ServerReflectionResponse.FromString,
    )


async def ask(channel: Channel, name: str, request: ServerReflectionRequest) -> ServerReflectionResponse:
    stream = introspection(channel, name)(iter([request]))
    async with asyncio.timeout(60):
        answer = await anext(aiter(stream))
    stream.cancel()
    assert isinstance(answer, ServerReflectionResponse)
    return answer


async def test_the_health_of_each_process_follows_its_readiness(api: Api) -> None:
    health: Any = HealthStub(api.channel)
    runner = Component(name="agent-runner", state=Component.READY, pid=4711)
    server = Component(name="server", state=Component.READY, pid=1)
    api.processes.statuses = lambda: [server, runner]  # type: ignore[method-assign]
    watched = aiter(health.Watch(HealthCheckRequest(service="agent-runner")))
    assert (await anext(watched)).status == HealthCheckResponse.SERVING
    runner.state = Component.NOT_READY
    api.processes.changes.note()
    assert (await anext(watched)).status == HealthCheckResponse.NOT_SERVING
    # The daemon itself answers, and takes what waits for the runner.
    assert (await health.Check(HealthCheckRequest())).status == HealthCheckResponse.SERVING
    server.state = Component.NOT_READY
    for service in ("", AGENTS):
        assert (await health.Check(HealthCheckRequest(service=service))).status == HealthCheckResponse.NOT_SERVING
