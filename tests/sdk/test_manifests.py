"""Manifests of a project: what the messages hold, and that they keep the rules of the contract."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stigmer_tui.api.agent_pb2 import Agent as AgentMessage
from stigmer_tui.api.structs import to_data
from stigmer_tui.api.validation import violations
from stigmer_tui.api.workflow_pb2 import Workflow as WorkflowMessage
from stigmer_tui.definition.extensions import temperature_in
from stigmer_tui.definition.support import warnings
from stigmer_tui.definition.validation import parse
from stigmer_tui.sdk import Agent, AgentRef, Workflow, env, secret
from stigmer_tui.sdk.errors import DefinitionError
from stigmer_tui.sdk.manifests import manifest_files
from stigmer_tui.sdk.registry import Registry, begin_registry

NOW = 1_795_222_963


@pytest.fixture(autouse=True)
def registry() -> Registry:
    return begin_registry()


def agent_of(files: dict[str, bytes], number: int = 0) -> AgentMessage:
    return AgentMessage.FromString(files[f"agent-{number}.pb"])


def workflow_of(files: dict[str, bytes], number: int = 0) -> WorkflowMessage:
    return WorkflowMessage.FromString(files[f"workflow-{number}.pb"])


def test_an_agent(registry: Registry, tmp_path: Path) -> None:
    script = tmp_path / "helper.script.yaml"
    script.write_text("turns: []\n")
    Agent(
        "helper",
        instructions="Answer in one sentence.",
        description="Helps",
        script=script,
        environment=[secret("TOKEN", description="Token of the shop"), env("REGION", default="eu")],
    )
    message = agent_of(manifest_files(registry, NOW))

    assert (message.api_version, message.kind) == ("agentic.stigmer.ai/v1", "Agent")
    assert (message.metadata.name, message.metadata.slug, message.metadata.owner_scope) == ("helper", "helper", 2)
    assert message.metadata.org == ""
    assert message.metadata.annotations["stigmer.ai/sdk.language"] == "python"
    assert message.metadata.annotations["stigmer.ai/sdk.generated-at"] == str(NOW)
    assert message.metadata.annotations["stigmer-tui/script"] == "turns: []\n"
    assert message.metadata.annotations["stigmer-tui/script-file"] == "helper.script.yaml"
    assert message.spec.instructions == "Answer in one sentence."
    assert message.spec.env_spec.data["TOKEN"].is_secret
    assert message.spec.env_spec.data["TOKEN"].description == "Token of the shop"
    assert message.spec.env_spec.data["REGION"].value == "eu"
    assert violations(message) == []


def test_a_workflow(registry: Registry) -> None:
    token = f"Bearer {secret('TOKEN', description='Token of the shop')}"
    env("UNUSED", default="x")
    with Workflow("tally", namespace="demo", version="1.2.0", description="Counts") as flow:
        item = flow.http_get("fetch", "http://127.0.0.1/item.json", headers={"Authorization": token})
        with flow.for_each("each", item.orders) as order:
            flow.set("region", region=env("REGION") + order.id, by_hand="${.secrets.OTHER}")
        flow.end()
    message = workflow_of(manifest_files(registry, NOW))

    document = message.spec.document
    assert (document.dsl, document.namespace, document.name, document.version) == ("1.0.0", "demo", "tally", "1.2.0")
    assert document.description == message.spec.description == "Counts"
    assert sorted(message.spec.env_spec.data) == ["OTHER", "REGION", "TOKEN"]
    assert message.spec.env_spec.data["TOKEN"].description == "Token of the shop"
    assert message.spec.env_spec.data["OTHER"].is_secret
    fetch, each = message.spec.tasks
    assert (fetch.name, fetch.kind, fetch.export.__getattribute__("as")) == ("fetch", 2, "${.}")
    assert not each.HasField("export")
    assert not each.HasField("flow")
    assert to_data(each.task_config)["do"][0]["kind"] == "WORKFLOW_TASK_KIND_SET"
    assert warnings(parse(message.spec)) == []


def test_variables_keep_the_order_of_the_code_and_an_empty_default(registry: Registry) -> None:
    """Point 23: the wire has a map of them, and no default that is empty."""
    zone, suffix = env("ZONE"), env("SUFFIX", default="")
    with Workflow("tally") as flow:
        flow.set("a", by_hand="${.secrets.HAND}", suffix=suffix, alpha=env("ALPHA", default="a"), zone=zone)
    annotations = workflow_of(manifest_files(registry, NOW)).metadata.annotations
    assert annotations["stigmer-tui/variables"] == '{"ZONE": null, "SUFFIX": "", "ALPHA": "a", "HAND": null}'


def test_files_are_numbered_in_the_order_of_definition(registry: Registry) -> None:
    for number in range(11):
        Agent(f"agent-{number}", instructions="Answer in one sentence.")
    files = manifest_files(registry, NOW)
    assert list(files) == [*(f"agent-{number}.pb" for number in range(11)), "dependencies.json", "places.json"]
    assert agent_of(files, 10).metadata.name == "agent-10"


def test_dependencies_are_the_agents_that_are_called_nested_ones_too(registry: Registry) -> None:
    helper = Agent("helper", instructions="Answer in one sentence.")
    with Workflow("tally") as flow:
        with flow.for_each("each", [1]):
            flow.call_agent("a", helper, message="x")
        flow.call_agent("b", AgentRef("reviewer"), message="x")
    with Workflow("plain") as plain:
        plain.wait("a", 1)
    dependencies = json.loads(manifest_files(registry, NOW)["dependencies.json"])
    assert dependencies == {"workflow:tally": ["agent:external:reviewer", "agent:helper"]}


def test_the_same_code_gives_the_same_bytes(registry: Registry) -> None:
    def define(registry: Registry) -> dict[str, bytes]:
        with Workflow("tally") as flow:
            flow.set("a", **{f"variable_{number}": number for number in range(20)})
        return manifest_files(registry, NOW)

    assert define(registry) == define(begin_registry())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "My Agent", "instructions": "Answer in one sentence."}, "'My Agent' is not a valid agent name"),
        ({"name": "-", "instructions": "Answer in one sentence."}, "'-' is not a valid agent name"),
        ({"name": "a" * 64, "instructions": "Answer in one sentence."}, "is not a valid agent name"),
        ({"name": "helper", "instructions": "Short"}, "shorter than 10 characters"),
        ({"name": "helper", "instructions": "Use ${ .x } here."}, "instructions must be a text that is known"),
        (
            {"name": "helper", "instructions": "Answer in one sentence.", "script": "no.yaml"},
            "There is no script no.yaml",
        ),
        ({"name": "helper", "instructions": "Answer in one sentence.", "environment": ["X"]}, "environment holds 'X'"),
    ],
)
def test_agents_that_cannot_be(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(DefinitionError) as raised:
        Agent(**arguments)  # type: ignore[arg-type]
    assert message in raised.value.message


def test_two_agents_of_one_name() -> None:
    Agent("helper", instructions="Answer in one sentence.")
    with pytest.raises(DefinitionError, match='The agent "helper" is defined already, in line'):
        Agent("helper", instructions="Answer in two sentences.")


def test_model_and_temperature_of_an_agent_are_annotations(registry: Registry) -> None:
    Agent("cool", instructions="Answer in one sentence.", model="claude-sonnet-4.5", temperature=0)
    Agent("plain", instructions="Answer in one sentence.")
    files = manifest_files(registry, NOW)
    annotations = agent_of(files).metadata.annotations
    assert annotations["stigmer-tui/model"] == "claude-sonnet-4.5"
    assert annotations["stigmer-tui/temperature"] == "0"
    assert temperature_in(annotations) == 0
    assert not {"stigmer-tui/model", "stigmer-tui/temperature"} & agent_of(files, 1).metadata.annotations.keys()
    assert temperature_in(agent_of(files, 1).metadata.annotations) is None
