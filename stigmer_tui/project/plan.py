"""The plan: how a project differs from what is deployed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from google.protobuf.message import Message

from stigmer_tui.api.agent_instance_pb2 import AgentInstance
from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.api_resource_pb2 import ApiResourceOwnerScope, ApiResourceReference
from stigmer_tui.api.environment_pb2 import Environment
from stigmer_tui.api.kinds import AGENT, ENVIRONMENT, WORKFLOW, Kind
from stigmer_tui.api.skill_pb2 import Skill
from stigmer_tui.api.workflow_instance_pb2 import WorkflowInstance
from stigmer_tui.api.workflow_pb2 import Workflow, WorkflowTask
from stigmer_tui.core.ids import parse_id, slug_of
from stigmer_tui.definition import extensions
from stigmer_tui.definition.extensions import PROJECT
from stigmer_tui.definition.place_names import place_name
from stigmer_tui.definition.problems import near_miss
from stigmer_tui.definition.skill_archive import version_of
from stigmer_tui.definition.support import called_agents
from stigmer_tui.project.places import Place, Places
from stigmer_tui.project.project_file import is_project
from stigmer_tui.project.skill_folder import archive_of
from stigmer_tui.project.synthesis import Instance, Manifests, Resource, kind_of, slug_in

FOLDER = "stigmer-tui/project-folder"
"""Annotation with the folder of the project that deployed a resource, on a daemon of the same machine, as two projects
may share a name.
"""


@dataclass(frozen=True, slots=True)
class DeployedResource:
    """A resource on the server."""

    kind: Kind
    slug: str
    project: str
    """The project that deployed it; empty if unknown."""


class Deployments(Protocol):
    """The resources on a server. Every method raises StigmerError when the server refuses or cannot be reached."""

    async def get(self, kind: Kind, slug: str, org: str) -> Resource | None:
        """The deployed resource, or None."""
        ...

    async def apply(self, resource: Resource) -> Resource:
        """Creates a resource, or updates the one with the same slug. Returns the deployed resource."""
        ...

    async def deployed(self, org: str) -> Sequence[DeployedResource] | None:
        """All resources of an organization, or None where the server cannot list them."""
        ...


GENERATED = ("stigmer.ai/sdk.generated-at", "stigmer.ai/sdk.version", FOLDER, extensions.SKILL_FOLDER)
"""Annotations about how and where a manifest was made, which do not count as differences."""


def differences(deployed: Resource, wanted: Resource) -> tuple[str, ...]:
    """What differs, such as `instructions` or `task fetch`; empty if nothing does.

    What the server sets (id, version, status) and what each synthesis writes anew does not count.
    """
    before, after = comparable(deployed), comparable(wanted)
    return () if before == after else tuple(_differences(before, after))


def comparable(resource: Resource) -> Resource:
    """A copy with only what its author has defined."""
    comparable = deepcopy(resource)
    comparable.ClearField("status")
    metadata = comparable.metadata
    metadata.slug = slug_in(resource)
    metadata.ClearField("id")
    metadata.ClearField("version")
    for name in GENERATED:
        metadata.annotations.pop(name, None)
    if isinstance(resource, Skill):
        # What is pushed has none.
        metadata.ClearField("annotations")
    return comparable


def _differences(before: Resource, after: Resource) -> Iterator[str]:
    for name in _fields(before.metadata, after.metadata):
        if name == "annotations":
            yield from _annotations(before.metadata.annotations, after.metadata.annotations)
        else:
            yield name.replace("_", " ")
    for name in _fields(before.spec, after.spec):
        if name == "tasks" and isinstance(before, Workflow) and isinstance(after, Workflow):
            yield from _tasks(before.spec.tasks, after.spec.tasks)
        else:
            yield name.replace("_", " ")


def _fields(before: Message, after: Message) -> Iterator[str]:
    for descriptor in before.DESCRIPTOR.fields:
        if getattr(before, descriptor.name) != getattr(after, descriptor.name):
            yield descriptor.name


def _annotations(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """The last parts of the names: `stigmer-tui/script` is `script`."""
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield name.rpartition("/")[2]


def _tasks(before: Iterable[WorkflowTask], after: Iterable[WorkflowTask]) -> Iterator[str]:
    old = {task.name: task for task in before}
    new = {task.name: task for task in after}
    yield from (f"task {name}" for name in new if name in old and new[name] != old[name])
    yield from (f"new task {name}" for name in new if name not in old)
    yield from (f"no task {name}" for name in old if name not in new)
    if list(new) != list(old) and new.keys() == old.keys():
        yield "order of tasks"


class Action(StrEnum):
    """What applying a plan does to a resource."""

    CREATE = "created"
    UPDATE = "updated"
    KEEP = "unchanged"


@dataclass(frozen=True, slots=True)
class PlanStep:
    """What applying the plan does to one resource."""

    action: Action
    resource: Resource
    """As it is to be deployed."""
    deployed: Resource | None = None
    """As it is deployed now."""
    differences: tuple[str, ...] = ()
    """What an update changes, such as `instructions` or `task fetch`."""
    taken_from: str = ""
    """The other project that deployed it before, if any: its name, and its folder if known."""

    @property
    def kind(self) -> Kind:
        """The kind of its resource."""
        return kind_of(self.resource)

    @property
    def slug(self) -> str:
        """The slug of its resource."""
        return slug_in(self.resource)

    def __str__(self) -> str:
        return f"{self.kind.noun} {self.slug}"


@dataclass(frozen=True, slots=True)
class MissingAgent:
    """A call of an agent that is neither defined in the project nor deployed. It may be deployed before the call."""

    workflow: str
    agent: str
    hint: str = ""
    """Such as `; did you mean helper?`."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be deployed, and what was noticed on the way."""

    steps: tuple[PlanStep, ...]
    """One for each resource of the project, in the order of deployment."""
    orphaned: tuple[DeployedResource, ...] = ()
    """Deployed by this project earlier, and no longer defined by it. They stay deployed."""
    orphans_are_known: bool = True
    """False where the server cannot list its resources."""
    missing_agents: tuple[MissingAgent, ...] = ()
    """Calls of agents that are neither defined here nor deployed."""
    places: Places = field(default_factory=dict)
    """Where resources and their tasks are defined."""

    def place_of(self, step: PlanStep, task: str = "") -> Place | None:
        """Where it is defined, or a task of it, by its path; None where nobody says."""
        whole = self.places.get(place_name(step.kind.noun, step.slug))
        return self.places.get(place_name(step.kind.noun, step.slug, task), whole) if task else whole

    def having(self, action: Action) -> tuple[PlanStep, ...]:
        """The steps with this action."""
        return tuple(step for step in self.steps if step.action is action)

    @property
    def changes(self) -> tuple[PlanStep, ...]:
        """The steps that send something."""
        return tuple(step for step in self.steps if step.action is not Action.KEEP)

    @property
    def ignored_settings(self) -> tuple[str, ...]:
        """Settings of agents that the server ignores, such as `model of agent helper`; none for our own server."""
        if self.orphans_are_known:
            return ()
        return tuple(
            f"{setting} of {step}"
            for step in self.steps
            if isinstance(step.resource, Agent)
            for setting in extensions.model_settings_in(step.resource.metadata.annotations)
        )

    @property
    def unset_secrets(self) -> tuple[tuple[str, str], ...]:
        """Environments and their secrets that have no value yet."""
        return tuple(
            (step.slug, name)
            for step in self.steps
            if isinstance(step.resource, Environment)
            for name, variable in sorted(step.resource.spec.data.items())
            if variable.is_secret and not variable.value
        )

    @property
    def affected(self) -> frozenset[tuple[Kind, str]]:
        """Kind and slug of what will run differently: what changes, the workflows that call a changed agent, and the
        instances of these, or with a changed environment.
        """
        changed = {(step.kind, step.slug) for step in self.changes}
        changed |= {
            (WORKFLOW, step.slug)
            for step in self.steps
            if isinstance(step.resource, Workflow)
            and any((AGENT, agent) in changed for agent in called_agents(step.resource.spec))
        }
        ids = {step.deployed.metadata.id: (step.kind, step.slug) for step in self.steps if step.deployed}
        for step in self.steps:
            if isinstance(step.resource, AgentInstance | WorkflowInstance):
                kind, owner = owner_of(step.resource)
                needed = {ids.get(owner, (kind, slug_of(owner)))}
                needed |= {(ENVIRONMENT, reference.slug) for reference in environments_of(step.resource)}
                if needed & changed:
                    changed.add((step.kind, step.slug))
        return frozenset(changed)


