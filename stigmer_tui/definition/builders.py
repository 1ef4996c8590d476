"""One builder for each kind of task: from the message of its configuration to the task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from stigmer_tui.api import workflow_tasks_pb2 as messages
from stigmer_tui.api.api_resource_pb2 import WorkflowTaskKind
from stigmer_tui.definition.task_reader import CONFIG, TaskReader
from stigmer_tui.definition.tasks import (
    DEFAULT_TIMEOUT,
    ActivityTask,
    AgentTask,
    ForkTask,
    ForTask,
    GrpcTask,
    HttpTask,
    ListenTask,
    RaiseTask,
    RunTask,
    SetTask,
    Signal,
    SwitchCase,
    SwitchTask,
    TaskDefinition,
    TryTask,
    WaitTask,
)
from stigmer_tui.definition.templates import parse_condition

Common = dict[str, Any]
"""The fields that tasks of all kinds have."""


def _set(config: messages.SetTaskConfig, reader: TaskReader, common: Common) -> TaskDefinition:
    return SetTask(**common, variables=reader.templates(config.variables, "variables"))


def _http(config: messages.HttpCallTaskConfig, reader: TaskReader, common: Common) -> TaskDefinition:
    return HttpTask(
        **common,
        method=config.method,
        uri=reader.template(config.endpoint.uri, f"{CONFIG}.endpoint.uri"),
        headers=reader.templates(config.headers, "headers"),
        body=reader.structure(config, "body"),
        timeout=config.timeout_seconds or DEFAULT_TIMEOUT,
    )


def _grpc(config: messages.GrpcCallTaskConfig, reader: TaskReader, common: Common) -> TaskDefinition:
    return GrpcTask(**common, service=config.service, method=config.method, request=reader.structure(config, "request"))


def _activity(config: messages.CallActivityTaskConfig, reader: TaskReader, common: Common) -> TaskDefinition:
    return ActivityTask(**common, activity=config.activity, input=reader.structure(config, "input"))


def _switch(config: messages.SwitchTaskConfig, reader: TaskReader, common: Common) -> TaskDefinition:
    cases = (
        SwitchCase(
            case.name,
            reader.template(case.when, f"{CONFIG}.cases[{index}].when", parse_condition) if case.when else None,
            case.then,
        )
        for index, case in enumerate(config.cases)
    )
    return SwitchTask(**common, cases=tuple(cases))


def _for(config: messages.ForTaskConfig, reader: TaskReader, common: Common) -> TaskDefinition:
    items = reader.template(getattr(config, "in"), f"{CONFIG}.in", parse_condition)
    return ForTask(**common, each=config.each, items=items, body=reader.block(config.do))


def _fork(config: messages.ForkTaskConfig, reader: TaskReader, common: Common) -> TaskDefinition:
    branches = (reader.block(branch.do, branch.name or f"[{index}]") for index, branch in enumerate(config.branches))
    return ForkTask(**common, branches=tuple(branches), compete=config.compete)


def _try(config: messages.TryTaskConfig, reader: TaskReader, common: Common) -> TaskDefinition:
    body = reader.block(getattr(config, "try"), "try")
    catch = reader.block(config.catch.do, "catch") if config.HasField("catch") else None
    return TryTask(**common, body=body, catch_as=getattr(config.catch, "as"), catch=catch)


def _listen(config: messages.ListenTaskConfig, _reader: TaskReader, common: Common) -> TaskDefinition:
    signals = (Signal(signal.id, signal.type) for signal in config.to.signals)
    return ListenTask(**common, mode=config.to.mode, signals=tuple(signals))


def _wait(config: messages.WaitTaskConfig, _reader: TaskReader, common: Common) -> TaskDefinition:
    return WaitTask(**common, seconds=config.seconds)


def _raise(config: messages.RaiseTaskConfig, reader: TaskReader, common: Common) -> TaskDefinition:
    return RaiseTask(
        **common,
        error=reader.template(config.error, f"{CONFIG}.error"),
        message=reader.template(config.message, f"{CONFIG}.message"),
    )


def _run(config: messages.RunTaskConfig, reader: TaskReader, common: Common) -> TaskDefinition:
    return RunTask(**common, workflow=config.workflow, input=reader.structure(config, "input"))


def _agent(config: messages.AgentCallTaskConfig, reader: TaskReader, common: Common) -> TaskDefinition:
    return AgentTask(
        **common,
        agent=config.agent,
        message=reader.template(config.message, f"{CONFIG}.message"),
        environment=reader.templates(config.env, "env"),
        model=config.config.model,
        timeout=config.config.timeout,
        temperature=config.config.temperature,
    )


Build = Callable[[Any, TaskReader, Common], TaskDefinition]

KINDS: dict[int, tuple[type[Message], Build]] = {
    WorkflowTaskKind.WORKFLOW_TASK_KIND_SET: (messages.SetTaskConfig, _set),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_HTTP_CALL: (messages.HttpCallTaskConfig, _http),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_GRPC_CALL: (messages.GrpcCallTaskConfig, _grpc),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_CALL_ACTIVITY: (messages.CallActivityTaskConfig, _activity),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_SWITCH: (messages.SwitchTaskConfig, _switch),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_FOR: (messages.ForTaskConfig, _for),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_FORK: (messages.ForkTaskConfig, _fork),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_TRY: (messages.TryTaskConfig, _try),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_LISTEN: (messages.ListenTaskConfig, _listen),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_WAIT: (messages.WaitTaskConfig, _wait),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_RAISE: (messages.RaiseTaskConfig, _raise),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_RUN: (messages.RunTaskConfig, _run),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_AGENT_CALL: (messages.AgentCallTaskConfig, _agent),
}
