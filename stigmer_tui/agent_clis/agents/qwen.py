"""How qwen is run without a person at it."""

from __future__ import annotations

from stigmer_tui.agent_clis.agent_cli import AgentCli, Launch
from stigmer_tui.agent_clis.formats.claude import ClaudeLines


def _arguments(launch: Launch) -> list[str]:
    return ["--yolo", "-m", launch.model, "--output-format", "stream-json", launch.prompt]


QWEN = AgentCli(
    "qwen",
    "qwen",
    "npm install -g @qwen-code/qwen-code",
    20,
    _arguments,
    ClaudeLines,
    default_model="coder-model",
    model_variable="QWEN_MODEL",
)
