"""Point 45: what no workflow can hold is told at the line that says it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stigmer_tui.sdk import Agent, Workflow, env, jq
from stigmer_tui.sdk.errors import DefinitionError
from stigmer_tui.sdk.manifests import manifest_files
from stigmer_tui.sdk.registry import begin_registry, current_registry

HALF = "\ud800"
LONG = 10**10_000


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def cyclic() -> list[Any]:
    value: list[Any] = []
    value.append({"again": value})
    return value


@pytest.fixture
def flow() -> Workflow:
    begin_registry()
    return Workflow("flow")


@pytest.mark.parametrize(
    ("define", "complaint"),
    [
        (lambda flow: flow.set("a", x=HALF), "half a character"),
        (lambda flow: flow.set("a", x=[{"k": HALF}]), "half a character"),
        (lambda flow: flow.set("a", x={HALF: 1}), "half a character"),
        (lambda flow: flow.set("a", x=f"text {HALF}"), "half a character"),
        (lambda flow: flow.set("a", x=flow.input.b + HALF), "half a character"),
        (lambda flow: flow.http_get("a", f"http://x/{HALF}"), "half a character"),
        (lambda flow: flow.http_get("a", "http://x/", headers={HALF: "b"}), "half a character"),
        (lambda flow: flow.http_post("a", "http://x/", body={"k": [HALF]}), "half a character"),
        (lambda flow: flow.set(HALF, x=1), "half a character"),
        (lambda flow: Workflow("other", description=HALF), "half a character"),
        (lambda flow: Agent("other", instructions=f"Ten letters {HALF}"), "half a character"),
        (lambda flow: flow.set("a", x=LONG), "more than 1000 digits"),
        (lambda flow: flow.set("a", x=[-LONG]), "more than 1000 digits"),
        (lambda flow: flow.set("a", x=flow.input.b[LONG]), "more than 1000 digits"),
        (lambda flow: flow.set("a", x=flow.input.b[:LONG]), "more than 1000 digits"),
        (lambda flow: flow.http_get("a", "http://x/", timeout=LONG), "more than 30 digits"),
        (lambda flow: flow.http_post("a", "http://x/", body={"k": LONG}), "too large for a number"),
        (lambda flow: flow.set("a", x=nested(5000)), "more than 200 levels deep"),
        (lambda flow: flow.set("a", x=cyclic()), "or contains itself"),
        (lambda flow: flow.http_post("a", "http://x/", body={"k": cyclic()}), "or contains itself"),
    ],
)
def test_what_cannot_be_is_told_where_it_is_written(
    flow: Workflow, define: Callable[[Workflow], object], complaint: str
) -> None:
    with flow, pytest.raises(DefinitionError, match=complaint) as mistake:
        define(flow)
    assert mistake.value.location.file == __file__


@pytest.mark.parametrize(
    ("define", "complaint"),
    [
        (lambda flow: flow.http_post("a", "http://x/", body={"k": nested(60)}), '"flow" is nested too deep'),
        (lambda flow: flow.set("a", x=jq(f'"{HALF}"', flow.input)), 'A text of "flow" holds half a character'),
        (
            lambda flow: Agent("other", instructions="Ten letters.", environment=[env("A", default=HALF)]),
            'A text of "other" holds half a character',
        ),
    ],
)
def test_what_shows_only_in_the_end_names_whose_it_is(
    flow: Workflow, define: Callable[[Workflow], object], complaint: str
) -> None:
    with flow:
        flow.set("first", x=1)
        define(flow)
    with pytest.raises(DefinitionError, match=complaint):
        manifest_files(current_registry(), 0)


def test_a_workflow_without_tasks_is_told_so(flow: Workflow) -> None:
    with flow:
        pass
    with pytest.raises(DefinitionError, match='"flow" has no tasks'):
        manifest_files(current_registry(), 0)
