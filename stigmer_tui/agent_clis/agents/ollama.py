"""How ollama is run without a person at it."""

from __future__ import annotations

from stigmer_tui.agent_clis.agent_cli import RATE_LIMIT, AgentCli, Launch
from stigmer_tui.agent_clis.formats.plain import PlainLines


def _arguments(launch: Launch) -> list[str]:
    return [
        *("launch", "claude", "--model", launch.model, "--", "-p"),
        *("--dangerously-skip-permissions", "--no-session-persistence", launch.prompt),
    ]


OLLAMA = AgentCli(
    "ollama",
    "ollama",
    "curl -fsSL https://ollama.com/install.sh | sh",
    50,
    _arguments,
    PlainLines,
    default_model="minimax-m2.5:cloud",
    model_variable="OLLAMA_MODEL",
    usage_limits=(*RATE_LIMIT, "resource_exhausted"),
)