def owner_of(instance: Instance) -> tuple[Kind, str]:
    """What it is an instance of: the name that stands in a manifest, or the id."""
    if isinstance(instance, AgentInstance):
        return AGENT, instance.spec.agent_id
    return WORKFLOW, instance.spec.workflow_id


def environments_of(instance: Instance) -> Sequence[ApiResourceReference]:
    """References to its environments."""
    return instance.spec.environment_refs if isinstance(instance, AgentInstance) else instance.spec.env_refs


async def with_owner(instance: Instance, deployments: Deployments) -> Instance:
    """A copy that names the owner by its id. Unchanged where the owner is not deployed."""
    kind, name = owner_of(instance)
    if parse_id(name):
        return instance
    owner = await deployments.get(kind, slug_of(name), instance.metadata.org)
    if owner is None:
        return instance
    copy = deepcopy(instance)
    if isinstance(copy, AgentInstance):
        copy.spec.agent_id = owner.metadata.id
    else:
        copy.spec.workflow_id = owner.metadata.id
    return copy


async def make_plan(
    manifests: Manifests,
    project: str,
    org: str,
    deployments: Deployments,
    folder: Path | None = None,
    approve: str = "",
) -> Plan:
    """Compares a project with the server. `folder` is the project's, if the server is on the same machine; `approve`
    names the tools of its agents that wait for approval.

    Raises StigmerError when the server refuses or cannot be reached.
    """
    defined = {(kind_of(resource), slug_in(resource)) for resource in manifests.resources}
    agents = [slug for kind, slug in defined if kind is AGENT]
    calls = [
        MissingAgent(slug_in(workflow), agent, near_miss(agent, agents))
        for workflow in manifests.workflows
        for agent in called_agents(workflow.spec)
        if (AGENT, agent) not in defined
    ]
    try:
        async with asyncio.TaskGroup() as group:
            listed = group.create_task(deployments.deployed(org))
            called = [group.create_task(deployments.get(AGENT, call.agent, org)) for call in calls]
            steps = [
                group.create_task(_step(prepared(resource, project, org, folder, approve), deployments))
                for resource in manifests.resources
            ]
    except ExceptionGroup as errors:
        # The first refusal is enough; it has cancelled the other requests.
        raise errors.exceptions[0] from None
    known = listed.result()
    return Plan(
        steps=tuple(step.result() for step in steps),
        orphaned=tuple(
            resource
            for resource in known or ()
            if project and resource.project == project and (resource.kind, resource.slug) not in defined
        ),
        orphans_are_known=known is not None,
        missing_agents=tuple(call for call, agent in zip(calls, called, strict=True) if agent.result() is None),
        places=manifests.places,
    )


