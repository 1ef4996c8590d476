"""How kilo is run without a person at it."""

from __future__ import annotations

from stigmer_tui.agent_clis.agent_cli import AgentCli, Launch
from stigmer_tui.agent_clis.formats.opencode import OpencodeLines


def _arguments(launch: Launch) -> list[str]:
    return ["run", "--auto", "--format", "json", "-m", launch.model, launch.prompt]


KILO = AgentCli(
    "kilo",
    "kilo",
    "npm install -g @kilocode/cli",
    70,
    _arguments,
    OpencodeLines,
    default_model="kilo/minimax/minimax-m2.5:free",
)
