"""Agents with typed answers, and workflows that read them."""

from __future__ import annotations

import json

import pytest
from pydantic import BaseModel

from stigmer_tui.api.agent_pb2 import Agent as AgentMessage
from stigmer_tui.definition import extensions
from stigmer_tui.sdk import Agent, Workflow
from stigmer_tui.sdk.errors import DefinitionError
from stigmer_tui.sdk.manifests import manifest_files
from stigmer_tui.sdk.registry import begin_registry, current_registry


class Verdict(BaseModel):
    score: int
    why: str = ""


SCHEMA = {"type": "object", "properties": {"score": {"type": "integer"}}}
INSTRUCTIONS = "Judge the text that you are given."


@pytest.fixture(autouse=True)
def fresh() -> None:
    begin_registry()


@pytest.mark.parametrize("output", [Verdict, SCHEMA])
def test_the_schema_is_deployed_with_the_agent(output: object) -> None:
    Agent("judge", instructions=INSTRUCTIONS, output=output)  # type: ignore[arg-type]
    message = AgentMessage.FromString(manifest_files(current_registry(), 0)["agent-0.pb"])
    assert "score" in json.loads(message.metadata.annotations[extensions.OUTPUT])["properties"]


def test_a_workflow_reads_the_fields_and_an_unknown_one_is_an_error() -> None:
    judge = Agent("judge", instructions=INSTRUCTIONS, output=Verdict)
    with Workflow("review") as flow:
        verdict = flow.call_agent("judge", judge, message="Hello")
        flow.set("result", score=verdict.score, text=verdict.response, first=verdict["why"])
        with pytest.raises(DefinitionError) as refusal:
            _ = verdict.scoer
    assert str(refusal.value).startswith('The answers of this agent have no field "scoer"')
    assert 'Did you mean "score"?' in str(refusal.value)


def test_an_open_schema_allows_any_field() -> None:
    judge = Agent("judge", instructions=INSTRUCTIONS, output={**SCHEMA, "additionalProperties": True})
    with Workflow("review") as flow:
        flow.set("result", more=flow.call_agent("judge", judge, message="Hello").more)


@pytest.mark.parametrize("output", [{"type": "string"}, int, {"type": "object", "properties": {"a": {1, 2}}}])
def test_what_describes_no_object_is_refused(output: object) -> None:
    with pytest.raises(DefinitionError, match="output"):
        Agent("judge", instructions=INSTRUCTIONS, output=output)  # type: ignore[arg-type]
