"""Environments and instances, as they stand in manifests."""

from __future__ import annotations

import pytest

from stigmer_tui.api.agent_instance_pb2 import AgentInstance as AgentInstanceMessage
from stigmer_tui.api.environment_pb2 import Environment as EnvironmentMessage
from stigmer_tui.api.kinds import ENVIRONMENT
from stigmer_tui.api.validation import violations
from stigmer_tui.api.workflow_instance_pb2 import WorkflowInstance as WorkflowInstanceMessage
from stigmer_tui.sdk import Agent, AgentInstance, AgentRef, DefinitionError, Environment, Workflow, WorkflowInstance
from stigmer_tui.sdk.manifests import manifest_files
from stigmer_tui.sdk.registry import Registry, begin_registry

NOW = 1_700_000_000


@pytest.fixture
def registry() -> Registry:
    return begin_registry()


def test_an_environment_holds_values_and_the_names_of_secrets(registry: Registry) -> None:
    Environment("prod", {"REGION": "eu"}, secrets=["TOKEN"], description="The shop in Europe")
    message = EnvironmentMessage.FromString(manifest_files(registry, NOW)["environment-0.pb"])
    assert violations(message) == []
    assert message.spec.description == "The shop in Europe"
    values = {name: (value.value, value.is_secret) for name, value in message.spec.data.items()}
    assert values == {"REGION": ("eu", False), "TOKEN": ("", True)}


def test_instances_name_owner_and_environments(registry: Registry) -> None:
    clerk = Agent("clerk", instructions="Answer in one sentence.")
    with Workflow("tally") as flow:
        flow.set("a", x=1)
    prod = Environment("prod", {"REGION": "eu"})
    AgentInstance("clerk-in-prod", clerk, environments=[prod, "shared"])
    WorkflowInstance("tally-in-prod", flow, environments=[prod], description="For customers")
    AgentInstance("waiter-in-prod", AgentRef("waiter"))
    files = manifest_files(registry, NOW)
    names = ["agent-0", "workflow-0", "environment-0", "agent-instance-0", "workflow-instance-0", "agent-instance-1"]
    assert list(files) == [*(f"{name}.pb" for name in names), "dependencies.json", "places.json"]
    first = AgentInstanceMessage.FromString(files["agent-instance-0.pb"])
    assert (first.spec.agent_id, [each.slug for each in first.spec.environment_refs]) == ("clerk", ["prod", "shared"])
    assert {each.kind for each in first.spec.environment_refs} == {ENVIRONMENT.number}
    assert AgentInstanceMessage.FromString(files["agent-instance-1.pb"]).spec.agent_id == "waiter"
    of_workflow = WorkflowInstanceMessage.FromString(files["workflow-instance-0.pb"])
    assert (of_workflow.spec.workflow_id, of_workflow.spec.description) == ("tally", "For customers")
    assert [*violations(first), *violations(of_workflow)] == []


def test_what_is_wrong_is_told_with_its_line(registry: Registry) -> None:
    clerk = Agent("clerk", instructions="Answer in one sentence.")
    Environment("prod")
    with pytest.raises(DefinitionError, match='environment "prod"') as refusal:
        Environment("prod")
    assert refusal.value.location.file == __file__
    AgentInstance("here", clerk)
    with pytest.raises(DefinitionError, match='agent instance "here"'):
        AgentInstance("here", clerk)
    with pytest.raises(DefinitionError, match=r"environments of .* is one"):
        AgentInstance("there", clerk, environments="prod")
    with pytest.raises(DefinitionError, match="secrets is a text"):
        Environment("a", secrets="TOKEN")
    with pytest.raises(DefinitionError, match="TOKEN is both a value and a secret"):
        Environment("b", {"TOKEN": "x"}, secrets=["TOKEN"])
    with pytest.raises(DefinitionError, match="'region' is not a valid variable name"):
        Environment("c", {"region": "eu"})
