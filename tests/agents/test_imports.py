"""What is loaded when: the framework after the runner is attached, the software of a provider when it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "unloaded"),
    [
        ("stigmer_tui.agents.runner", {"pydantic_ai", "anthropic", "openai"}),
        ("stigmer_tui.agents.loop", {"anthropic", "openai", "mcp"}),
        ("stigmer_tui.definition.validation", {"pydantic_ai", "stigmer_tui.agents"}),
    ],
)
def test_importing_a_module_does_not_load_what_is_not_needed_yet(module: str, unloaded: set[str]) -> None:
    program = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert module in loaded
    assert unloaded.isdisjoint(loaded)


def test_what_takes_long_the_first_time_is_rehearsed() -> None:
    program = (
        "from pydantic_ai.messages import ModelMessagesTypeAdapter as adapter\n"
        "from stigmer_tui.agents.loop import AgentLoop\n"
        "before = adapter.pydantic_complete\n"
        "AgentLoop.rehearse()\n"
        "print(before, adapter.pydantic_complete)"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["False", "True"]
