"""How qwen is run without a person at it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stigmer_tui.agent_clis.agent_cli import AgentCli, Launch, OwnLog
from stigmer_tui.agent_clis.formats.claude import ClaudeLines
from stigmer_tui.agent_clis.formats.qwen_log import QwenLogLines

RUNTIME = "qwen"
"""The folder, in that of the run, for what it writes besides: its debug log, and the record of the conversation."""


def _arguments(launch: Launch) -> list[str]:
    return ["--yolo", "-m", launch.model, "--output-format", "stream-json", launch.prompt]


def _own_log(run_folder: Path) -> Path:
    return run_folder / RUNTIME / "debug" / "latest"


def _environment(run_folder: Path) -> Mapping[str, str]:
    return {"QWEN_RUNTIME_DIR": str(run_folder / RUNTIME), "QWEN_DEBUG_LOG_FILE": "1"}


QWEN = AgentCli(
    "qwen",
    "qwen",
    "npm install -g @qwen-code/qwen-code",
    20,
    _arguments,
    ClaudeLines,
    default_model="coder-model",
    model_variable="QWEN_MODEL",
    # At a usage limit it asks again for more than a quarter of an hour, and prints nothing meanwhile.
    own_log=OwnLog(_own_log, _environment, QwenLogLines),
)
