"""What is wrong with a plan, found before anything is sent: definitions, and what they refer to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator

from stigmer_tui.api.agent_instance_pb2 import AgentInstance
from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.api_resource_pb2 import ApiResourceOwnerScope, ApiResourceReference
from stigmer_tui.api.kinds import ENVIRONMENT, SKILL, Kind
from stigmer_tui.api.workflow_instance_pb2 import WorkflowInstance
from stigmer_tui.api.workflow_pb2 import Workflow
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.ids import parse_id, slug_of
from stigmer_tui.definition.extensions import input_schema_in
from stigmer_tui.definition.mcp_servers import placeholders_of
from stigmer_tui.definition.problems import near_miss
from stigmer_tui.definition.sub_agents import skill_references
from stigmer_tui.project.places import Place
from stigmer_tui.project.plan import Deployments, Plan, PlanStep, environments_of, owner_of
from stigmer_tui.project.runtimes import SynthesisError

Named = tuple[Kind, str]
"""Kind and slug."""


async def check_plan(plan: Plan, deployments: Deployments) -> tuple[str, ...]:
    """What may surprise. Raises SynthesisError with all problems, the first one with its place; StigmerError when the
    server cannot be reached.
    """
    warnings = [
        f"{step}: its MCP server {server.name} uses {name}, which env_spec does not declare: nobody is asked for it"
        for step in plan.steps
        if isinstance(step.resource, Agent)
        for server in step.resource.spec.mcp_servers
        for name in sorted(placeholders_of(server) - step.resource.spec.env_spec.data.keys())
    ]
    problems = [
        (plan.place_of(step, task), f"{step}: {problem}")
        for step in plan.changes
        for task, problem in _broken_rules(step, plan.orphans_are_known)
    ]
    missing = await _missing(plan, deployments)
    defined = [(step.kind, step.slug) for step in plan.steps]
    for step in plan.steps:
        for kind, slug in _references(step):
            if (kind, slug) in missing:
                hint = near_miss(slug, (name for other, name in defined if other is kind))
                problem = f"{step}: there is no {kind.noun} {slug}, neither in the project nor deployed{hint}"
                if _is_of_go(step):
                    warnings.append(problem)
                else:
                    problems.append((plan.place_of(step), problem))
    if problems:
        (place, problem), *others = problems
        raise SynthesisError(problem, "\n".join(_line(*other) for other in others), *(place or ()))
    return tuple(warnings)


def _is_of_go(step: PlanStep) -> bool:
    """Projects of the Go SDK have always been deployed before their skills (`docs/compatibility.md` 154)."""
    return step.resource.metadata.annotations.get("stigmer.ai/sdk.language") == "go"


def _line(place: Place | None, problem: str) -> str:
    return f"{place} {problem}" if place else problem


def _broken_rules(step: PlanStep, is_ours: bool) -> Iterator[tuple[str, str]]:
    """The path of a task, or nothing, and what is wrong. Other servers than ours have rules of their own."""
    if not is_ours:
        return
    # What is deployed has been checked, and a change of one resource is not to wait for the others.
    from stigmer_tui.api.validation import violations
    from stigmer_tui.definition.input_schema import check_schema
    from stigmer_tui.definition.problems import InvalidDefinition
    from stigmer_tui.definition.sub_agents import check_sub_agents
    from stigmer_tui.definition.validation import parse

    resource = step.resource
    try:
        if isinstance(resource, Workflow):
            if schema := input_schema_in(resource.metadata.annotations):
                check_schema(schema)
            parse(resource.spec)
        elif isinstance(resource, Agent):
            check_sub_agents(resource)
    except InvalidDefinition as error:
        yield from ((problem.path, str(problem)) for problem in error.problems)
        return
    except StigmerError as error:
        yield "", error.message
    yield from (("", text) for text in violations(resource))


async def _missing(plan: Plan, deployments: Deployments) -> set[Named]:
    """What is referred to and neither defined nor deployed."""
    defined = {(step.kind, step.slug) for step in plan.steps}
    named = {
        (reference, step.resource.metadata.org)
        for step in plan.steps
        for reference in _references(step)
        if reference not in defined
    }
    wanted = list(named)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(deployments.get(kind, slug, org)) for (kind, slug), org in wanted]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return {reference for (reference, _), task in zip(wanted, tasks, strict=True) if task.result() is None}


def _references(step: PlanStep) -> Iterator[Named]:
    """What cannot be done without; a workflow may call an agent that is deployed later."""
    match step.resource:
        case Agent() as agent:
            for references in skill_references(agent):
                yield from _own(SKILL, references)
        case AgentInstance() | WorkflowInstance() as instance:
            yield from _owner(instance)
            yield from _own(ENVIRONMENT, environments_of(instance))


def _owner(instance: AgentInstance | WorkflowInstance) -> Iterator[Named]:
    kind, name = owner_of(instance)
    if not parse_id(name):
        yield kind, slug_of(name)


def _own(kind: Kind, references: Iterable[ApiResourceReference]) -> Iterator[Named]:
    """Those within the organization."""
    elsewhere = (ApiResourceOwnerScope.platform, ApiResourceOwnerScope.identity_account)
    return ((kind, each.slug) for each in references if each.kind == kind.number and each.scope not in elsewhere)
