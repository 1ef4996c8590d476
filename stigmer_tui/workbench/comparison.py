"""Compares a project with what is deployed, line by line of the manifests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.json_format import MessageToDict

from stigmer_tui.api.environment_pb2 import Environment
from stigmer_tui.api.skill_pb2 import Skill
from stigmer_tui.core.yaml_output import to_yaml
from stigmer_tui.project.plan import Plan, PlanStep, comparable
from stigmer_tui.project.synthesis import Resource as Manifest
from stigmer_tui.workbench.differences import ORPHANED, DifferenceLine, LineKind, ResourceDifference, difference_lines

HIDDEN = "(secret)"


def differences_of(plan: Plan) -> tuple[ResourceDifference, ...]:
    """One for each resource that is not the same on both sides, in the order of deployment."""
    changed = [
        ResourceDifference(step.kind.noun, step.slug, step.action, step.differences, tuple(_lines(step)))
        for step in plan.changes
    ]
    orphaned = [ResourceDifference(item.kind.noun, item.slug, ORPHANED) for item in plan.orphaned]
    return (*changed, *orphaned)


def _lines(step: PlanStep) -> Iterator[DifferenceLine]:
    before = _text(step.deployed) if step.deployed else []
    after = _text(step.resource)
    if before == after:
        hidden = (
            "files beside SKILL.md" if isinstance(step.resource, Skill) else "values of secrets, which are not shown"
        )
        yield DifferenceLine(LineKind.TITLE, f"  {hidden}")
    yield from difference_lines(before, after)


def _text(resource: Manifest) -> list[str]:
    """Its manifest, without secret values."""
    shown = comparable(resource)
    if isinstance(shown, Environment):
        for variable in shown.spec.data.values():
            if variable.is_secret:
                variable.value = HIDDEN
    return to_yaml({key: _sorted(value) for key, value in MessageToDict(shown).items()}).splitlines()


def _sorted(value: Any) -> Any:
    """The same on both sides: maps have no order."""
    match value:
        case dict():
            return {key: _sorted(value[key]) for key in sorted(value, key=lambda key: (key != "name", key))}
        case list():
            return [_sorted(item) for item in value]
        case _:
            return value
