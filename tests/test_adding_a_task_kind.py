"""A kind of task is an entry in each room, and adding one touches four files at most (`docs/adding.md`).

Here such a kind is added as its author would: EMIT, which the wire does not have.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, struct_pb2

from stigmer_tui.api.api_resource_pb2 import WorkflowTaskKind
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.structs import to_struct
from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecution, WorkflowExecutionStatus, WorkflowTaskType
from stigmer_tui.api.workflow_pb2 import Export, WorkflowDocument, WorkflowSpec, WorkflowTask
from stigmer_tui.definition.reading import read
from stigmer_tui.definition.support import refusal
from stigmer_tui.definition.task_kinds import KINDS, KnownTask
from stigmer_tui.definition.task_reader import Common, TaskReader
from stigmer_tui.definition.templates import Template
from stigmer_tui.sdk import Reference, Workflow
from stigmer_tui.sdk.layout import EXPORT_ALL, PlacedTask
from stigmer_tui.sdk.registry import begin_registry
from stigmer_tui.sdk.values import Text, Value
from stigmer_tui.tui.render.entry_heading import KIND_WIDTH
from stigmer_tui.tui.render.glyphs import UNICODE
from stigmer_tui.tui.run_views import VIEWS, RunView
from stigmer_tui.tui.widgets.viewport import Viewport
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.nodes import NodeKind
from stigmer_tui.workbench.wire_deltas import execution_of
from stigmer_tui.workflow.progress import Progress
from stigmer_tui.workflow.secrets import SecretMarks
from stigmer_tui.workflow.task_run import Outcome, TaskPath, TaskRun
from stigmer_tui.workflow.tasks.kinds import RUNNERS
from tests.definition.specs import Task, set_, spec, wait
from tests.facts.sources import files_with
from tests.sdk.definitions import tasks_in
from tests.tui.host import FixedClock
from tests.tui.rows import window_text
from tests.tui.samples import START
from tests.workflow.world import world

SUPPORTED = [kind for kind in KINDS.values() if kind.is_supported]

MAX_FILES = 4


def name_of(kind: type[KnownTask]) -> str:
    return kind.kind


# 1. What belongs to the wire: a number, and the message of the configuration. Both come from `protos/`.

EMIT_NUMBER = cast(WorkflowTaskKind.ValueType, 99)


def emit_config() -> type[Any]:
    file = descriptor_pb2.FileDescriptorProto(name="emit.proto", package="tests", syntax="proto3")
    file.dependency.append(struct_pb2.DESCRIPTOR.name)
    message = file.message_type.add(name="EmitTaskConfig")
    message.field.add(name="event", number=1, type="TYPE_STRING", label="LABEL_OPTIONAL")
    message.field.add(
        name="data", number=2, type="TYPE_MESSAGE", type_name=".google.protobuf.Struct", label="LABEL_OPTIONAL"
    )
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tests.EmitTaskConfig"))


# 2. stigmer_tui/definition/task_kinds.py


@dataclass(frozen=True, slots=True, kw_only=True)
class EmitTask(KnownTask):
    kind = "EMIT"
    number = EMIT_NUMBER
    config = emit_config()
    label = "emit"
    is_supported = True

    event: Template
    data: Any = None

    @classmethod
    def read(cls, config: Any, reader: TaskReader, common: Common) -> Self:
        event = reader.template(config.event, "task_config.event")
        return cls(**common, event=event, data=reader.structure(config, "data"))


# 3. stigmer_tui/workflow/tasks/kinds.py, with what runs it


async def run_emit(task: EmitTask, run: TaskRun) -> Outcome:
    values = await run.evaluate({"event": task.event, "data": task.data})
    run.show(input=values, detail=values["event"])
    return Outcome(values)


# 4. stigmer_tui/sdk/workflows.py


class EmittingWorkflow(Workflow):
    def emit(self, name: str, event: Text, data: Mapping[str, Value]) -> Reference:
        return self.task(name, "EMIT", {"event": event, "data": data})


@pytest.fixture
def emit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The entries; whatever walks them finds the new kind."""
    monkeypatch.setitem(KINDS, EmitTask.number, EmitTask)
    monkeypatch.setitem(RUNNERS, EmitTask, run_emit)


def written() -> WorkflowSpec:
    begin_registry()
    with EmittingWorkflow("shop", namespace="demo") as flow:
        paid = flow.emit("paid", "order.paid", data={"amount": 7})
        flow.set("result", amount=paid.data.amount)
    return WorkflowSpec(document=WorkflowDocument(name="shop"), tasks=map(message, tasks_in(flow)))


