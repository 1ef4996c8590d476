"""What the end of a program means."""

from __future__ import annotations

import pytest

from stigmer_tui.agent_clis.agents.claude import CLAUDE
from stigmer_tui.agent_clis.agents.codex import CODEX
from stigmer_tui.agent_clis.agents.gemini import GEMINI
from stigmer_tui.agent_clis.agents.ollama import OLLAMA
from stigmer_tui.agent_clis.agents.qwen import QWEN
from stigmer_tui.agent_clis.outcome import MAX_NOTICE, ExitCode, classify
from stigmer_tui.agent_clis.table import AGENTS

LIMITS = [
    (CLAUDE, "You've hit your limit · resets 3pm"),
    (CLAUDE, "Claude AI usage limit reached"),
    (CODEX, "You've hit your usage limit. Try again at 5 PM."),
    (CODEX, "stream error: Too Many Requests"),
    (CODEX, "unexpected status 429"),
    (GEMINI, "RESOURCE_EXHAUSTED: try later"),
    (GEMINI, "You exceeded your current quota"),
    (OLLAMA, "Error: rate limit reached"),
    (QWEN, "Free quota is used up"),
]


@pytest.mark.parametrize(("agent", "said"), LIMITS)
@pytest.mark.parametrize("status", [0, 1])
def test_a_usage_limit_is_recognised_whatever_the_status(agent: object, said: str, status: int) -> None:
    limits = next(known for known in AGENTS if known is agent).usage_limits
    assert classify(status, False, [], said, said, limits) is ExitCode.USAGE_LIMIT


def test_an_answer_that_is_about_limits_is_an_answer() -> None:
    said = "I have added a rate limit to the gateway. " + "x" * MAX_NOTICE
    assert classify(0, False, [], said, said, CODEX.usage_limits) is ExitCode.SUCCESS


def test_tool_output_does_not_spoil_a_success() -> None:
    assert classify(0, False, [], "HTTP 429\nrate limit", "Done", CODEX.usage_limits) is ExitCode.SUCCESS


def test_the_number_429_within_another_is_no_limit() -> None:
    assert classify(1, False, [], "line 14290", "", CODEX.usage_limits) is ExitCode.AGENT_ERROR


@pytest.mark.parametrize("said", ["getaddrinfo ENOTFOUND api.example", "TypeError: fetch failed", "Connection refused"])
def test_no_connection(said: str) -> None:
    assert classify(1, False, [], said, "", CLAUDE.usage_limits) is ExitCode.CONNECTIVITY


def test_a_program_that_says_that_it_failed_has_failed_with_status_0_too() -> None:
    assert classify(0, False, ["Model not found"], "", "", CLAUDE.usage_limits) is ExitCode.AGENT_ERROR


def test_the_time_limit_comes_first() -> None:
    assert classify(143, True, ["429"], "429", "", CODEX.usage_limits) is ExitCode.TIMEOUT


def test_the_exit_codes_are_those_that_scripts_rely_on() -> None:
    assert [code.value for code in ExitCode] == [0, 1, 2, 10, 11, 12, 13]
