"""The application of a plan: what others refer to comes first, the rest at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from stigmer_tui.api.agent_instance_pb2 import AgentInstance
from stigmer_tui.api.workflow_instance_pb2 import WorkflowInstance
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.project.plan import Deployments, Plan, PlanStep, with_owner
from stigmer_tui.project.synthesis import Resource


@dataclass(frozen=True, slots=True)
class AppliedStep:
    """A step that has been applied."""

    step: PlanStep
    resource: Resource
    """As deployed, with its id."""


class ApplyError(StigmerError):
    """The server refused a resource, or several of one kind. What is deployed stays so; later kinds are not."""

    def __init__(
        self,
        plan: Plan,
        refused: Sequence[tuple[PlanStep, StigmerError]],
        applied: Sequence[AppliedStep],
        remaining: Sequence[PlanStep],
    ) -> None:
        (first, cause), *others = refused
        parts = [cause.advice, *(f"{_placed(plan, step)}Cannot deploy {step}: {error}" for step, error in others)]
        parts.append(_listed("Deployed", [item.step for item in applied]))
        parts.append(_listed("Not deployed", [*(step for step, _ in refused), *remaining]))
        message = f"{_placed(plan, first)}Cannot deploy {first}: {cause.message}"
        super().__init__(message, "\n".join(filter(None, parts)))
        self.applied = tuple(applied)
        self.failed = tuple(step for step, _ in refused)
        self.remaining = tuple(remaining)


async def apply_plan(plan: Plan, deployments: Deployments) -> tuple[AppliedStep, ...]:
    """Creates and updates resources, kind after kind, those of a kind at the same time. Raises ApplyError after the
    first kind with a refusal.
    """
    applied: list[AppliedStep] = []
    remaining = plan.changes
    while remaining:
        kind = remaining[0].kind
        steps = [step for step in remaining if step.kind is kind]
        remaining = tuple(step for step in remaining if step.kind is not kind)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_apply(step, deployments)) for step in steps]
        outcomes = [task.result() for task in tasks]
        applied += [outcome for outcome in outcomes if isinstance(outcome, AppliedStep)]
        refused = [
            (step, outcome) for step, outcome in zip(steps, outcomes, strict=True) if isinstance(outcome, StigmerError)
        ]
        if refused:
            raise ApplyError(plan, refused, applied, remaining) from refused[0][1]
    return tuple(applied)


async def _apply(step: PlanStep, deployments: Deployments) -> AppliedStep | StigmerError:
    try:
        resource = step.resource
        if isinstance(resource, AgentInstance | WorkflowInstance):
            # What it is an instance of may have been created a moment ago.
            resource = await with_owner(resource, deployments)
        return AppliedStep(step, await deployments.apply(resource))
    except StigmerError as error:
        return error


def _listed(title: str, steps: Sequence[PlanStep]) -> str:
    return f"{title}: {', '.join(map(str, steps)) or 'nothing'}"


def _placed(plan: Plan, step: PlanStep) -> str:
    place = plan.place_of(step)
    return f"{place} " if place else ""
