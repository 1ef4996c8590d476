"""From code to server: synthesis, plan, apply."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.kinds import AGENT, AGENT_INSTANCE, WORKFLOW, WORKFLOW_INSTANCE, Kind
from stigmer_tui.api.workflow_pb2 import Workflow
from stigmer_tui.core.approval_policy import ApprovalPolicy
from stigmer_tui.core.clock import Clock
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.run_limits import write_limits
from stigmer_tui.core.watch_rules import WatchRules
from stigmer_tui.definition import extensions
from stigmer_tui.definition.approved_tools import known_tools, unknown_tools
from stigmer_tui.project.apply import apply_plan
from stigmer_tui.project.places import Place
from stigmer_tui.project.plan import Action, Plan, PlanStep, make_plan
from stigmer_tui.project.plan_checks import check_plan
from stigmer_tui.project.project_file import Project, load_project, of_manifests
from stigmer_tui.project.subprocesses import OutputLine, RunPackage, run_package
from stigmer_tui.project.synthesis import Manifests, synthesize
from stigmer_tui.project.synthesis import Resource as Manifest
from stigmer_tui.workbench.backend import Backend
from stigmer_tui.workbench.described import described
from stigmer_tui.workbench.events import CodePrinted, Event, ManifestsLoaded, ProjectLoaded
from stigmer_tui.workbench.model import ResourceKey, ResourceKind
from stigmer_tui.workbench.state import ApplySummary, Deployment, DeploymentItem, SourceLine

if TYPE_CHECKING:
    # Most deployments are not compared by a person.
    from stigmer_tui.workbench.differences import ResourceDifference


RUN_AS = {
    AGENT: ResourceKind.AGENT,
    WORKFLOW: ResourceKind.WORKFLOW,
    AGENT_INSTANCE: ResourceKind.AGENT,
    WORKFLOW_INSTANCE: ResourceKind.WORKFLOW,
}
"""What can be run, and what that shows."""


class Deployer:
    """One passage from the project's code to the server."""

    def __init__(
        self,
        folder: Path,
        backend: Backend,
        emit: Callable[[Event], None],
        clock: Clock,
        manifests: Path | None = None,
    ) -> None:
        """`manifests` are deployed instead of the project in the folder. Raises StigmerError for a bad Stigmer.yaml."""
        self._project = load_project(folder) if manifests is None else of_manifests(manifests, folder)
        self._backend = backend
        self._emit = emit
        self._clock = clock
        self._manifests = Manifests()

    @property
    def watch_rules(self) -> WatchRules:
        return self._project.watch

    async def synthesize(
        self, variables: Mapping[str, str] | None = None, run_package: RunPackage = run_package
    ) -> None:
        """Runs the code, with these variables besides those of our own environment. Raises SynthesisError, and
        StigmerError where tools are to wait for approval that its agents have not.
        """
        if self._project.name:
            folder = self._project.folder
            elsewhere = "" if folder == Path.cwd() else str(folder)
            self._emit(ProjectLoaded(self._project.name, elsewhere))

        def printed(line: OutputLine) -> None:
            self._emit(CodePrinted(line.text, line.is_error))

        self._manifests = await synthesize(self._project, printed, os.environ | (variables or {}), run_package)
        _check_approve(self._project, self._manifests)
        if limits := write_limits(self._project.limits):
            for agent in self._manifests.agents:
                agent.metadata.annotations[extensions.LIMITS] = limits
        self._emit(ManifestsLoaded(len(self._manifests.resources)))

    async def preview(self) -> Deployment:
        """What `apply` would do. Raises what that would raise before it sends anything."""
        plan = await self._plan()
        return self._deployment(plan, {}, await check_plan(plan, self._backend.deployments()))

    async def differences(self) -> tuple[ResourceDifference, ...]:
        """What `apply` would change, line by line."""
        from stigmer_tui.workbench.comparison import differences_of

        return differences_of(await self._plan())

    async def apply(self) -> Deployment:
        """Sends what differs. Raises SynthesisError before that for what cannot be right, and ApplyError, which says
        what is deployed and what is not.
        """
        plan = await self._plan()
        warnings = await check_plan(plan, self._backend.deployments())
        sent = await apply_plan(plan, self._backend.deployments())
        return self._deployment(plan, {(item.step.kind, item.step.slug): item.resource for item in sent}, warnings)

    async def _plan(self) -> Plan:
        # Of no use to others, and nothing that a server elsewhere should know.
        folder = self._project.folder.resolve() if self._backend.is_ours and self._project.name else None
        deployments = self._backend.deployments()
        project, organization = self._project, self._backend.organization
        return await make_plan(self._manifests, project.name, organization, deployments, folder, project.approve)

    def _deployment(self, plan: Plan, sent: dict[tuple[Kind, str], Manifest], warnings: tuple[str, ...]) -> Deployment:
        return Deployment(
            applied=ApplySummary(
                at=self._clock.now(),
                created=_slugs(plan, Action.CREATE),
                updated=_slugs(plan, Action.UPDATE),
                unchanged=_slugs(plan, Action.KEEP),
                orphaned=tuple(resource.slug for resource in plan.orphaned),
            ),
            items=tuple(
                _item(step, sent.get((step.kind, step.slug)) or step.deployed, plan.place_of(step))
                for step in plan.steps
            ),
            affected=frozenset(ResourceKey(RUN_AS[kind], slug) for kind, slug in plan.affected if kind in RUN_AS),
            warnings=(*self._project.warnings, *_warnings(plan), *warnings),
        )


def _check_approve(project: Project, manifests: Manifests) -> None:
    if not manifests.agents or (known := known_tools(manifests.agents)) is None:
        return
    place = project.approve_place
    for name, hint in unknown_tools(ApprovalPolicy.parse(project.approve, place), known).items():
        advice = f"Their tools: {', '.join(sorted(known))}"
        raise StigmerError(f"{place} approve: the agents have no tool {name}{hint}", advice)


def _item(step: PlanStep, stored: Manifest | None, place: Place | None) -> DeploymentItem:
    return DeploymentItem(
        kind=step.kind.noun,
        name=step.resource.metadata.name,
        slug=step.slug,
        action=step.action,
        resource=described(stored) if isinstance(stored, Agent | Workflow) else None,
        id=stored.metadata.id if stored else "",
        source=SourceLine(str(place.file), place.line) if place else None,
    )


def _slugs(plan: Plan, action: Action) -> tuple[str, ...]:
    return tuple(step.slug for step in plan.having(action))


def _warnings(plan: Plan) -> list[str]:
    missing = [
        f"workflow {item.workflow} calls the agent {item.agent}, which is neither in this project nor deployed"
        + item.hint
        for item in plan.missing_agents
    ]
    taken = [f"{step} was deployed by the project {step.taken_from} before" for step in plan.steps if step.taken_from]
    ignored = [
        f"the server ignores the {setting}, which only that of stigmer-tui knows" for setting in plan.ignored_settings
    ]
    unset = [
        f"the secret {name} of environment {environment} has no value yet:"
        f" stigmer-tui environment set {environment} secret:{name}"
        for environment, name in plan.unset_secrets
    ]
    return missing + taken + ignored + unset
