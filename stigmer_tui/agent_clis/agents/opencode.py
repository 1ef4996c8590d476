"""How opencode is run without a person at it."""

from __future__ import annotations

from stigmer_tui.agent_clis.agent_cli import AgentCli, Launch
from stigmer_tui.agent_clis.formats.opencode import OpencodeLines


def run_arguments(launch: Launch) -> list[str]:
    """Of opencode, and of what is made from it."""
    # Only its log tells that it waits for the end of a usage limit.
    logs = ("--print-logs", "--log-level", "ERROR")
    return [*logs, "run", "--auto", "--format", "json", "-m", launch.model, launch.prompt]


OPENCODE = AgentCli(
    "opencode",
    "opencode",
    "npm install -g opencode-ai",
    60,
    run_arguments,
    OpencodeLines,
    default_model="opencode/glm-5-free",
    model_variable="OPENCODE_MODEL",
)
