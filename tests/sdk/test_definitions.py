"""The SDK where no project is run: in unit tests, and where a person types."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stigmer_tui.sdk import Agent, DefinitionError, Definitions, Workflow
from stigmer_tui.sdk.registry import begin_registry, current_registry


def test_what_is_defined_within_stands_apart(tmp_path: Path) -> None:
    outer = begin_registry()
    Agent("helper", instructions="Answer in one sentence.")
    with Definitions() as definitions:
        helper = Agent("helper", instructions="Answer in two sentences.")
        with Workflow("tally") as flow:
            flow.call_agent("ask", helper, message="Hi")
    assert current_registry() is outer
    assert [(each["kind"], each["metadata"]["name"]) for each in definitions.manifests()] == [
        ("Agent", "helper"),
        ("Workflow", "tally"),
    ]
    tally = definitions.manifest("Workflow", "tally")
    assert [(task["name"], task["task_config"]["agent"]) for task in tally["spec"]["tasks"]] == [("ask", "helper")]
    with pytest.raises(DefinitionError, match='No Workflow "taly" is defined') as refusal:
        definitions.manifest("Workflow", "taly")
    assert "tally" in refusal.value.advice
    definitions.write(tmp_path / "out")
    assert (tmp_path / "out" / "workflow-0.pb").is_file()


def test_what_shows_at_the_end_is_told_there() -> None:
    with Definitions() as definitions:
        Workflow("empty")
    with pytest.raises(DefinitionError, match="has no tasks"):
        definitions.manifests()


CELLS = """
from stigmer_tui.sdk import Agent, Workflow, env
for _ in range(2):
    helper = Agent("helper", instructions="Answer in one sentence.")
    region = env("REGION", default=str(_))
    with Workflow("tally") as flow:
        done = flow.set("a", region=region)

from stigmer_tui.sdk.registry import current_registry
print(len(current_registry().workflows["tally"].tasks), current_registry().variables["REGION"].default)
"""


def test_a_cell_may_be_run_again() -> None:
    typed = subprocess.run(
        [sys.executable, "-i", "-q"],
        input=CELLS,
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert typed.stdout == "1 1\n", typed.stderr
    as_file = subprocess.run(
        [sys.executable, "-c", CELLS], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert 'The agent "helper" is defined already' in as_file.stderr
