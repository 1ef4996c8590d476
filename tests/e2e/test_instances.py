"""Instances are run by their names, with the variables of their environments, from code and from manifests."""

from __future__ import annotations

from tests.e2e.projects import change
from tests.e2e.world import World

CODE = """\
from stigmer_tui.sdk import Agent, AgentInstance, Environment, Workflow, WorkflowInstance, env, secret

clerk = Agent("clerk", instructions="Say where you are.", script="clerk.yaml", environment=[env("REGION", default="x")])

with Workflow("tally", namespace="shop") as flow:
    flow.set("result", region=env("REGION", default="x"), token=secret("TOKEN"))

prod = Environment("prod", {"REGION": "eu"}, secrets=["TOKEN"])
AgentInstance("clerk-in-prod", clerk, environments=[prod])
WorkflowInstance("tally-in-prod", flow, environments=[prod])
"""

CLERK = """\
turns:
  - call: { execute: { command: echo $REGION } }
  - say: "I am in {{execute}}"
"""

ONLY = """\
kind: WorkflowInstance
metadata: { name: tally-elsewhere }
spec: { workflowId: tally, envRefs: [{ slug: prod }, { slug: us }] }
---
kind: Environment
metadata: { name: us }
spec: { data: { REGION: { value: us } } }
"""


def test_code_with_instances(world: World) -> None:
    project = world.project(CODE)
    (project / "clerk.yaml").write_text(CLERK, encoding="utf-8")
    first = world.run("apply", cwd=project)
    assert "Deployment successful: 5 created" in first.out
    assert "the secret TOKEN of environment prod has no value yet: stigmer-tui environment set" in first.out
    assert world.run("environment", "set", "prod", "secret:TOKEN=hush-hush-hush").code == 0
    again = world.run("apply", cwd=project)
    assert ("Deployment successful: 5 unchanged" in again.out, "no value" in again.out) == (True, False)

    workflow = world.run("run", "tally-in-prod", "--output", "json", cwd=project)
    assert workflow.events[-1]["output"] == {"region": "eu", "token": "[REDACTED]"}, workflow.out
    agent = world.run("run", "clerk-in-prod", "--output", "json", cwd=project)
    assert agent.events[-1]["output"] == "I am in eu", agent.out
    change(project, '{"REGION": "eu"}', '{"REGION": "asia"}')
    changed = world.run("run", "clerk-in-prod", "--output", "json", cwd=project)
    assert changed.events[-1]["output"] == "I am in asia"

    (world.folder / "only.yaml").write_text(ONLY, encoding="utf-8")
    from_file = world.run("run", "-f", "only.yaml", "--output", "json")
    assert from_file.events[-1]["output"] == {"region": "us", "token": "[REDACTED]"}, from_file.out + from_file.err


def test_the_app_on_a_file_of_manifests(world: World) -> None:
    greeting = """\
kind: Workflow
metadata: { name: greet }
spec:
  document: { dsl: 1.0.0, namespace: shop, name: greet, version: 0.1.0 }
  tasks: [{ name: result, kind: WORKFLOW_TASK_KIND_SET, taskConfig: { variables: { said: Good morning } } }]
"""
    file = world.folder / "greet.yaml"
    file.write_text(greeting, encoding="utf-8")
    with world.window("greet.yaml", cwd=world.folder) as window:
        window.shows("watching 1 file · applied")
        window.press("enter")
        window.shows("Good morning")
        file.write_text(greeting.replace("Good morning", "Good night"), encoding="utf-8")
        window.shows("Good night")
        file.write_text(greeting.replace("taskConfig", "taskConfg"), encoding="utf-8")
        window.shows(r"greet\.yaml:5:57")
        window.press("q")
