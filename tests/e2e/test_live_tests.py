"""Tests that ask models, here a server that stands in for them: pass rates, the judge, and models side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from tests.agents.provider_server import Answer, openai_events
from tests.e2e.projects import change
from tests.e2e.world import World
from tests.http_server import Request, Response, serving

CODE = """\
from stigmer_tui.sdk import Agent, SubAgent

Agent("clerk", instructions="Say what is left.", sub_agents=[
    SubAgent("reader", description="Reads", instructions="Read what you get."),
])
"""

TEST = """\
version: 1
agent: clerk
message: What is left?
expect:
  text: { contains: Assam }
  judge: Is it kind?
"""


@dataclass
class Models:
    """`good` always says what is expected, `fickle` every second time; `busy` asks its sub-agent first."""

    asked: list[str] = field(default_factory=list)
    """Names of models, but for the judge's."""
    graded: list[str] = field(default_factory=list)
    """What the judge was asked."""

    def respond(self, request: Request) -> Response:
        return Response(200, "".join(openai_events(self.answer(json.loads(request.body)))))

    def answer(self, body: dict[str, object]) -> Answer:
        if "final_answer" in json.dumps(body.get("tools", [])):
            self.graded.append(json.dumps(body["messages"]))
            return Answer(calls=[("1", "final_answer", {"passes": True, "words": "It is kind."})])
        self.asked.append(str(body["model"]))
        said = json.dumps(body["messages"])
        if body["model"] == "busy" and "Say what is left." in said and '"tool"' not in said:
            return Answer(calls=[("1", "task", {"subagent_type": "reader", "description": "Read"})])
        failing = body["model"] == "fickle" and self.asked.count("fickle") % 2 == 0
        return Answer(["Nothing." if failing else "Assam, dear."])


@contextmanager
def models(world: World) -> Iterator[Models]:
    """Those of the world's person."""
    served = Models()
    with serving(served.respond) as url:
        settings = {"OPENAI_API_KEY": "sk-test", "STIGMER_LLM_PROVIDER": "openai", "STIGMER_LLM_BASE_URL": url}
        world.variables = {**settings, "STIGMER_LLM_MODEL": "good"}
        yield served


def project_with_a_test(world: World) -> Path:
    project = world.project(CODE)
    (project / "tests").mkdir()
    (project / "tests" / "clerk.yaml").write_text(TEST, encoding="utf-8")
    return project


def test_a_live_test_asks_the_configured_model_and_a_judge(world: World) -> None:
    project = project_with_a_test(world)
    with models(world) as served:
        passed = world.run("test", "--live", "--junit", "results.xml", cwd=project)
    assert passed.code == 0, passed.out + passed.err
    assert "46 tokens" in passed.out
    assert "judge: ✓ It is kind." in passed.out
    assert served.asked == ["good"]
    (question,) = served.graded
    assert "Is it kind?" in question
    assert "Assam, dear." in question
    told = ElementTree.parse(project / "results.xml").findtext("testcase/system-out")
    assert told == "judge: passes: It is kind."
    assert not list(world.home.workspace.iterdir()), "it has a home of its own"


def test_models_are_compared_and_one_that_passes_sometimes_is_neither_good_nor_bad(world: World) -> None:
    project = project_with_a_test(world)
    with models(world):
        compared = world.run("test", "--models", "good,fickle", "--repeat", "4", "--min-pass", "0.9", cwd=project)
        enough = world.run("test", "--models", "fickle", "--repeat", "4", "--min-pass", "0.5", cwd=project)
        events = world.run("test", "--live", "--output", "json", cwd=project).events
    assert compared.code == 1
    assert "✓ clerk  [good]  4/4 (51–100 %)" in compared.out
    assert "~ clerk  [fickle]  2/4 (15–85 %)" in compared.out
    assert "in 2 of 4: text contains" in compared.out
    assert "2 tests: 1 passed, 1 too seldom" in compared.out
    (row,) = (line for line in compared.out.splitlines() if line.startswith("clerk   ✓ 4/4"))
    assert "~ 2/4" in row
    assert enough.code == 0, enough.out + enough.err
    test, end = events
    assert test["attempts"][0]["judge"] == {"passes": True, "words": "It is kind."}
    assert (end["event"], end["passed"]) == ("tests", 1)


def test_sub_agents_ask_the_model_that_is_tried_too(world: World) -> None:
    project = project_with_a_test(world)
    with models(world) as served:
        passed = world.run("test", "--models", "busy", cwd=project)
    assert passed.code == 0, passed.out + passed.err
    assert served.asked == ["busy"] * 3, "the agent, its sub-agent, and the agent again"


def test_what_needs_an_approval_is_denied_where_nobody_can_give_it(world: World) -> None:
    """And without a model, an agent that has a script plays it."""
    project = project_with_a_test(world)
    change(project, 'left.",', 'left.", script="clerk.yaml",')
    script = "turns: [{ call: { execute: { command: touch made } } }, { say: Assam }]"
    (project / "clerk.yaml").write_text(script, encoding="utf-8")
    with (project / "Stigmer.yaml").open("a", encoding="utf-8") as file:
        file.write("approve: [execute]\n")
    condition = '  condition: .calls[0].tool == "execute"\n  files: { /made: {} }\n'
    test = TEST.replace("  judge: Is it kind?\n", condition)
    (project / "tests" / "clerk.yaml").write_text(test, encoding="utf-8")
    denied = world.run("test", "--live", cwd=project)
    assert denied.code == 1
    assert "file /made" in denied.out
    assert "text" not in denied.out, "the run went on"
