"""How kilo, a variant of opencode, is run without a person at it."""

from __future__ import annotations

from stigmer_tui.agent_clis.agent_cli import AgentCli
from stigmer_tui.agent_clis.agents.opencode import run_arguments
from stigmer_tui.agent_clis.formats.opencode import OpencodeLines

KILO = AgentCli(
    "kilo",
    "kilo",
    "npm install -g @kilocode/cli",
    70,
    run_arguments,
    OpencodeLines,
    default_model="kilo/minimax/minimax-m2.5:free",
)
