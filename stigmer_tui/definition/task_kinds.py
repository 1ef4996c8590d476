"""The kinds of tasks, each a class: its fields, how they are read and checked, and how it is shown.

What runs a kind is in `stigmer_tui.workflow`; how it is written in Python, in `stigmer_tui.sdk`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from google.protobuf.message import Message

from stigmer_tui.api import workflow_tasks_pb2 as messages
from stigmer_tui.api.api_resource_pb2 import WorkflowTaskKind
from stigmer_tui.definition.problems import DefinitionProblem
from stigmer_tui.definition.task_reader import CONFIG, Common, TaskReader
from stigmer_tui.definition.tasks import TaskDefinition, TaskList
from stigmer_tui.definition.templates import OPENING, Template, parse_condition

DEFAULT_TIMEOUT = 30
"""Seconds for an HTTP request without a timeout of its own (`docs/compatibility.md` 57)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTask(TaskDefinition):
    """A task of a kind that can be read."""

    number: ClassVar[WorkflowTaskKind.ValueType]
    """Its number in the proto's enum."""
    config: ClassVar[type[Message]]
    """The message of its configuration."""

    @classmethod
    def read(cls, config: Any, reader: TaskReader, common: Common) -> Self:
        """Reads a task from the message of its configuration and the common fields."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTask(KnownTask):
    """Sets variables."""

    kind = "SET"
    number = WorkflowTaskKind.WORKFLOW_TASK_KIND_SET
    config = messages.SetTaskConfig
    label = "set"
    report_type = "TRANSFORM"
    is_supported = True

    variables: Mapping[str, Template] = field(default_factory=dict)

    @classmethod
    def read(cls, config: messages.SetTaskConfig, reader: TaskReader, common: Common) -> Self:
        return cls(**common, variables=reader.templates(config.variables, "variables"))


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTask(KnownTask):
    """Sends an HTTP request."""

    kind = "HTTP_CALL"
    number = WorkflowTaskKind.WORKFLOW_TASK_KIND_HTTP_CALL
    config = messages.HttpCallTaskConfig
    label = "http"
    report_type = "API_CALL"
    is_supported = True

    method: str
    uri: Template
    headers: Mapping[str, Template] = field(default_factory=dict)
    body: Any = None
    """JSON-like data with templates in place of texts, or None for no body."""
    timeout: int = DEFAULT_TIMEOUT
    """Seconds, for each attempt."""

    @classmethod
    def read(cls, config: messages.HttpCallTaskConfig, reader: TaskReader, common: Common) -> Self:
        return cls(
            **common,
            method=config.method,
            uri=reader.template(config.endpoint.uri, f"{CONFIG}.endpoint.uri"),
            headers=reader.templates(config.headers, "headers"),
            body=reader.structure(config, "body"),
            timeout=config.timeout_seconds or DEFAULT_TIMEOUT,
        )

    def problems(self) -> Iterator[DefinitionProblem]:
        # An address that begins with an expression is not known yet.
        text = self.uri.source
        if text and not text.startswith(OPENING) and not text.lower().startswith(("http://", "https://")):
            yield DefinitionProblem(self.path, self.uri.where, f"{text}: an address begins with http:// or https://")


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcTask(KnownTask):
    """Calls a gRPC method."""

    kind = "GRPC_CALL"
    number = WorkflowTaskKind.WORKFLOW_TASK_KIND_GRPC_CALL
    config = messages.GrpcCallTaskConfig
    label = "grpc_call"

    service: str
    method: str
    request: Any = None

    @classmethod
    def read(cls, config: messages.GrpcCallTaskConfig, reader: TaskReader, common: Common) -> Self:
        request = reader.structure(config, "request")
        return cls(**common, service=config.service, method=config.method, request=request)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityTask(KnownTask):
    """Runs an activity of the engine."""

    kind = "CALL_ACTIVITY"
    number = WorkflowTaskKind.WORKFLOW_TASK_KIND_CALL_ACTIVITY
    config = messages.CallActivityTaskConfig
    label = "call_activity"

    activity: str
    input: Any = None

    @classmethod
    def read(cls, config: messages.CallActivityTaskConfig, reader: TaskReader, common: Common) -> Self:
        return cls(**common, activity=config.activity, input=reader.structure(config, "input"))


@dataclass(frozen=True, slots=True)
class SwitchCase:
    """A case of a switch."""

    name: str
    when: Template | None
    """The condition; None for the default case."""
    then: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchTask(KnownTask):
    """Goes on at the first case whose condition holds."""

    kind = "SWITCH"
    number = WorkflowTaskKind.WORKFLOW_TASK_KIND_SWITCH
    config = messages.SwitchTaskConfig
    label = "switch"
    report_type = "CONDITIONAL"
    is_supported = True

    cases: tuple[SwitchCase, ...] = ()

    @classmethod
    def read(cls, config: messages.SwitchTaskConfig, reader: TaskReader, common: Common) -> Self:
        cases = (
            SwitchCase(
                case.name,
                reader.template(case.when, f"{CONFIG}.cases[{index}].when", parse_condition) if case.when else None,
                case.then,
            )
            for index, case in enumerate(config.cases)
        )
        return cls(**common, cases=tuple(cases))

    def targets(self) -> Iterator[tuple[str, str]]:
        yield "flow.then", self.then
        for index, case in enumerate(self.cases):
            yield f"{CONFIG}.cases[{index}].then", case.then

    def problems(self) -> Iterator[DefinitionProblem]:
        if sum(case.when is None for case in self.cases) > 1:
            yield DefinitionProblem(
                self.path, f"{CONFIG}.cases", "several cases have no condition; only one can be the default"
            )

    def warnings(self) -> Iterator[DefinitionProblem]:
        for case in self.cases:
            if case.when and case.when.is_literal and case.when.source.strip().lower() not in ("true", "1", "false"):
                meant = f"${{ {case.when.source} }}"
                yield DefinitionProblem(
                    self.path, case.when.where, f"this text never holds; an expression is written {meant}"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class ForTask(KnownTask):
    """Runs tasks for each item of a list."""

    kind = "FOR"
    number = WorkflowTaskKind.WORKFLOW_TASK_KIND_FOR
    config = messages.ForTaskConfig
    label = "for"
    is_supported = True

    each: str
    items: Template
    body: TaskList

    @classmethod
    def read(cls, config: messages.ForTaskConfig, reader: TaskReader, common: Common) -> Self:
        items = reader.template(getattr(config, "in"), f"{CONFIG}.in", parse_condition)
        return cls(**common, each=config.each, items=items, body=reader.block(config.do))

    @property
    def blocks(self) -> tuple[TaskList, ...]:
        return (self.body,)

    def warnings(self) -> Iterator[DefinitionProblem]:
        if self.items.is_literal:
            meant = f"${{ {self.items.source} }}"
            yield DefinitionProblem(
                self.path, self.items.where, f"a text is nothing to go through; an expression is written {meant}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkTask(KnownTask):
    """Runs branches in parallel."""

    kind = "FORK"
    number = WorkflowTaskKind.WORKFLOW_TASK_KIND_FORK
    config = messages.ForkTaskConfig
    label = "fork"
    report_type = "PARALLEL"

    branches: tuple[TaskList, ...] = ()
    compete: bool = False
    """Whether the first branch that ends cancels the others."""

    @classmethod
    def read(cls, config: messages.ForkTaskConfig, reader: TaskReader, common: Common) -> Self:
        names = (branch.name or f"[{index}]" for index, branch in enumerate(config.branches))
        branches = (reader.block(branch.do, name) for branch, name in zip(config.branches, names, strict=True))
        return cls(**common, branches=tuple(branches), compete=config.compete)

    @property
    def blocks(self) -> tuple[TaskList, ...]:
        return self.branches

    def problems(self) -> Iterator[DefinitionProblem]:
        for branch, count in Counter(branch.path for branch in self.branches).items():
            if count > 1:
                name = branch.removeprefix(f"{self.path}/")
                yield DefinitionProblem(
                    self.path, f"{CONFIG}.branches", f"{count} branches are called {name}; give each its own name"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class TryTask(KnownTask):
    """Runs tasks, and others if one of them fails."""

    kind = "TRY"
    number = WorkflowTaskKind.WORKFLOW_TASK_KIND_TRY
    config = messages.TryTaskConfig
    label = "try"

    body: TaskList
    catch_as: str = ""
    catch: TaskList | None = None

    @classmethod
    def read(cls, config: messages.TryTaskConfig, reader: TaskReader, common: Common) -> Self:
        body = reader.block(getattr(config, "try"), "try")
        catch = reader.block(config.catch.do, "catch") if config.HasField("catch") else None
        return cls(**common, body=body, catch_as=getattr(config.catch, "as"), catch=catch)

    @property
    def blocks(self) -> tuple[TaskList, ...]:
        return (self.body, self.catch) if self.catch else (self.body,)


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal that a task waits for."""

    id: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenTask(KnownTask):
    """Waits for signals."""

    kind = "LISTEN"
    number = WorkflowTaskKind.WORKFLOW_TASK_KIND_LISTEN
    config = messages.ListenTaskConfig
    label = "listen"

    mode: str
    signals: tuple[Signal, ...] = ()

    @classmethod
    def read(cls, config: messages.ListenTaskConfig, reader: TaskReader, common: Common) -> Self:
        signals = (Signal(signal.id, signal.type) for signal in config.to.signals)
        return cls(**common, mode=config.to.mode, signals=tuple(signals))


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitTask(KnownTask):
    """Waits for some seconds."""

    kind = "WAIT"
    number = WorkflowTaskKind.WORKFLOW_TASK_KIND_WAIT
    config = messages.WaitTaskConfig
    label = "wait"
    waits = True
    is_supported = True

    seconds: int

    @classmethod
    def read(cls, config: messages.WaitTaskConfig, reader: TaskReader, common: Common) -> Self:
        return cls(**common, seconds=config.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseTask(KnownTask):
    """Fails with an error."""

    kind = "RAISE"
    number = WorkflowTaskKind.WORKFLOW_TASK_KIND_RAISE
    config = messages.RaiseTaskConfig
    label = "raise"

    error: Template
    message: Template

    @classmethod
    def read(cls, config: messages.RaiseTaskConfig, reader: TaskReader, common: Common) -> Self:
        return cls(
            **common,
            error=reader.template(config.error, f"{CONFIG}.error"),
            message=reader.template(config.message, f"{CONFIG}.message"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTask(KnownTask):
    """Runs another workflow."""

    kind = "RUN"
    number = WorkflowTaskKind.WORKFLOW_TASK_KIND_RUN
    config = messages.RunTaskConfig
    label = "run"

    workflow: str
    input: Any = None

    @classmethod
    def read(cls, config: messages.RunTaskConfig, reader: TaskReader, common: Common) -> Self:
        return cls(**common, workflow=config.workflow, input=reader.structure(config, "input"))


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTask(KnownTask):
    """Calls an agent."""

    kind = "AGENT_CALL"
    number = WorkflowTaskKind.WORKFLOW_TASK_KIND_AGENT_CALL
    config = messages.AgentCallTaskConfig
    label = "agent"
    report_type = "AGENT_INVOCATION"
    is_supported = True

    agent: str
    message: Template
    environment: Mapping[str, Template] = field(default_factory=dict)
    model: str = ""
    timeout: int = 0
    """Seconds; 0 for no limit."""
    temperature: float = 0.0

    @classmethod
    def read(cls, config: messages.AgentCallTaskConfig, reader: TaskReader, common: Common) -> Self:
        return cls(
            **common,
            agent=config.agent,
            message=reader.template(config.message, f"{CONFIG}.message"),
            environment=reader.templates(config.env, "env"),
            model=config.config.model,
            timeout=config.config.timeout,
            temperature=config.config.temperature,
        )

    @property
    def agents(self) -> tuple[str, ...]:
        return (self.agent,) if self.agent else ()


KINDS: dict[int, type[KnownTask]] = {
    kind.number: kind
    for kind in (
        *(SetTask, HttpTask, GrpcTask, ActivityTask, SwitchTask, ForTask, ForkTask),
        *(TryTask, ListenTask, WaitTask, RaiseTask, RunTask, AgentTask),
    )
}
"""The kinds by their numbers on the wire."""
