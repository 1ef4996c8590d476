"""Completion in real shells: a person types, presses tab, and reads the line."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.window import Window
from tests.e2e.world import World

MANIFESTS = """\
kind: Agent
metadata: {name: clerk}
spec: {description: "Serves tea, and coffee", instructions: Answer in one sentence.}
---
kind: Environment
metadata: {name: prod}
spec: {data: {REGION: {value: eu}}}
"""

READY = "ready>"
SHELLS = {
    "bash": ("bash", "--norc", "--noprofile", "-i"),
    "zsh": ("zsh", "-f", "-i"),
    "fish": ("fish", "--no-config", "--interactive"),
}
PREPARED = {
    "bash": f"PS1='{READY}'; eval \"$(stigmer-tui completion bash)\"",
    "zsh": f"PS1='{READY}'; eval \"$(stigmer-tui completion zsh)\"",
    "fish": f"function fish_prompt; echo -n '{READY}'; end; stigmer-tui completion fish | source",
}
"""What stands in a person's own file of the shell."""

EXECUTE = "import os, sys; os.execvp(sys.argv[1], sys.argv[1:])"


@pytest.fixture(scope="module")
def deployed(shared_world: World) -> World:
    """With the program in its PATH."""
    folder = shared_world.folder / "bin"
    folder.mkdir()
    program = folder / "stigmer-tui"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m stigmer_tui "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    assert shared_world.run("apply", "-f", "-", stdin=MANIFESTS).code == 0
    (shared_world.folder / "shop").mkdir()
    return shared_world


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, deployed: World) -> Iterator[Window]:
    if not shutil.which(request.param):
        pytest.skip(f"there is no {request.param}")
    path = f"{deployed.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**deployed.environment, "PATH": path, "LC_ALL": "C.UTF-8"}
    window = Window(["-c", EXECUTE, *SHELLS[request.param]], 100, 30, environment, Path(deployed.folder))
    try:
        window.type(f"{PREPARED[request.param]}\n")
        window.shows(rf"^{READY}$")
        yield window
    finally:
        window.close()


def test_names_options_and_values_are_completed(shell: Window) -> None:
    for typed, line in (
        ("get age", "get agent"),
        ("get agent c", "get agent clerk"),
        ("get environments p", "get environments prod"),
        ("run cl", "run clerk"),
        ("run --all --det", "run --all --detach"),
        ("list --output js", "list --output json"),
        ("list --output=js", "list --output=json"),
        ("list --org lo", "list --org local"),
        ("new shop --template agent-w", "new shop --template agent-workflow"),
        ("sh", "shop/"),
    ):
        shell.type(f"stigmer-tui {typed}\t")
        # A space follows what is complete; a folder may go on.
        shell.shows(rf"^{READY}\s*stigmer-tui {line}$")
        shell.press("ctrl+u")
        shell.shows(rf"^{READY}$")


def test_several_are_listed(shell: Window) -> None:
    shell.type("stigmer-tui list --output \t\t")
    shell.shows(r"^(?=.*\bjson\b)(?=.*\bname\b)(?=.*\byaml\b).*\btable\b")
