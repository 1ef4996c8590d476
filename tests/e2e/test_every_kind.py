"""Every kind of resource by every command about what is deployed, in every form of output; on one daemon."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from stigmer_tui.cli.commands import program
from stigmer_tui.core.errors import StigmerError
from tests.e2e.world import World

MANIFESTS = """\
kind: Agent
metadata: {name: clerk, annotations: {stigmer-tui/script: "turns: [{say: 'You said {{message}}'}]"}}
spec: {description: Serves, instructions: Answer in one sentence., skillRefs: [{slug: tea}]}
---
kind: Workflow
metadata: {name: ask}
spec:
  description: Asks
  document: {dsl: 1.0.0, namespace: demo, name: ask, version: 0.1.0}
  tasks: [{name: ask, kind: WORKFLOW_TASK_KIND_AGENT_CALL, taskConfig: {agent: clerk, message: Hello}}]
---
kind: Environment
metadata: {name: prod}
spec: {description: Production, data: {REGION: {value: eu}}}
---
kind: Skill
metadata: {name: tea}
spec: {skill_md: "# Tea"}
---
kind: AgentInstance
metadata: {name: clerk-in-prod}
spec: {agentId: clerk, environmentRefs: [{slug: prod}], description: In production}
---
kind: WorkflowInstance
metadata: {name: ask-in-prod}
spec: {workflowId: ask, envRefs: [{slug: prod}], description: In production}
"""

NAMES = {
    "agent": "clerk",
    "workflow": "ask",
    "environment": "prod",
    "skill": "tea",
    "agent-instance": "clerk-in-prod",
    "workflow-instance": "ask-in-prod",
    "execution": "",
    "session": "",
}
"""Of what is deployed; those of an execution and a session are made when it has run."""
KINDS = tuple(NAMES)
EDITED = KINDS[:-2]
FORMATS = ("table", "json", "yaml", "name")
PARSED: dict[str, Callable[[str], Any]] = {"json": json.loads, "yaml": yaml.safe_load}


@dataclass(frozen=True)
class Shop:
    """A daemon with one resource of each kind, and a run."""

    world: World
    names: dict[str, str]

    def run(self, *arguments: str, **variables: str) -> str:
        """What a command prints, in the process of the test: it takes a tenth of the time. Its errors are raised."""
        environment = {**self.world.environment, **variables}
        result = CliRunner().invoke(program, arguments, env=environment, standalone_mode=False)
        if result.exception:
            raise result.exception
        assert not result.return_value, result.output
        return result.stdout

    def refusal(self, *arguments: str, **variables: str) -> str:
        with pytest.raises(StigmerError) as refused:
            self.run(*arguments, **variables)
        return refused.value.message


@pytest.fixture(scope="module")
def shop(shared_world: World) -> Iterator[Shop]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(shared_world.folder)
        (shared_world.folder / "all.yaml").write_text(MANIFESTS, encoding="utf-8")
        shop = Shop(shared_world, dict(NAMES))
        shop.run("apply", "-f", "all.yaml")
        shop.run("run", "clerk", "-m", "Hello")
        shop.names["execution"] = shop.run("list", "executions", "-o", "name").strip()
        shop.names["session"] = shop.run("list", "sessions", "-o", "name").strip()
        yield shop


def parsed(text: str, output: str) -> Any:
    return PARSED[output](text)


def named(row: dict[str, Any], kind: str) -> str:
    return str(row["id" if kind in ("execution", "session") else "name"])


@pytest.mark.parametrize("kind", KINDS)
class TestKind:
    @pytest.mark.parametrize("output", FORMATS)
    def test_it_is_listed(self, shop: Shop, kind: str, output: str) -> None:
        text, name = shop.run("list", kind, "-o", output), shop.names[kind]
        match output:
            case "table":
                assert any(name in line.split() for line in text.splitlines()[1:])
            case "name":
                assert name in text.splitlines()
            case _:
                assert name in [named(row, kind) for row in parsed(text, output)]

    @pytest.mark.parametrize("output", FORMATS)
    def test_it_is_got(self, shop: Shop, kind: str, output: str) -> None:
        text, name = shop.run("get", kind, shop.names[kind], "-o", output), shop.names[kind]
        match output:
            case "table":
                assert name in text.splitlines()[1].split()
            case "name":
                assert text == f"{name}\n"
            case _:
                data = parsed(text, output)
                assert data["apiVersion"] == "agentic.stigmer.ai/v1"
                assert name in (data["metadata"]["id"], data["metadata"]["slug"])

    @pytest.mark.parametrize("output", FORMATS)
    def test_it_is_described(self, shop: Shop, kind: str, output: str) -> None:
        text = shop.run("describe", kind, shop.names[kind], "-o", output)
        assert shop.names[kind] in text or kind == "session"
        if output in PARSED and kind in EDITED:
            assert parsed(text, output)["manifest"]["metadata"]["slug"] == shop.names[kind]

    def test_what_is_not_there_is_said_by_every_command(self, shop: Shop, kind: str) -> None:
        absent = {"execution": "wfx_01m8kajqrc3vj32kevkk070rcw", "session": "ses_01m8kajqrc3vj32kevkk070rcw"}
        for command in ("get", "describe", "delete"):
            message = shop.refusal(command, kind, absent.get(kind, "nothing"), *["--yes"] * (command == "delete"))
            assert message.startswith(f"There is no {kind.replace('-', ' ')} {absent.get(kind, 'nothing')}")

    def test_another_organization_has_none(self, shop: Shop, kind: str) -> None:
        nothing = f"The organization elsewhere has no {kind.replace('-', ' ')}s\n"
        assert shop.run("list", kind, "--org", "elsewhere") == nothing
        assert shop.run("list", kind, "--org", "elsewhere", "-o", "json") == "[]\n"

    def test_deleting_asks_and_nobody_is_there_to_be_asked(self, shop: Shop, kind: str) -> None:
        assert shop.refusal("delete", kind, shop.names[kind]) == "There is no terminal to ask at"
        assert shop.run("get", kind, shop.names[kind])


@pytest.mark.parametrize("kind", EDITED)
class TestEdited:
    def test_what_is_got_can_be_applied(self, shop: Shop, kind: str) -> None:
        file = shop.world.folder / f"{kind}.yaml"
        file.write_text(shop.run("get", kind, shop.names[kind], "-o", "yaml"), encoding="utf-8")
        (row,) = json.loads(shop.run("apply", "-f", file.name, "-o", "json"))
        assert (row["kind"], row["name"], row["action"]) == (kind, shop.names[kind], "unchanged")
        assert shop.run("apply", "-f", file.name, "--dry-run", "-o", "name") == f"{kind}/{shop.names[kind]}\n"

    @pytest.mark.parametrize("output", FORMATS)
    def test_it_is_edited(self, shop: Shop, kind: str, output: str) -> None:
        editor = f"sed -i 's/# Tea[ a-z]*/# Tea {output}/; s/description: .*/description: By {output}/'"
        text = shop.run("edit", kind, shop.names[kind], "-o", output, EDITOR=editor, VISUAL="")
        match output:
            case "table":
                assert text == f"✓ Changed the {kind.replace('-', ' ')} {shop.names[kind]}\n"
            case "name":
                assert text == f"{shop.names[kind]}\n"
            case _:
                assert parsed(text, output)["action"] == "updated"
        assert output in shop.run("get", kind, shop.names[kind], "-o", "yaml")
        again = shop.run("edit", kind, shop.names[kind], "-o", "json", EDITOR="true", VISUAL="")
        assert json.loads(again)["action"] == "unchanged"

    def test_what_an_editor_leaves_unusable_is_refused(self, shop: Shop, kind: str) -> None:
        before = shop.run("get", kind, shop.names[kind], "-o", "yaml")
        for editor, problem in (
            ("false", "The editor failed, and nothing was changed"),
            ("no-such-editor", "The editor failed, and nothing was changed"),
            ("sed -i s/^kind:.*/kind:/", "kind is missing"),
            ("sed -i 's/  slug: .*/  slug: other/'", "metadata.id, metadata.slug and metadata.org say which resource"),
            ("sed -i 's/^spec:/spce:/'", "has no field spce; did you mean spec?"),
        ):
            refused = shop.refusal("edit", kind, shop.names[kind], EDITOR=editor, VISUAL="")
            assert problem in refused, (editor, refused)
        assert shop.run("get", kind, shop.names[kind], "-o", "yaml") == before


@pytest.mark.parametrize("output", FORMATS)
def test_what_a_command_has_done_is_printed(shop: Shop, output: str) -> None:
    """Made, changed and deleted again; by name it is what the next command takes."""
    folder = shop.world.folder / f"brew-{output}"
    folder.mkdir()
    (folder / "SKILL.md").write_text(f"---\nname: brew\ndescription: Brews\n---\n# {output}\n", encoding="utf-8")
    ran = shop.run("run", "clerk", "-m", "Hello", "--no-follow", "--output", "json")
    execution = json.loads(ran.splitlines()[-1])["execution_id"]
    shop.run("run", "--resume", execution)
    (session,) = {*shop.run("sessions", "list", "-o", "name").split()} - {shop.names["session"]}
    for action, name, command in (
        ("created", "test", ("environment", "set", "test", "REGION=eu")),
        ("updated", "test", ("environment", "set", "test", "--unset", "REGION")),
        ("deleted", "test", ("delete", "environment", "test", "--yes")),
        ("created", "brew", ("skill", "push", folder.name, "--name", "brew")),
        ("unchanged", "brew", ("skill", "push", folder.name, "--name", "brew")),
        ("updated", "brew", ("skill", "push", folder.name, "--name", "brew", "--tag", output)),
        ("deleted", "brew", ("delete", "skill", "brew", "--yes")),
        ("updated", session, ("sessions", "rename", session, "The order")),
        ("deleted", execution, ("execution", "delete", execution, "--yes")),
        ("deleted", session, ("sessions", "delete", session, "--yes")),
    ):
        text = shop.run(*command, "-o", output)
        match output:
            case "table":
                assert name in text
            case "name":
                assert text == f"{name}\n"
            case _:
                data = parsed(text, output)
                assert (data["action"], data.get("name", data["id"])) == (action, name), command


@pytest.mark.parametrize("output", ["text", *FORMATS])
def test_a_run_is_shown(shop: Shop, output: str) -> None:
    assert shop.names["execution"] in shop.run("execution", "show", shop.names["execution"], "-o", output)


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (("get", "agent", ""), "The name of the agent is empty"),
        (("environment", "set", "prod"), "There is nothing to set"),
        (("environment", "set", "prod", "A B=1"), "'A B' is no name of a variable"),
        (("environment", "set", "prod", "1A=1"), "'1A' is no name of a variable"),
        (("environment", "set", "prod", "secret:TOKEN"), "There is no terminal to ask for the value of TOKEN"),
        (("environment", "set", "prod", "--unset", "NOPE"), "The environment prod has no variable NOPE"),
        (("skill", "push", "nowhere"), "There is no folder"),
        (("skill", "get", "tea@a b"), "'a b' is no version of a skill"),
        (("skill", "get", "tea@v9"), "There is no skill tea@v9"),
        (("execution", "show", "abc"), "'abc' is not the id of an execution"),
        (("execution", "cancel", "abc"), "'abc' is not the id of an execution"),
        (("sessions", "rename", "abc", " "), "The new name of the session is empty"),
        (("apply", "-f", "nowhere.yaml"), "There is no file or folder nowhere.yaml"),
    ],
)
def test_what_cannot_be_understood_is_refused(shop: Shop, command: tuple[str, ...], problem: str) -> None:
    assert shop.refusal(*command).startswith(problem)


def test_what_has_happened_cannot_be_edited(shop: Shop) -> None:
    with pytest.raises(Exception, match="executions are what has happened"):
        shop.run("edit", "execution", shop.names["execution"])


def test_an_ended_run_cannot_be_cancelled(shop: Shop) -> None:
    assert "has ended already: it is completed" in shop.refusal("execution", "cancel", shop.names["execution"])
