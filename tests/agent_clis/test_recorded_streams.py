"""Every adapter on what its real CLI has printed (`real_clis.py` records it)."""

from __future__ import annotations

import pytest

from stigmer_tui.agent_clis.agent_cli import AgentCli
from stigmer_tui.agent_clis.events import Called, CliEvent, Failed, Returned, Said, Usage
from stigmer_tui.agent_clis.listening import Heard
from stigmer_tui.agent_clis.outcome import ExitCode, classify
from stigmer_tui.agent_clis.table import AGENTS
from tests.agent_clis.model_apis import BEFORE_CALL, COMMAND, FINAL, TOKENS_CACHED, TOKENS_IN, TOKENS_OUT
from tests.agent_clis.real_clis import GIVING_UP, INSTALLED, STREAMS, run_real

BY_NAME = {agent.name: agent for agent in AGENTS}
RECORDED = ["claude", "codex", "gemini", "kilo", "opencode", "qwen"]

ANSWERS = 2
"""Of the model in each run."""


def read(agent: AgentCli, stream: str) -> list[CliEvent]:
    reader = agent.reader()
    lines = (STREAMS / f"{stream}.jsonl").read_text(encoding="utf-8").splitlines()
    return [event for line in lines for event in reader.read(line)]


def test_all_agents_but_the_one_without_a_package_are_recorded() -> None:
    assert set(RECORDED) == set(BY_NAME) - {"ollama"}


@pytest.mark.parametrize("name", RECORDED)
def test_what_was_said_and_done_in_its_order(name: str) -> None:
    events = read(BY_NAME[name], name)
    happened = [event for event in events if isinstance(event, Said | Called | Returned)]
    match happened:
        case [Said(first), Called(call_id, _, arguments), Returned(returned_id, output, is_error), Said(last)]:
            assert (first, last) == (BEFORE_CALL, FINAL)
            assert call_id == returned_id
            assert "git commit" in str(arguments)
            assert "committed" in output
            assert not is_error
        case _:
            pytest.fail(f"Not a message, a call, its result and a message: {happened}")
    assert not [event for event in events if isinstance(event, Failed)]


@pytest.mark.parametrize("name", RECORDED)
def test_tokens_are_counted_once(name: str) -> None:
    usages = [event for event in read(BY_NAME[name], name) if isinstance(event, Usage)]
    total = sum(usages[1:], usages[0])
    assert (total.tokens_in, total.tokens_out) == (ANSWERS * TOKENS_IN, ANSWERS * TOKENS_OUT)
    assert total.tokens_cached == ANSWERS * TOKENS_CACHED


@pytest.mark.parametrize("name", GIVING_UP)
def test_a_usage_limit_is_recognised(name: str) -> None:
    agent, heard = BY_NAME[name], Heard(limits=BY_NAME[name].usage_limits)
    for event in read(agent, f"{name}-limit"):
        heard.take(event)
    failures = heard.failures
    output = (STREAMS / f"{name}-limit.jsonl").read_text(encoding="utf-8")
    assert failures
    assert classify(1, False, failures, output, "", agent.usage_limits) is ExitCode.USAGE_LIMIT


@pytest.mark.parametrize("name", RECORDED)
def test_a_stream_that_breaks_off_anywhere_is_read_up_to_there(name: str) -> None:
    text = (STREAMS / f"{name}.jsonl").read_text(encoding="utf-8")
    whole = read(BY_NAME[name], name)
    for length in range(0, len(text), 97):
        reader = BY_NAME[name].reader()
        *lines, _ = text[:length].split("\n")
        events = [event for line in lines for event in reader.read(line)]
        assert events == whole[: len(events)]
        # Half a line is no event, and no error.
        list(reader.read(text[:length].split("\n")[-1]))


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize("name", ["gemini", "kilo", "opencode", "qwen"])
def test_the_real_program_is_given_up_at_its_usage_limit(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """By itself it would ask again until its time is up."""
    if name not in [agent.name for agent in INSTALLED]:
        pytest.skip(f"{name} is not installed")
    record = run_real(name, tmp_path_factory.mktemp(name), refuses=True).record
    assert (record.exit_code, record.classified_error) == (ExitCode.USAGE_LIMIT, "usage_limit")


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize("name", RECORDED)
def test_the_real_program_commits(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    if name not in [agent.name for agent in INSTALLED]:
        pytest.skip(f"{name} is not installed")
    record = run_real(name, tmp_path_factory.mktemp(name)).record
    assert (record.exit_code, record.error) == (0, "")
    assert [commit.subject for commit in record.commits] == ["Add smoke.txt"]
    assert (record.files_changed, record.insertions, record.deletions) == (1, 1, 0)
    assert record.last_message == FINAL
    assert record.token_count == ANSWERS * (TOKENS_IN + TOKENS_OUT)


def test_the_command_of_the_script_is_what_the_recordings_hold() -> None:
    """A changed script needs new recordings."""
    for name in RECORDED:
        called = next(event for event in read(BY_NAME[name], name) if isinstance(event, Called))
        assert COMMAND in str(called.arguments["command"]).replace('\\"', '"')