def message(task: PlacedTask) -> WorkflowTask:
    """As the SDK's manifests have it, with the number that the wire lacks."""
    number = EMIT_NUMBER if task.kind == "EMIT" else WorkflowTaskKind.Value(f"WORKFLOW_TASK_KIND_{task.kind}")
    export = Export(**{"as": EXPORT_ALL}) if task.is_exported else None
    return WorkflowTask(name=task.name, kind=number, task_config=to_struct(task.config), export=export)


async def test_a_new_kind_is_written_read_run_and_shown(emit: None, tmp_path: Path) -> None:
    written_spec = written()
    definition = read(written_spec).definition
    assert isinstance(definition.tasks[0], EmitTask)
    assert refusal(definition) == ""
    async with world(tmp_path) as found:
        reported = await found.run(written_spec)
    assert (reported.phase, reported.error) == (Phase.COMPLETED, "")
    assert reported.output == {"amount": 7}
    assert reported.output_of("/paid") == {"event": "order.paid", "data": {"amount": 7}}
    status = WorkflowExecutionStatus(tasks=reported.tasks.values())
    execution = execution_of(WorkflowExecution(status=status), "shop")
    for view in VIEWS:
        assert "✓ paid          emit   order.paid" in drawn(view, execution)


def drawn(view: RunView, execution: Execution) -> str:
    """As the pane has it."""
    window = Viewport(view.outline(execution), FixedClock(), UNICODE)
    window.resize(60, 10)
    window.update()
    return window_text(window)


@pytest.mark.parametrize(("task", "state"), [(wait("w", 5), RunState.WAITING), (set_("w"), RunState.RUNNING)])
def test_a_task_that_waits_is_shown_as_waiting(task: Task, state: RunState) -> None:
    definition = read(spec(task)).definition
    progress = Progress(definition, SecretMarks((), {}, "nonce"), START)
    progress.started(TaskPath("/w"), definition.tasks[0], START)
    delta = progress.take()
    assert delta
    execution = execution_of(WorkflowExecution(status=WorkflowExecutionStatus(tasks=delta.tasks)), "shop")
    assert [node.state for _, node in execution.nodes() if node.kind is NodeKind.TASK] == [state]


def test_without_its_entry_it_is_refused() -> None:
    problems = read(written()).problems
    assert [str(problem) for problem in problems] == ["/paid: kind: there is no kind of task with the number 99"]


def test_each_kind_of_the_wire_has_an_entry() -> None:
    names = {number: name.removeprefix("WORKFLOW_TASK_KIND_") for name, number in WorkflowTaskKind.items() if number}
    missing = sorted(set(names.values()) - {kind.kind for kind in KINDS.values()})
    assert not missing, f"{missing}: a class in stigmer_tui/definition/task_kinds.py"
    assert {number: kind.kind for number, kind in KINDS.items()} == names


def test_each_kind_that_is_supported_has_a_runner() -> None:
    missing = [kind.kind for kind in SUPPORTED if kind not in RUNNERS]
    assert not missing, f"{missing}: a runner in stigmer_tui/workflow/tasks, and its line in kinds.py"
    assert set(RUNNERS) == set(SUPPORTED), "is_supported in stigmer_tui/definition/task_kinds.py"


@pytest.mark.parametrize("kind", SUPPORTED, ids=name_of)
def test_a_supported_kind_can_be_written_in_python(kind: type[KnownTask]) -> None:
    assert "stigmer_tui/sdk/workflows.py" in files_with(rf"""["']{kind.kind}["']""")


@pytest.mark.parametrize("kind", KINDS.values(), ids=name_of)
def test_a_kind_can_be_shown(kind: type[KnownTask]) -> None:
    assert re.fullmatch("[a-z_]+", kind.label)
    assert len(kind.label) <= KIND_WIDTH or not kind.is_supported
    assert f"WORKFLOW_TASK_{kind.report_type}" in WorkflowTaskType.keys()  # noqa: SIM118 - not a dictionary


@pytest.mark.parametrize("kind", KINDS.values(), ids=name_of)
def test_a_kind_is_known_to_four_files_at_most(kind: type[KnownTask]) -> None:
    files = files_with(rf"""\b{kind.__name__}\b|["']{kind.kind}["']""")
    assert "stigmer_tui/definition/task_kinds.py" in files
    assert len(files) <= MAX_FILES, files
