"""Traces: what reaches a collector, and that nothing is sent or loaded where nobody asked for it."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from stigmer_tui.api.agent_execution_pb2 import AgentExecutionId, AgentMessage, MessageType, ToolCall, ToolCallStatus
from stigmer_tui.api.api_resource_pb2 import ApiResourceMetadata
from stigmer_tui.api.execution_pb2 import AgentExecutionDelta, MessageDelta
from stigmer_tui.api.model_call_pb2 import ModelCall
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import Hello, StartSubAgentRequest
from stigmer_tui.api.structs import to_struct
from stigmer_tui.api.workflow_execution_pb2 import (
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowTask,
    WorkflowTaskStatus,
)
from stigmer_tui.core import settings
from stigmer_tui.core.trace_context import task_part, traceparent
from stigmer_tui.definition.sub_agent_calls import child_metadata
from stigmer_tui.server import telemetry
from stigmer_tui.server.background import Background
from stigmer_tui.server.spans import Origin, spans_of
from tests.server.builders import agent, agent_run
from tests.server.collector import attributes, collecting
from tests.server.conftest import running
from tests.server.runner import attached

BEGAN, ENDED = "2026-11-29T01:00:00.000Z", "2026-11-29T01:00:02.500Z"


async def run_agent_with_a_sub_agent(folder: Path) -> Phase:
    """How it ended. The server's end sends what waits."""
    async with running(folder) as api:
        stored = await api.agents.apply(agent())
        created = await api.agent_runs.create(agent_run(stored.metadata.id, message="the question"))
        async with attached(api, Hello.AGENTS) as runner:
            whole = await runner.assignment()
            request = StartSubAgentRequest(
                lease_id=whole.lease_id, key="call-1", message="Read it", agent=agent("reader")
            )
            part = await api.runners.startSubAgent(request)
            call = ToolCall(
                id="call-1",
                name="task",
                args=to_struct({"description": "the argument"}),
                status=ToolCallStatus.TOOL_CALL_FAILED,
                error="the output of a tool",
                started_at=BEGAN,
                completed_at=ENDED,
                component_metadata=child_metadata(part.agent.execution.metadata.id),
            )
            asked = AgentMessage(type=MessageType.MESSAGE_HUMAN, content="the question")
            answer = AgentMessage(type=MessageType.MESSAGE_AI, content="the answer")
            model_call = ModelCall(
                id="m1", model="openai gpt-x", asked_at=BEGAN, ended_at=ENDED, input_tokens=70, output_tokens=7
            )
            messages = [MessageDelta(index=0, message=asked), MessageDelta(index=1, message=answer)]
            started = AgentExecutionDelta(
                started_at=BEGAN, messages=messages, tool_calls=[call], model_calls=[model_call]
            )
            await runner.report(whole.lease_id, started)
            done = AgentExecutionDelta(phase=Phase.COMPLETED.for_agent, started_at=BEGAN, completed_at=ENDED)
            await runner.report(part.lease_id, done)
            await runner.report(whole.lease_id, done)
        ended = await api.agent_run_queries.get(AgentExecutionId(value=created.metadata.id))
        return Phase(ended.status.phase)


async def test_an_execution_and_its_sub_agents_are_one_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as collector:
        monkeypatch.setenv(settings.OTLP_ENDPOINT.variable, collector.address)
        monkeypatch.setattr(telemetry, "FLUSH_LIMIT", 60.0)
        await run_agent_with_a_sub_agent(tmp_path)
    assert set(collector.paths) == {"/v1/traces"}
    agent_span, model = collector.span("invoke_agent helper"), collector.span("chat gpt-x")
    tool, sub_agent = collector.span("execute_tool task"), collector.span("invoke_agent reader")
    assert len(collector.spans) == 4
    assert len({span.trace_id for span in collector.spans}) == 1
    assert agent_span.parent_span_id == b""
    assert tool.parent_span_id == model.parent_span_id == agent_span.span_id
    assert sub_agent.parent_span_id == tool.span_id
    assert agent_span.end_time_unix_nano - agent_span.start_time_unix_nano == 2_500_000_000
    assert attributes(agent_span)["gen_ai.operation.name"] == "invoke_agent"
    assert attributes(agent_span)["gen_ai.usage.input_tokens"] == 70
    assert attributes(model)["gen_ai.provider.name"] == "openai"
    assert attributes(model)["gen_ai.usage.output_tokens"] == 7
    assert attributes(tool)["gen_ai.tool.name"] == "task"
    assert attributes(tool)["error.type"] == "_OTHER"
    assert not any(words in collector.text for words in ("the question", "the answer", "the argument", "output of a"))


