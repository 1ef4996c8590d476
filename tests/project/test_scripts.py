"""Scripts of agents, checked before anything is deployed."""

from __future__ import annotations

import pytest

from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.project.runtimes import SynthesisError
from stigmer_tui.project.synthesis import Manifests, check_scripts

GOOD = "turns:\n  - say: hello\n"


def agent(script: str, file: str = "scripts/host.yaml") -> Agent:
    message = Agent()
    message.metadata.name = "host"
    message.metadata.annotations["stigmer-tui/script"] = script
    if file:
        message.metadata.annotations["stigmer-tui/script-file"] = file
    return message


@pytest.mark.parametrize(
    ("script", "line", "problem"),
    [
        ("turns:\n  - say: hello\n  say: [", 3, "is not valid YAML"),
        ("turns:\n  - say: hello\n  - shout: hello\n", 3, "has 'shout', which is none of think, say, call, pause"),
        ("turns: []\n", 1, "must have turns"),
    ],
)
def test_a_script_that_cannot_be_played_is_an_error_at_its_line(script: str, line: int, problem: str) -> None:
    """Point 24: told with file and line, as a mistake in the code is, and nothing is deployed."""
    with pytest.raises(SynthesisError) as raised:
        check_scripts(Manifests(agents=(agent(GOOD), agent(script))))
    assert (str(raised.value.file), raised.value.line) == ("scripts/host.yaml", line)
    assert raised.value.problem.startswith(problem)
    assert "host" in raised.value.advice


def test_a_script_of_another_sdk_is_named_by_its_agent() -> None:
    with pytest.raises(SynthesisError) as raised:
        check_scripts(Manifests(agents=(agent("turns: 3", file=""),)))
    assert (str(raised.value.file), raised.value.line) == ("script of host", 1)


def test_good_scripts_and_agents_without_any_pass() -> None:
    check_scripts(Manifests(agents=(agent(GOOD), Agent())))
