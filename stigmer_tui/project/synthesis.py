"""Synthesis: a project's code is run, and what it defines is read (`docs/compatibility.md` 142–146)."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.units import duration_text
from stigmer_tui.project.go_runtime import run_go
from stigmer_tui.project.manifests import Manifests, read_manifests
from stigmer_tui.project.project_file import Project, Runtime
from stigmer_tui.project.python_runtime import run_python
from stigmer_tui.project.scripts import check_scripts
from stigmer_tui.project.subprocesses import OnLine
from stigmer_tui.project.synthesis_error import SynthesisError

OUTPUT_FOLDER = "STIGMER_OUT_DIR"
TIME_LIMIT = "STIGMER_SYNTHESIS_TIMEOUT"
"""Environment variable: seconds that a project's code may take."""
DEFAULT_TIME_LIMIT = 60.0


def time_limit(environment: Mapping[str, str]) -> float:
    """Raises StigmerError for what is no positive number."""
    text = environment.get(TIME_LIMIT, "").strip()
    try:
        seconds = float(text or DEFAULT_TIME_LIMIT)
    except ValueError:
        seconds = 0
    if not 0 < seconds < float("inf"):
        raise StigmerError(f"{TIME_LIMIT} is {text!r}", "It is a number of seconds, such as 60.")
    return seconds


async def synthesize(
    project: Project, on_line: OnLine = lambda line: None, environment: Mapping[str, str] | None = None
) -> Manifests:
    """Runs the project's code in an output folder of its own, which is gone afterwards.

    `on_line` sees what the code prints, line by line and as it comes. Cancelling ends all processes at once.
    Raises SynthesisError.
    """
    environment = os.environ if environment is None else environment
    limit = time_limit(environment)
    name = project.main.name
    if not project.main.is_file():
        raise SynthesisError(f"{project.main} is not there", "main in Stigmer.yaml names the file to begin with.")
    run = run_python if project.runtime is Runtime.PYTHON else run_go
    with tempfile.TemporaryDirectory(prefix="stigmer-", ignore_cleanup_errors=True) as output:
        try:
            async with asyncio.timeout(limit):
                await run(project, Path(output), {**environment, OUTPUT_FOLDER: output}, on_line)
        except TimeoutError:
            advice = f"{TIME_LIMIT} gives it more seconds. Is it waiting for something, such as input or a server?"
            raise SynthesisError(f"{name} did not finish within {duration_text(limit)}", advice) from None
        except OSError as error:
            raise SynthesisError(f"{name} cannot be run: {error}") from error
        try:
            manifests = read_manifests(Path(output))
        except StigmerError as error:
            raise SynthesisError(error.message, error.advice) from error
    check_scripts(manifests)
    if not manifests.resources:
        raise SynthesisError(f"{name} finished and defined no agent and no workflow", _NOTHING[project.runtime])
    return manifests


_NOTHING = {
    Runtime.PYTHON: 'Define one: Agent("helper", instructions="Answer in one sentence.")',
    Runtime.GO: "Define one within stigmer.Run, and end with an error when it returns one: log.Fatal(err).",
}
