"""Point 44: `make demo` and `make test` say what they do, and what to do when it does not work."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="there is no make")


def make(folder: Path, target: str, pip: str) -> subprocess.CompletedProcess[str]:
    """With an environment whose pip does nothing but end as it is told to."""
    commands = folder / "venv" / "bin"
    commands.mkdir(parents=True, exist_ok=True)
    for name, script in (("python", "exit 0"), ("pip", pip)):
        (commands / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (commands / name).chmod(0o755)
    command = ["make", f"VENV={folder}/venv", f"{folder}/venv/{target}"]
    # `make test` runs this test: what one make hands to the next changes what it prints.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_each_step_is_a_line_with_what_is_done_and_for_how_long(tmp_path: Path) -> None:
    finished = make(tmp_path, "tested", "exit 0")
    assert finished.returncode == 0
    steps = finished.stdout.splitlines()
    assert [step.split("(")[0].split(" into ")[0].split(",")[0].strip() for step in steps] == [
        "2/3 Installing stigmer-tui and the libraries it uses",
        "3/3 Compiling it",
        "Installing what tests and checks use",
    ]
    assert all("seconds" in step for step in steps)


@pytest.mark.parametrize("target", ["installed", "tested"])
def test_an_index_that_cannot_be_reached_is_told_with_the_ways_out(tmp_path: Path, target: str) -> None:
    finished = make(tmp_path, target, 'echo "pip: no route to the index" >&2; exit 1')
    assert finished.returncode != 0
    assert finished.stderr.index("no route to the index") < finished.stderr.index(
        "If it cannot reach the package index"
    )
    assert "PIP_INDEX_URL=" in finished.stderr
    assert "://" not in finished.stderr
    assert not (tmp_path / "venv" / target).exists()
