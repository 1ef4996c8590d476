"""How claude is run without a person at it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from stigmer_tui.agent_clis.agent_cli import AgentCli, Launch
from stigmer_tui.agent_clis.formats.claude import ClaudeLines


def _arguments(launch: Launch) -> list[str]:
    return [
        *("-p", "--model", launch.model, "--effort", "high", "--dangerously-skip-permissions"),
        *("--no-session-persistence", "--output-format", "stream-json", "--verbose", launch.prompt),
    ]


def _refusal(environment: Mapping[str, str]) -> str:
    if os.geteuid() == 0 and not environment.get("IS_SANDBOX"):
        return "claude does not skip permissions for root: run it as another user, or set IS_SANDBOX=1 in a container"
    return ""


CLAUDE = AgentCli(
    "claude",
    "claude",
    "npm install -g @anthropic-ai/claude-code",
    80,
    _arguments,
    ClaudeLines,
    default_model="sonnet",
    usage_limits=("hit your limit", "usage limit", r"api error: .{0,40}\b429\b"),
    refusal=_refusal,
)
