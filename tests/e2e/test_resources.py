"""Everything about what is deployed, from the command line."""

from __future__ import annotations

import json

import yaml

from tests.e2e.projects import CLERK, TALKING
from tests.e2e.world import World

MANIFESTS = """\
kind: AgentInstance
metadata: {name: clerk-in-prod}
spec: {agentId: clerk, environmentRefs: [{slug: prod}]}
---
kind: Agent
metadata: {name: clerk, annotations: {stigmer-tui/script: "turns: [{say: 'You said {{message}}'}]"}}
spec: {instructions: Answer in one sentence.}
---
kind: Environment
metadata: {name: prod}
spec: {data: {REGION: {value: eu}}}
---
kind: Skill
metadata: {name: tea}
spec: {skill_md: "# Tea"}
"""


def test_resources_and_executions_are_listed_shown_and_deleted(world: World) -> None:
    project = world.project(TALKING)
    (project / "clerk.yaml").write_text(CLERK, encoding="utf-8")
    ran = world.run("run", "--message", "Hello", "--output", "json", cwd=project)
    execution = ran.events[-1]["execution_id"]

    assert world.run("list", "--output", "name").out == "agent/clerk\n"
    (listed,) = json.loads(world.run("list", "agents", "--output", "json").out)
    assert (listed["kind"], listed["name"], listed["project"]) == ("agent", "clerk", "shop")
    manifest = yaml.safe_load(world.run("get", "agent", "clerk", "--output", "yaml").out)
    assert (manifest["kind"], manifest["metadata"]["id"]) == ("Agent", listed["id"])
    assert "Used by:       nothing" in world.run("describe", "agent", "clerk").out

    assert world.run("execution", "list", "--output", "name").out == f"{execution}\n"
    shown = world.run("execution", "show", execution)
    assert "🤖 Agent: You said: Hello\n✅ Execution completed\n" in shown.out
    again = world.run("execution", "show", execution, "--output", "json").events
    assert again[0]["execution_id"] == execution
    assert again[-1] == {**ran.events[-1], "time": again[-1]["time"]}

    (found,) = json.loads(world.run("execution", "list", "--search", "agent:clerk SAID: h", "--output", "json").out)
    assert (found["id"], found["excerpts"]) == (execution, [{"source": "Agent", "text": "You said: Hello"}])
    assert world.run("execution", "list", "--search", "Goodbye").out == "No execution matches Goodbye\n"
    assert world.run("execution", "compare", execution, execution).out.startswith("The same steps\n")

    completed = {**world.environment, "COMP_WORDS": "stigmer-tui get agent c", "COMP_CWORD": "3"}
    asking = World(world.folder, {**completed, "_STIGMER_TUI_COMPLETE": "bash_complete"})
    assert asking.run().out == "plain,clerk\n"

    refused = world.run("delete", "agent", "clerk")
    assert (refused.code, refused.err) == (1, "Error: There is no terminal to ask at\n\nAdd --yes if you are sure.\n")
    assert world.run("execution", "delete", execution, "--yes").code == 0
    assert world.run("delete", "agent", "clerk", "--yes").out == "✓ Deleted the agent clerk\n"
    gone = world.run("get", "agent", "clerk")
    assert gone.err.startswith("Error: There is no agent clerk in the organization local\n\nSee what there is: ")


