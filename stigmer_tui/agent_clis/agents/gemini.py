"""How gemini is run without a person at it."""

from __future__ import annotations

from stigmer_tui.agent_clis.agent_cli import RATE_LIMIT, AgentCli, Launch
from stigmer_tui.agent_clis.formats.gemini import GeminiLines


def _arguments(launch: Launch) -> list[str]:
    return [
        "--model",
        launch.model,
        "--yolo",
        "--skip-trust",
        "--output-format",
        "stream-json",
        "--prompt",
        launch.prompt,
    ]


GEMINI = AgentCli(
    "gemini",
    "gemini",
    "npm install -g @google/gemini-cli",
    40,
    _arguments,
    GeminiLines,
    default_model="auto",
    model_variable="AGENT_RUNNER_GEMINI_MODEL",
    usage_limits=(*RATE_LIMIT, "resource_exhausted"),
)
