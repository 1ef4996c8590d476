"""Applying a plan: what differs is sent, what others refer to first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.project.deployments import Deployments
from stigmer_tui.project.manifests import Resource
from stigmer_tui.project.plan import Plan, PlanStep


@dataclass(frozen=True, slots=True)
class AppliedStep:
    step: PlanStep
    resource: Resource
    """As it is deployed now, with its id."""


class ApplyError(StigmerError):
    """The server refused a resource. What came before it is deployed and stays so, what comes after it is not."""

    def __init__(
        self, cause: StigmerError, applied: Sequence[AppliedStep], failed: PlanStep, remaining: Sequence[PlanStep]
    ) -> None:
        parts = [cause.advice, _listed("Deployed", [item.step for item in applied])]
        parts.append(_listed("Not deployed", [failed, *remaining]))
        super().__init__(f"Cannot deploy {failed}: {cause.message}", "\n".join(filter(None, parts)))
        self.applied = tuple(applied)
        self.failed = failed
        self.remaining = tuple(remaining)


async def apply_plan(
    plan: Plan, deployments: Deployments, on_applied: Callable[[AppliedStep], None] = lambda applied: None
) -> tuple[AppliedStep, ...]:
    """Sends what is to be created or updated, one after the other. Raises ApplyError at the first that fails."""
    applied: list[AppliedStep] = []
    for index, step in enumerate(plan.changes):
        try:
            resource = await deployments.apply(step.resource)
        except StigmerError as error:
            raise ApplyError(error, applied, step, plan.changes[index + 1 :]) from error
        applied.append(AppliedStep(step, resource))
        on_applied(applied[-1])
    return tuple(applied)


def _listed(title: str, steps: Sequence[PlanStep]) -> str:
    return f"{title}: {', '.join(map(str, steps)) or 'nothing'}"
