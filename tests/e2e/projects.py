"""Code of projects that tests are about: small, and quick to run."""

from __future__ import annotations

from pathlib import Path

GREETING = """\
from stigmer_tui.sdk import Workflow

with Workflow("greet", namespace="shop", description="Says hello") as flow:
    flow.set("result", greeting="Hello, Ada")
"""

WAITING = """\
from stigmer_tui.sdk import Workflow

with Workflow("wait-long", namespace="shop") as flow:
    flow.set("before", step="one")
    flow.wait("rest", seconds=60)
    flow.set("after", step="two")
"""

TALKING = """\
from stigmer_tui.sdk import Agent

Agent("clerk", instructions="Answer in one sentence.", script="clerk.yaml")
"""

CLERK = """\
delay: 0.01
turns:
  - say: Let me look.
    call:
      execute: { command: "echo looked >> ledger" }
  - say: "You said: {{message}}"
"""


def change(project: Path, before: str, after: str) -> None:
    """Saves `main.py` with another text in it."""
    file = project / "main.py"
    code = file.read_text(encoding="utf-8")
    assert before in code
    file.write_text(code.replace(before, after), encoding="utf-8")