def prepared(resource: Resource, project: str, org: str, folder: Path | None = None, approve: str = "") -> Resource:
    """A copy to deploy, with its owner (`docs/compatibility.md` 148) and the project that it comes from."""
    prepared = deepcopy(resource)
    metadata = prepared.metadata
    metadata.org = org
    metadata.slug = slug_in(resource)
    metadata.owner_scope = metadata.owner_scope or ApiResourceOwnerScope.organization
    if project:
        metadata.annotations[PROJECT] = project
    if folder is not None:
        metadata.annotations[FOLDER] = str(folder)
    if approve and isinstance(prepared, Agent):
        metadata.annotations[extensions.APPROVE] = approve
    return prepared


async def _step(wanted: Resource, deployments: Deployments) -> PlanStep:
    if isinstance(wanted, AgentInstance | WorkflowInstance):
        wanted = await with_owner(wanted, deployments)
    existing = await deployments.get(kind_of(wanted), slug_in(wanted), wanted.metadata.org)
    # Packed for a new skill too: a folder that is none is refused before anything is deployed.
    archive = await asyncio.to_thread(archive_of, wanted) if isinstance(wanted, Skill) else b""
    if existing is None:
        return PlanStep(Action.CREATE, wanted)
    if isinstance(wanted, Environment) and isinstance(existing, Environment):
        _keep_secrets(wanted, existing)
    if isinstance(existing, Skill) and isinstance(wanted, Skill):
        found = _skill_differences(existing, wanted, version_of(archive))
    else:
        found = differences(existing, wanted)
    if not found:
        return PlanStep(Action.KEEP, wanted, existing)
    return PlanStep(Action.UPDATE, wanted, existing, found, _taken_from(existing, wanted))


def _keep_secrets(wanted: Environment, existing: Environment) -> None:
    """A secret without a value is one that only the server knows; it has a mark for it."""
    for name, variable in wanted.spec.data.items():
        if variable.is_secret and not variable.value and name in existing.spec.data:
            variable.value = existing.spec.data[name].value


def _skill_differences(existing: Skill, wanted: Skill, version: str) -> tuple[str, ...]:
    """A skill is the files of its folder, and its tag."""
    changed = {
        "content": existing.status.version_hash != version,
        "tag": existing.spec.tag != wanted.spec.tag,
    }
    return tuple(name for name, has_changed in changed.items() if has_changed)


def _taken_from(existing: Resource, wanted: Resource) -> str:
    """Two folders are two projects, whatever their names. A project that was moved or renamed is still the same."""
    name, own_name = (item.metadata.annotations.get(PROJECT, "") for item in (existing, wanted))
    folder, own_folder = (item.metadata.annotations.get(FOLDER, "") for item in (existing, wanted))
    if not name:
        return ""
    if folder and own_folder:
        return f"{name} in {folder}" if folder != own_folder and is_project(Path(folder)) else ""
    return name if name != own_name else ""
