"""What `describe` prints of a resource."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from stigmer_tui.api.agent_instance_pb2 import AgentInstance
from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.environment_pb2 import Environment
from stigmer_tui.api.kinds import Kind
from stigmer_tui.api.skill_pb2 import Skill
from stigmer_tui.api.workflow_instance_pb2 import WorkflowInstance
from stigmer_tui.api.workflow_pb2 import Workflow
from stigmer_tui.cli.printing import Column, local_time, table
from stigmer_tui.core.run_variable import RunVariable
from stigmer_tui.definition import extensions
from stigmer_tui.definition.description import Fact, agent_facts, task_lines, workflow_facts
from stigmer_tui.definition.variables import run_variables

LABEL_WIDTH = 14
"""Of most labels; the value of a longer one follows it."""

VARIABLE_COLUMNS = (
    Column("VARIABLE", "name"),
    Column("", "needed"),
    Column("DEFAULT", "default"),
    Column("DESCRIPTION", "description"),
)


def description_lines(kind: Kind, resource: Any, owner: str, users: Sequence[str] | None) -> Iterator[str]:
    """`owner` is what it is an instance of; `users` is what depends on it, None where the server cannot say."""
    metadata = resource.metadata
    yield from _field(kind.noun.capitalize(), metadata.slug)
    if metadata.name != metadata.slug:
        yield from _field("Name", metadata.name)
    yield from _field("Id", metadata.id)
    yield from _field("Organization", metadata.org)
    yield from _field("Project", metadata.annotations.get(extensions.PROJECT, ""))
    updated_at = resource.status.audit.spec_audit.updated_at
    yield from _field("Updated", local_time(updated_at.ToJsonString()) if updated_at.seconds else "")
    yield from _field("Description", getattr(resource.spec, "description", ""))
    yield from _field("Instance of", owner)
    yield from _details(resource)
    if users is not None:
        yield from _field("Used by", ", ".join(users) or "nothing")


def _field(label: str, value: str) -> Iterator[str]:
    if value:
        yield f"{label + ':':<{LABEL_WIDTH}} {' '.join(value.split())}"


def _fields(facts: Iterable[Fact]) -> Iterator[str]:
    for fact in facts:
        yield from _field(fact.label, fact.value)


def _details(resource: Any) -> Iterator[str]:
    match resource:
        case Agent():
            yield from _agent(resource)
        case Workflow():
            yield from _workflow(resource)
        case Environment():
            yield from _variables(
                [
                    RunVariable(name, value.description, "" if value.is_secret else value.value, value.is_secret, True)
                    for name, value in sorted(resource.spec.data.items())
                ]
            )
        case AgentInstance():
            yield from _field("Environments", ", ".join(each.slug for each in resource.spec.environment_refs))
        case WorkflowInstance():
            yield from _field("Environments", ", ".join(each.slug for each in resource.spec.env_refs))
        case Skill():
            yield from _field("Tag", resource.spec.tag)
            yield from _field("Version", resource.status.version_hash)
            yield from _block("SKILL.md", resource.spec.skill_md)


def _agent(agent: Agent) -> Iterator[str]:
    yield from _fields(agent_facts(agent))
    yield from _block("Instructions", agent.spec.instructions)
    yield from _variables(run_variables(agent))


def _workflow(workflow: Workflow) -> Iterator[str]:
    yield from _fields(workflow_facts(workflow))
    yield "Tasks:"
    for task in task_lines(workflow.spec):
        leads_to = f"  → {', '.join(task.leads_to)}" if task.leads_to else ""
        yield f"{'  ' * (1 + task.depth)}{task.name}  {task.label}{leads_to}"
    yield from _variables(run_variables(workflow))


def _block(label: str, text: str) -> Iterator[str]:
    yield f"{label}:"
    yield from (f"  {line}".rstrip() for line in text.strip().splitlines())


def _variables(variables: Sequence[RunVariable]) -> Iterator[str]:
    if not variables:
        return
    rows = [
        {
            "name": variable.name,
            "needed": "secret" if variable.is_secret else "",
            "default": variable.default,
            "description": variable.description,
        }
        for variable in variables
    ]
    yield "Variables:"
    yield from (f"  {line}" for line in table(VARIABLE_COLUMNS, rows))
