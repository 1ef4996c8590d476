"""The plan: how what a project defines differs from what is deployed."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from stigmer_tui.api.api_resource_pb2 import ApiResourceOwnerScope
from stigmer_tui.api.kinds import AGENT, WORKFLOW, Kind
from stigmer_tui.api.workflow_pb2 import Workflow
from stigmer_tui.definition.support import called_agents
from stigmer_tui.project.comparison import differences
from stigmer_tui.project.deployments import FOLDER, PROJECT, Deployed, Deployments
from stigmer_tui.project.manifests import Manifests, Resource, kind_of, slug_in
from stigmer_tui.project.project_file import is_project


class Action(StrEnum):
    CREATE = "created"
    UPDATE = "updated"
    KEEP = "unchanged"


@dataclass(frozen=True, slots=True)
class PlanStep:
    """What is to be done about one resource."""

    action: Action
    resource: Resource
    """As it is to be deployed."""
    deployed: Resource | None = None
    """As it is deployed now."""
    differences: tuple[str, ...] = ()
    """Of an update, in a few words each: `instructions`, `task fetch`."""
    taken_from: str = ""
    """The other project that deployed it before, if one did: its name, and its folder where that is known."""

    @property
    def kind(self) -> Kind:
        return kind_of(self.resource)

    @property
    def slug(self) -> str:
        return slug_in(self.resource)

    def __str__(self) -> str:
        return f"{self.kind.noun} {self.slug}"


@dataclass(frozen=True, slots=True)
class MissingAgent:
    workflow: str
    agent: str


@dataclass(frozen=True, slots=True)
class Plan:
    steps: tuple[PlanStep, ...]
    """One for each resource of the project, in the order of deployment."""
    orphaned: tuple[Deployed, ...] = ()
    """Deployed by this project earlier and not defined by it any more. They are left where they are."""
    orphans_are_known: bool = True
    """False where the server cannot list what it has."""
    missing_agents: tuple[MissingAgent, ...] = ()
    """Agents that a workflow calls, and that are neither defined here nor deployed."""

    def having(self, action: Action) -> tuple[PlanStep, ...]:
        return tuple(step for step in self.steps if step.action is action)

    @property
    def changes(self) -> tuple[PlanStep, ...]:
        """All that is to be sent."""
        return tuple(step for step in self.steps if step.action is not Action.KEEP)

    @property
    def affected(self) -> frozenset[tuple[Kind, str]]:
        """Kind and slug of what will run differently: what changes, and workflows that call an agent that changes."""
        changed = {(step.kind, step.slug) for step in self.changes}
        callers = {
            (WORKFLOW, step.slug)
            for step in self.steps
            if isinstance(step.resource, Workflow)
            and any((AGENT, agent) in changed for agent in called_agents(step.resource.spec))
        }
        return frozenset(changed | callers)


async def make_plan(
    manifests: Manifests, project: str, org: str, deployments: Deployments, folder: Path | None = None
) -> Plan:
    """Asks for everything at the same time. `folder` is the project's, where the server is of the same machine.

    Raises StigmerError when the server cannot be asked.
    """
    defined = {(kind_of(resource), slug_in(resource)) for resource in manifests.resources}
    calls = [
        MissingAgent(slug_in(workflow), agent)
        for workflow in manifests.workflows
        for agent in called_agents(workflow.spec)
        if (AGENT, agent) not in defined
    ]
    try:
        async with asyncio.TaskGroup() as group:
            listed = group.create_task(deployments.deployed(org))
            called = [group.create_task(deployments.get(AGENT, call.agent, org)) for call in calls]
            steps = [
                group.create_task(_step(prepared(resource, project, org, folder), deployments))
                for resource in manifests.resources
            ]
    except ExceptionGroup as errors:
        # One refusal says enough; the other questions were cancelled for it.
        raise errors.exceptions[0] from None
    known = listed.result()
    return Plan(
        steps=tuple(step.result() for step in steps),
        orphaned=tuple(
            resource
            for resource in known or ()
            if resource.project == project and (resource.kind, resource.slug) not in defined
        ),
        orphans_are_known=known is not None,
        missing_agents=tuple(call for call, agent in zip(calls, called, strict=True) if agent.result() is None),
    )


def prepared(resource: Resource, project: str, org: str, folder: Path | None = None) -> Resource:
    """A copy as it is deployed: with its owner (`docs/compatibility.md` 148) and the project it comes from."""
    prepared = deepcopy(resource)
    metadata = prepared.metadata
    metadata.org = org
    metadata.slug = slug_in(resource)
    metadata.owner_scope = metadata.owner_scope or ApiResourceOwnerScope.organization
    metadata.annotations[PROJECT] = project
    if folder is not None:
        metadata.annotations[FOLDER] = str(folder)
    return prepared


async def _step(wanted: Resource, deployments: Deployments) -> PlanStep:
    existing = await deployments.get(kind_of(wanted), slug_in(wanted), wanted.metadata.org)
    if existing is None:
        return PlanStep(Action.CREATE, wanted)
    found = differences(existing, wanted)
    if not found:
        return PlanStep(Action.KEEP, wanted, existing)
    return PlanStep(Action.UPDATE, wanted, existing, found, _taken_from(existing, wanted))


def _taken_from(existing: Resource, wanted: Resource) -> str:
    """Two folders are two projects, whatever they are called. One that has moved, or has a new name, is the same."""
    name, own_name = (item.metadata.annotations.get(PROJECT, "") for item in (existing, wanted))
    folder, own_folder = (item.metadata.annotations.get(FOLDER, "") for item in (existing, wanted))
    if not name:
        return ""
    if folder and own_folder:
        return f"{name} in {folder}" if folder != own_folder and is_project(Path(folder)) else ""
    return name if name != own_name else ""
