"""What there is to say of an agent or a workflow in a line each, for `describe` and for the preview of the app."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.workflow_pb2 import Workflow, WorkflowSpec
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition import extensions
from stigmer_tui.definition.reading import read
from stigmer_tui.definition.support import called_agents
from stigmer_tui.definition.tasks import TaskDefinition


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task of a workflow, in a line."""

    depth: int
    """How many tasks it stands in."""
    name: str
    label: str
    """Of its kind."""
    leads_to: tuple[str, ...]
    """The tasks that may come next, where that is not simply the one below."""


def agent_facts(agent: Agent) -> Iterator[Fact]:
    annotations = agent.metadata.annotations
    yield from _fact("Model", _models(annotations))
    yield from _fact("Temperature", annotations.get(extensions.TEMPERATURE, ""))
    yield from _fact("MCP servers", ", ".join(server.name for server in agent.spec.mcp_servers))
    yield from _fact("Sub-agents", ", ".join(part.name for part in agent.spec.sub_agents))
    yield from _fact("Skills", ", ".join(part.slug for part in agent.spec.skill_refs))
    yield from _fact("Script", annotations.get(extensions.SCRIPT_FILE, ""))


def workflow_facts(workflow: Workflow) -> Iterator[Fact]:
    yield from _fact("Namespace", workflow.spec.document.namespace)
    yield from _fact("Version", workflow.spec.document.version)
    yield from _fact("Input", _input(workflow.metadata.annotations))
    yield from _fact("Calls", ", ".join(called_agents(workflow.spec)))


def task_lines(spec: WorkflowSpec) -> Iterator[TaskLine]:
    """Each task before those in it."""
    return _task_lines(read(spec).definition.tasks, 0)


def _models(annotations: extensions.Annotations) -> str:
    try:
        return ", ".join(extensions.models_in(annotations))
    except StigmerError:
        # A run refuses it, and says why.
        return annotations.get(extensions.MODEL, "")


def _input(annotations: extensions.Annotations) -> str:
    """Such as `item, count (optional)`."""
    try:
        schema = extensions.input_schema_in(annotations) or {}
    except StigmerError:
        # A deployment refuses it, and says why.
        return ""
    required = schema.get("required", ())
    return ", ".join(name if name in required else f"{name} (optional)" for name in schema.get("properties", {}))


def _fact(label: str, value: str) -> Iterator[Fact]:
    if value:
        yield Fact(label, value)


def _task_lines(tasks: Sequence[TaskDefinition], depth: int) -> Iterator[TaskLine]:
    for task in tasks:
        leads_to = dict.fromkeys(target for _, target in task.targets() if target)
        yield TaskLine(depth, task.name, task.label, tuple(leads_to))
        for block in task.blocks:
            yield from _task_lines(block.tasks, depth + 1)