async def test_content_is_sent_where_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as collector:
        monkeypatch.setenv(settings.OTLP_ENDPOINT.variable, collector.address)
        monkeypatch.setattr(telemetry, "FLUSH_LIMIT", 60.0)
        monkeypatch.setenv(settings.OTLP_CONTENT.variable, "true")
        await run_agent_with_a_sub_agent(tmp_path)
    agent_span, tool = collector.span("invoke_agent helper"), collector.span("execute_tool task")
    assert "the question" in str(attributes(agent_span)["gen_ai.input.messages"])
    assert "the answer" in str(attributes(agent_span)["gen_ai.output.messages"])
    assert "the argument" in str(attributes(tool)["gen_ai.tool.call.arguments"])
    assert tool.status.message == "the output of a tool"


async def test_without_the_variable_nothing_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(settings.OTLP_ENDPOINT.variable, raising=False)
    with collecting() as collector:
        # A variable of the same standard, which alone asks for nothing.
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{collector.address}/v1/traces")
        await run_agent_with_a_sub_agent(tmp_path)
    assert collector.paths == []


def test_without_the_variable_the_library_is_not_loaded() -> None:
    code = """
import os, sys
import stigmer_tui.server.server, stigmer_tui.workflow.runner
from stigmer_tui.server.telemetry import open_telemetry
assert open_telemetry(None, None, {}) is None
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("environment", "is_installed", "words"),
    [
        ({}, False, "the extra is not installed; pip install 'stigmer-tui[otel]'"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, True, "only http/protobuf is known"),
    ],
)
async def test_what_keeps_traces_from_being_sent_is_in_the_log(
    environment: dict[str, str],
    is_installed: bool,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if not is_installed:
        monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    async with running(tmp_path) as api:
        asked = {settings.OTLP_ENDPOINT.variable: "http://127.0.0.1:4318", **environment}
        assert telemetry.open_telemetry(api.server.executions, Background(), asked) is None
    assert words in caplog.text


class Flaky(SpanExporter):
    def __init__(self, *results: SpanExportResult) -> None:
        self.results = list(results)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self.results.pop(0)


def test_a_collector_that_is_down_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    down, up = SpanExportResult.FAILURE, SpanExportResult.SUCCESS
    exporter = telemetry.reporting(Flaky(down, down, down, up, up, down), "http://box:4318")
    for _ in range(6):
        exporter.export([])
    assert [record.message for record in caplog.records] == [
        "the collector at http://box:4318 takes no traces, which are dropped until it does",
        "the collector at http://box:4318 takes traces again",
        "the collector at http://box:4318 takes no traces, which are dropped until it does",
    ]


async def test_a_run_ends_with_a_collector_that_is_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as closed:
        pass
    monkeypatch.setenv(settings.OTLP_ENDPOINT.variable, closed.address)
    assert await run_agent_with_a_sub_agent(tmp_path) is Phase.COMPLETED


def test_tasks_hang_below_each_other_and_a_request_is_in_the_place_that_its_header_names() -> None:
    status = WorkflowExecutionStatus(
        phase=Phase.FAILED.for_workflow, started_at=BEGAN, completed_at=ENDED, error="the error"
    )
    done, failed = WorkflowTaskStatus.WORKFLOW_TASK_COMPLETED, WorkflowTaskStatus.WORKFLOW_TASK_FAILED
    loop = WorkflowTask(task_id="/each", status=done, started_at=BEGAN, completed_at=ENDED)
    call = WorkflowTask(task_id="/each/0/ask", status=failed, started_at=BEGAN, input=to_struct({"method": "GET"}))
    call.metadata.update({"parent": "/each", "error_type": "http", "kind": "HTTP_CALL"})
    status.tasks.extend([loop, call, WorkflowTask(task_id="/never")])
    execution = WorkflowExecution(metadata=ApiResourceMetadata(id="wex_1"), status=status)
    whole, outer, inner = spans_of(execution, Origin("wex_1", "tally"), with_content=False)
    assert (whole.name, whole.error_type, whole.error) == ("invoke_workflow tally", "failed", "")
    assert (outer.parent_id, inner.parent_id) == (whole.span_id, outer.span_id)
    assert (inner.error_type, inner.is_client, inner.ended_at) == ("http", True, whole.ended_at)
    header = traceparent("wex_1", task_part("/each/0/ask"))
    assert header == f"00-{inner.trace_id:032x}-{inner.span_id:016x}-01"
