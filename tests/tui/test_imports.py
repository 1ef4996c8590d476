"""What is loaded before there is a use for it: nothing that is slow."""

from __future__ import annotations

import subprocess
import sys

import pytest

WIRE = {"grpc", "google.protobuf", "watchfiles", "keyring", "httpx2", "jq", "cryptography", "protovalidate"}
DRAWING = {"markdown_it", "pygments", "stigmer_tui.tui.render.markdown.splitter"}
FACE = {"textual", "rich"}
AGENTS = {"pydantic", "pydantic_ai", "anthropic", "openai"}


def loaded(program: str, modules: set[str]) -> list[str]:
    """Which of the modules are there after a program has run in a process of its own."""
    program = f"import sys; {program}; print('loaded:', *({modules!r} & sys.modules.keys()))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return result.stdout.rpartition("loaded:")[2].split()


COMMAND = "from stigmer_tui.cli.invocation import run_command; run_command(['--help'])"
VERSION = "sys.argv = ['stigmer-tui', '--version']; from stigmer_tui.cli.entry import main; main()"
RUN = "import stigmer_tui.cli.run, stigmer_tui.headless.text_output"
"""All that `run NAME` needs outside a project, where a daemon runs."""

PROJECTS = {"yaml", "filelock", "stigmer_tui.workbench.deployment", "stigmer_tui.definition.tasks"}
DIALOGS = "stigmer_tui.tui.screens.help stigmer_tui.tui.screens.dialogs stigmer_tui.tui.screens.run_form"


@pytest.mark.parametrize(
    ("program", "modules"),
    [
        ("import stigmer_tui.tui.widgets.entry_list", WIRE | DRAWING),
        ("import stigmer_tui.tui.app", WIRE | DRAWING | AGENTS | {*DIALOGS.split(), "psutil", "click", "yaml"}),
        ("import stigmer_tui.cli.app", WIRE | DRAWING | AGENTS | FACE | {"asyncio", "click", "pathlib", "dataclasses"}),
        (COMMAND, WIRE | DRAWING | AGENTS | FACE | {"asyncio", "psutil"}),
        (RUN, (WIRE - {"grpc", "google.protobuf"}) | DRAWING | AGENTS | FACE | PROJECTS),
        (VERSION, WIRE | DRAWING | AGENTS | FACE | {"asyncio", "click", "subprocess"}),
    ],
    ids=["entries", "app", "skeleton", "help", "run", "version"],
)
def test_slow_libraries_wait_until_they_are_needed(program: str, modules: set[str]) -> None:
    assert loaded(program, modules) == []


def test_nothing_of_the_wire_is_loaded_before_the_first_paint() -> None:
    program = """
from pathlib import Path
from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.configuration import load_configuration
from stigmer_tui.tui.app import StigmerApp
from stigmer_tui.workbench.session import Session

class App(StigmerApp):
    def _begin(self):
        # Called when everything has been painted once.
        self.exit(0)

configuration = load_configuration({"STIGMER_HOME": "/nowhere"})
App(Session(configuration, Path("/nowhere"), SystemClock()), SystemClock()).run(headless=True)
"""
    assert loaded(f"exec({program!r})", WIRE | DRAWING | AGENTS) == []
