"""How codex is run without a person at it."""

from __future__ import annotations

import json
from pathlib import Path

from stigmer_tui.agent_clis.agent_cli import RATE_LIMIT, AgentCli, Launch
from stigmer_tui.agent_clis.formats.codex import CodexLines


def _last_message(run_folder: Path) -> Path:
    return run_folder / "last_message.txt"


def _arguments(launch: Launch) -> list[str]:
    # Its sandbox would keep the repository from being committed to, and the agent from the network.
    writable = json.dumps([launch.git_folder] if launch.git_folder else [])
    return [
        *("--config", f"sandbox_workspace_write.writable_roots={writable}"),
        *("--config", "sandbox_workspace_write.network_access=true"),
        *("--config", 'model_reasoning_effort="high"', "--search", "exec", "-C", str(launch.folder)),
        *("--sandbox", "workspace-write", "--ephemeral", "--json", "-o", str(_last_message(launch.run_folder))),
        *(("--model", launch.model) if launch.model else ()),
        launch.prompt,
    ]


CODEX = AgentCli(
    "codex",
    "codex",
    "npm install -g @openai/codex",
    90,
    _arguments,
    CodexLines,
    usage_limits=(*RATE_LIMIT, "too many requests", "hit your usage limit"),
    last_message=_last_message,
)
