"""Scripts of agents are read before they are deployed: a malformed one must not take the place of a good one."""

from __future__ import annotations

import re
from pathlib import Path

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.agents import SCRIPT_ANNOTATION, SCRIPT_FILE_ANNOTATION
from stigmer_tui.definition.script import parse_script
from stigmer_tui.project.manifests import Manifests
from stigmer_tui.project.synthesis_error import SynthesisError

ADVICE = "It is the script of the agent {agent}. The one that is deployed stays until this one can be played."


def check_scripts(manifests: Manifests) -> None:
    """Raises SynthesisError with file and line for the first script that cannot be played."""
    for agent in manifests.agents:
        annotations = agent.metadata.annotations
        if text := annotations.get(SCRIPT_ANNOTATION):
            file = annotations.get(SCRIPT_FILE_ANNOTATION) or f"script of {agent.metadata.name}"
            try:
                parse_script(text, file)
            except StigmerError as error:
                line, problem = _place(error.message, file)
                raise SynthesisError(problem, ADVICE.format(agent=agent.metadata.name), Path(file), line) from error


def _place(message: str, file: str) -> tuple[int, str]:
    """`scripts/host.yaml:3 has …` as its line and the rest."""
    match = re.match(r":(\d+) (.*)", message.removeprefix(file), re.DOTALL)
    return (int(match[1]), match[2]) if match else (0, message)
