"""Runs become tests, which pass offline with the same code, and say what changed with other code."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from xml.etree import ElementTree

from tests.e2e.projects import change
from tests.e2e.shop import open_shop
from tests.e2e.world import World
from tests.guide import section

SERVER = """\
from mcp.server.mcpserver import MCPServer

server = MCPServer("stock")


@server.tool()
def grams(tea: str) -> int:
    \"\"\"How much of a tea is there.\"\"\"
    return 250


server.run()
"""

CODE = """\
import sys
from stigmer_tui.sdk import Agent, McpServer, SubAgent, Workflow, secret

stock = McpServer.stdio("stock", sys.executable, "stock.py", working_dir=".")
clerk = Agent("clerk", instructions="Say what is in stock.", mcp_servers=[stock], script="clerk.yaml",
              sub_agents=[SubAgent("reader", description="Reads", instructions="Read what you get.")])

with Workflow("order", namespace="shop") as flow:
    token = secret("TOKEN")
    flow.wait("rest", seconds=1)
    sent = flow.http_post("send", URL/orders", headers={"Authorization": f"Bearer {token}"}, body={"tea": "Assam"})
    said = flow.call_agent("ask", clerk, message="What is left?")
    flow.set("result", sent=sent, said=said.response)
"""

SCRIPT = """\
delay: 0
turns:
  - call:
      - grams: { tea: Assam }
      - task: { subagent_type: reader, description: "Read it" }
      - execute: { command: "echo once >> ledger; exit 3" }
  - say: "There are {{grams}} g; the reader says {{task}}"
    call: { write_file: { file_path: /said.md, content: "{{grams}}" } }
  - say: "Written: {{grams}}"
sub_agents:
  reader: { turns: [{ say: "nothing" }] }
"""


def test_a_run_is_exported_and_played_until_a_word_of_the_code_changes(world: World) -> None:
    with open_shop() as shop:
        project = world.project("")
        (project / "stock.py").write_text(SERVER, encoding="utf-8")
        (project / "clerk.yaml").write_text(SCRIPT, encoding="utf-8")
        code = CODE.replace("URL", f'"{shop.url}')
        (project / "main.py").write_text(code, encoding="utf-8")
        arguments = ("run", "order", "-e", "secret:TOKEN=hush-hush-hush")
        ran = world.run(*arguments, cwd=project)
        assert ran.code == 0, ran.out + ran.err
        (execution,) = re.findall(r"Execution ID: (\S+)", ran.out)
        exported = world.run("export", execution, cwd=project)
        assert exported.code == 0, exported.err
        asked = shop.asked.total()
        test = project / "tests" / "order.yaml"
        text = test.read_text(encoding="utf-8")
        assert "TOKEN: secret:TOKEN" in text
        assert "hush" not in text
        (project / "stock.py").write_text("raise SystemExit('is not started')", encoding="utf-8")
        (project / "main.py").write_text(code.replace("seconds=1", "seconds=3000"), encoding="utf-8")

        passed = world.run("test", "--junit", "results.xml", cwd=project)
        assert passed.code == 0, passed.out + passed.err
        assert "✓ order" in passed.out
        assert shop.asked.total() == asked, "nothing is sent"
        assert ElementTree.parse(project / "results.xml").getroot().get("failures") == "0"

    change(project, "Say what is in stock.", "Say what is in store.")
    misfit = world.run("test", cwd=project)
    assert misfit.code == 1
    assert "The recording does not fit the code: the instructions of clerk have changed" in misfit.out
    assert "- Say what is in stock." in misfit.out
    assert "+ Say what is in store." in misfit.out
    change(project, "Say what is in store.", "Say what is in stock.")
    change(project, 'instructions="Read what you get."', 'instructions="Read all you get."')
    assert "the instructions of reader have changed" in world.run("test", "--last-failed", cwd=project).out


def test_the_section_of_the_readme_works_as_it_is_printed(world: World) -> None:
    page = section("Tests of your agents")
    project = world.new_project()
    printed = [shlex.split(line, comments=True) for line in re.findall(r"^    stigmer-tui (.*)$", page, re.MULTILINE)]
    assert len(printed) == 10
    finished = [world.run(*command, cwd=project) for command in printed]
    assert [(each.code, each.err) for each in finished] == [(0, "")] * len(printed), finished
    tests, _, exported, chosen, again, _, script, live, events, compared = (each.out for each in finished)
    assert "3 tests: 3 passed" in tests
    assert "✓ Wrote tests/host-2.yaml" in exported
    assert "1 test: 1 passed" in chosen
    assert "4 tests: 4 passed" in again, "none has failed"
    assert "say: |" in script
    # Without a model, agents that have scripts play them.
    assert "✓ host  10/10 (72–100 %)" in live
    assert '"event": "tests"' in events
    assert "8 tests: 8 passed" in compared


def test_pytest_finds_them_by_the_plugin(world: World) -> None:
    project = world.new_project()
    host = project / "tests" / "host.yaml"
    host.write_text(host.read_text(encoding="utf-8").replace(".turns == 1", ".turns == 9"), encoding="utf-8")
    (project / "tests" / "data.yaml").write_text("is: no test\n", encoding="utf-8")
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "stigmer_tui.pytest", "-p", "no:cacheprovider", "--rootdir=.", "tests"],
        cwd=project,
        env=world.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 1, finished.stdout + finished.stderr
    assert "1 failed, 2 passed" in finished.stdout
    assert "- .turns == 9" in finished.stdout
    assert "Traceback" not in finished.stdout
