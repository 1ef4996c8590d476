"""The texts that users of Stigmer know, word for word, and the streams and exit codes that scripts rely on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.projects import CLERK, GREETING, TALKING
from tests.e2e.world import World

NO_PROJECT = """\
Error: No Stigmer.yaml found in current directory

Either:
  • Run from a Stigmer project directory
  • Or specify agent/workflow: stigmer-tui run <name-or-id>
"""

NOT_FOUND = """\
Error: Agent or Workflow not found: nobody

Checked for:
  • Workflow with ID/name: nobody
  • Agent with ID/name: nobody

Possible reasons:
  • Resource doesn't exist in organization
  • Resource hasn't been deployed yet (run: stigmer-tui apply)
  • Wrong organization context
"""

WORKFLOW = """\
📁 Detected Stigmer project - applying latest code
✓ Loaded Stigmer.yaml
✓ Manifest loaded: 1 resource(s) discovered
✓ Deployed: 1 workflow(s) (1 created)

✓ Workflow execution started: greet
Execution ID: wfx_[0-9a-z]{26}

▶️  Execution started
⚙️ Task: result [Running]
✓ Task: result [Completed]
✅ Execution completed
Output: {
  "greeting": "Hello, Ada"
}

Duration: \\ds
Total tasks: 1
Completed: 1
"""

AGENT = """\
✓ Loaded Stigmer.yaml
✓ Manifest loaded: 1 resource(s) discovered
✓ Deployed: 1 agent(s) (1 created)

✓ Agent execution started: clerk
Execution ID: agx_[0-9a-z]{26}

▶️  Execution started
💬 You: Is there tea?
ℹ️  The agent's script is played; no model is asked
🤖 Agent: Let me look.
🔧 Tool: execute [Running]
✓ Tool: execute [Completed]
🤖 Agent: You said: Is there tea?
✅ Execution completed

Duration: \\ds
Total messages: 4
Tool calls: 1
"""

APPLIED = """\
✓ Loaded Stigmer.yaml
✓ Manifest loaded: 1 resource(s) discovered

TYPE      NAME   STATUS     ID
Workflow  greet  ✓ Created  wf_[0-9a-z]{26}

Deployment successful: 1 created
"""

FORESEEN = """\
✓ Loaded Stigmer.yaml
✓ Manifest loaded: 1 resource(s) discovered

TYPE      NAME   ACTION
Workflow  greet  Create

Dry run successful: 1 created
"""


def test_outside_a_project(world: World) -> None:
    finished = world.run("run")
    assert (finished.code, finished.out, finished.err) == (1, "", NO_PROJECT)


def test_an_unknown_name(world: World) -> None:
    finished = world.run("run", "nobody")
    assert (finished.code, finished.out, finished.err) == (1, "", NOT_FOUND)


@pytest.mark.parametrize(
    ("given", "shown"),
    {"INVALID": "INVALID", "=value": "=value", "secret:hush": "secret:…", "secret:=hush": "secret:…"}.items(),
)
def test_an_invalid_variable_is_refused_before_anything_is_applied(world: World, given: str, shown: str) -> None:
    finished = world.run("run", "--runtime-env", given, cwd=world.project(GREETING))
    text = f"Error: Invalid runtime environment format: {shown} (expected key=value)\n"
    assert (finished.code, finished.out, finished.err) == (1, "", text)
    assert not world.home.daemon_lock.exists()


def test_a_workflow(world: World) -> None:
    finished = world.run("run", "greet", cwd=world.project(GREETING))
    assert (finished.code, finished.err) == (0, "")
    assert_matches(WORKFLOW, finished.out)


def test_an_agent(world: World) -> None:
    finished = world.run("run", "--message", "Is there tea?", cwd=talking_project(world))
    assert (finished.code, finished.err) == (0, "")
    assert_matches(AGENT, finished.out)


def test_apply(world: World) -> None:
    project = world.project(GREETING)
    foreseen = world.run("apply", "--dry-run", cwd=project)
    assert (foreseen.code, foreseen.err) == (0, "")
    assert_matches(FORESEEN, foreseen.out)
    applied = world.run("apply", cwd=project)
    assert (applied.code, applied.err) == (0, "")
    assert_matches(APPLIED, applied.out)


@pytest.mark.parametrize(
    "arguments",
    [("run", "--bogus"), ("run", "a", "b"), ("run", "--output", "xml"), ("apply", "--bogus"), ("server", "bogus")],
    ids=" ".join,
)
def test_wrong_usage(world: World, arguments: tuple[str, ...]) -> None:
    finished = world.run(*arguments)
    assert (finished.code, finished.out) == (2, "")
    assert finished.err.startswith("Usage: stigmer-tui ")
    assert "\nError: " in finished.err


def talking_project(world: World) -> Path:
    project = world.project(TALKING)
    (project / "clerk.yaml").write_text(CLERK, encoding="utf-8")
    return project


def assert_matches(expected: str, text: str) -> None:
    """`expected` is text, but for `\\d` and the places of ids."""
    pattern = re.escape(expected).replace(r"\[0\-9a\-z\]\{26\}", "[0-9a-z]{26}").replace(r"\\ds", r"\d+s")
    assert re.fullmatch(pattern, text), text