def test_manifests_are_deployed_and_run_without_a_project(world: World) -> None:
    file = world.folder / "all.yaml"
    file.write_text(MANIFESTS, encoding="utf-8")
    planned = world.run("apply", "-f", "all.yaml", "--dry-run")
    assert (planned.code, "Dry run successful: 4 created" in planned.out) == (0, True)
    applied = world.run("apply", "-f", "-", stdin=MANIFESTS)
    assert (applied.code, "Deployment successful: 4 created" in applied.out) == (0, True), applied.err
    assert "Deployment successful: 4 unchanged" in world.run("apply", "-f", ".").out
    ran = world.run("run", "-f", "all.yaml", "-m", "Hello", "--output", "json")
    assert (ran.code, ran.events[-1]["output"]) == (0, "You said Hello"), ran.err
    went_on = world.run("run", "--resume", ran.events[-1]["execution_id"], "-m", "Again", "--output", "json")
    assert (went_on.code, went_on.events[-1]["output"]) == (0, "You said Again"), went_on.err
    at_once = world.run("run", "--all", "-f", "all.yaml", "-m", "Hello")
    assert (at_once.code, at_once.out.splitlines()[-1]) == (0, "1 completed")
    for kind, name in (
        ("agent", "clerk"),
        ("agent-instance", "clerk-in-prod"),
        ("skill", "tea"),
        ("environment", "prod"),
    ):
        manifest = world.run("get", kind, name, "--output", "yaml").out
        assert "Deployment successful: 1 unchanged" in world.run("apply", "-f", "-", stdin=manifest).out
    asked = world.run("describe", "environment", "prod")
    assert "Used by:       agent instance clerk-in-prod" in asked.out
    file.write_text(MANIFESTS.replace("skill_md", "skil_md"), encoding="utf-8")
    refused = world.run("apply", "-f", "all.yaml")
    assert refused.err == "Error: all.yaml:15:8 SkillSpec has no field skil_md; did you mean skillMd?\n"


def test_the_code_is_compared_with_what_is_deployed_and_what_is_orphaned_is_deleted(world: World) -> None:
    project = world.project(TALKING)
    (project / "clerk.yaml").write_text(CLERK, encoding="utf-8")
    world.run("apply", cwd=project)
    assert world.run("diff", "--exit-code", cwd=project).out == "All that the project defines is deployed\n"
    code = (project / "main.py").read_text(encoding="utf-8")
    (project / "main.py").write_text(code.replace('"clerk"', '"waiter"'), encoding="utf-8")
    differing = world.run("diff", "--exit-code", cwd=project)
    assert (differing.code, differing.out.splitlines()[0]) == (1, "agent waiter · created")
    assert "\nagent clerk · orphaned\n" in differing.out
    (only,) = json.loads(world.run("diff", "waiter", "--output", "json", cwd=project).out)
    assert (only["name"], only["action"], "+  name: waiter" in only["lines"]) == ("waiter", "created", True)
    # Another project of the same name, which is not to lose what is its own.
    other = world.folder / "other"
    other.mkdir()
    for file in ("Stigmer.yaml", "main.py", "clerk.yaml"):
        text = (project / file).read_text(encoding="utf-8").replace('"waiter"', '"cook"')
        (other / file).write_text(text, encoding="utf-8")
    world.run("apply", cwd=other)

    foreseen = world.run("apply", "--prune", "--dry-run", cwd=project)
    assert foreseen.out.splitlines()[-1] == "No longer defined: agent clerk"
    refused = world.run("apply", "--prune", cwd=project)
    assert (refused.code, refused.err) == (1, "Error: There is no terminal to ask at\n\nAdd --yes if you are sure.\n")
    pruned = world.run("apply", "--prune", "--yes", cwd=project)
    assert pruned.out.splitlines()[-1] == "✓ Deleted the agent clerk"
    assert world.run("list", "--output", "name").out.split() == ["agent/cook", "agent/waiter"]


def test_an_environment_is_set_and_a_resource_is_edited(world: World) -> None:
    assert world.run("environment", "set", "prod", "REGION=us", "secret:TOKEN=hush-4711").code == 0
    changed = world.run("environment", "set", "prod", "REGION=eu")
    assert changed.out == "✓ Changed the environment prod: REGION, TOKEN\n"
    editing = World(world.folder, {"EDITOR": "sed -i s/eu/asia/", "VISUAL": ""})
    assert editing.run("edit", "environment", "prod").out == "✓ Changed the environment prod\n"
    assert editing.run("edit", "environment", "prod").out == "Nothing was changed\n"
    shown = world.run("get", "environment", "prod", "--output", "yaml").out
    assert ("value: asia" in shown, "hush-4711" in shown, "[REDACTED]" in shown) == (True, False, True)
    failing = World(world.folder, {"EDITOR": "sed -i s/data:/date:/", "VISUAL": ""})
    refused = failing.run("edit", "environment", "prod")
    assert "EnvironmentSpec has no field date; did you mean data?" in refused.err
