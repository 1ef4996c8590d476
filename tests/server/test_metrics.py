"""Figures for Prometheus: what is counted, and who may read it."""

from __future__ import annotations

import asyncio

import pytest

from stigmer_tui.api.agent_execution_pb2 import AgentExecution, ToolCall, ToolCallStatus
from stigmer_tui.api.daemon_pb2 import Component, Status
from stigmer_tui.api.model_call_pb2 import ModelCall
from stigmer_tui.api.model_calls import MODEL_CALLS, write_model_calls
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecution
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.server.metrics import Metrics
from stigmer_tui.server.metrics_endpoint import serving_metrics


def agent_execution() -> AgentExecution:
    execution = AgentExecution()
    status = execution.status
    status.phase = Phase.COMPLETED.for_agent
    status.started_at, status.completed_at = "2026-11-28T12:00:00Z", "2026-11-28T12:00:02.5Z"
    for name, end in (("ls", ToolCallStatus.TOOL_CALL_COMPLETED), ("execute", ToolCallStatus.TOOL_CALL_FAILED)):
        status.tool_calls.append(ToolCall(name=name, status=end))
    calls = [ModelCall(model='acme "large"', input_tokens=10, cached_tokens=4, output_tokens=2, cost=0.25)] * 2
    execution.metadata.annotations[MODEL_CALLS] = write_model_calls(calls)
    return execution


def test_executions_calls_and_tokens_are_counted() -> None:
    metrics = Metrics()
    metrics.count(agent_execution())
    workflow = WorkflowExecution()
    workflow.status.phase = Phase.FAILED.for_workflow
    metrics.count(workflow)
    component = Component(name="agent-runner", state=Component.BUSY, restarts=3, queued=2, cpu_percent=50)
    lines = metrics.text(Status(version="1.0", running=1, components=[component])).splitlines()
    assert {
        'stigmer_info{version="1.0"} 1',
        'stigmer_component_up{component="agent-runner"} 1',
        'stigmer_component_restarts_total{component="agent-runner"} 3',
        'stigmer_component_cpu_ratio{component="agent-runner"} 0.5',
        'stigmer_component_queued{component="agent-runner"} 2',
        "stigmer_executions_running 1",
        'stigmer_executions_ended_total{kind="agent",phase="completed"} 1',
        'stigmer_executions_ended_total{kind="workflow",phase="failed"} 1',
        'stigmer_execution_duration_seconds_bucket{kind="agent",le="1"} 0',
        'stigmer_execution_duration_seconds_bucket{kind="agent",le="3"} 1',
        'stigmer_execution_duration_seconds_bucket{kind="agent",le="+Inf"} 1',
        'stigmer_execution_duration_seconds_sum{kind="agent"} 2.5',
        'stigmer_model_calls_total{model="acme \\"large\\""} 2',
        'stigmer_model_tokens_total{model="acme \\"large\\"",type="input"} 20',
        'stigmer_model_tokens_total{model="acme \\"large\\"",type="cached"} 8',
        'stigmer_model_cost_dollars_total{model="acme \\"large\\""} 0.5',
        'stigmer_tool_calls_total{tool="execute",outcome="failed"} 1',
    } <= set(lines)
    names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(names) == len(set(names)), "each family stands once"


async def asked(port: int, request: str) -> tuple[str, str]:
    """Status line and body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.encode())
    answer = (await reader.read()).decode()
    writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    return head.split("\r\n")[0], body


@pytest.mark.parametrize(
    ("request_line", "token", "status"),
    [
        ("GET /metrics HTTP/1.1", "Bearer right", "200 OK"),
        ("GET /metrics?x=1 HTTP/1.1", "bearer right", "200 OK"),
        ("GET /metrics HTTP/1.1", "Bearer wrong", "401 Unauthorized"),
        ("GET /metrics HTTP/1.1", "Basic right", "401 Unauthorized"),
        ("GET /metrics HTTP/1.1", "", "401 Unauthorized"),
        ("GET / HTTP/1.1", "Bearer right", "404 Not Found"),
        ("POST /metrics HTTP/1.1", "Bearer right", "405 Method Not Allowed"),
        ("nonsense", "Bearer right", "404 Not Found"),
    ],
)
async def test_only_the_holder_of_the_token_reads_them(request_line: str, token: str, status: str) -> None:
    async def text() -> str:
        return "stigmer_up 1\n"

    async with serving_metrics("127.0.0.1:0", "right", text) as port:
        header = f"Authorization: {token}\r\n" if token else ""
        line, body = await asked(port, f"{request_line}\r\nHost: x\r\n{header}\r\n")
    assert line == f"HTTP/1.1 {status}"
    assert (body == "stigmer_up 1\n") is (status == "200 OK")


async def test_a_request_that_is_too_long_is_dropped() -> None:
    async def text() -> str:
        return ""

    async with serving_metrics("127.0.0.1:0", "", text) as port:
        assert await asked(port, "GET /metrics HTTP/1.1\r\nX: " + "x" * 100_000) == ("", "")
        assert (await asked(port, "GET /metrics HTTP/1.1\r\n\r\n"))[0] == "HTTP/1.1 200 OK"


async def test_an_address_that_is_taken_is_named() -> None:
    async with serving_metrics("127.0.0.1:0", "", None) as port:  # type: ignore[arg-type]
        with pytest.raises(StigmerError, match=f"127.0.0.1:{port}: Address already in use"):
            async with serving_metrics(f"127.0.0.1:{port}", "", None):  # type: ignore[arg-type]
                pass
