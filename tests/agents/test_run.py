"""Runs of scripted agents, through the real loop, with real tools. Numbers are those of the cases.

See `docs/compatibility.md` 1–80.
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from stigmer_tui.agents.transcript import TranscriptRecorder
from stigmer_tui.agents.worker import ROOM_PAUSE
from stigmer_tui.api.agent_execution_pb2 import AgentExecutionStatus, ToolCallStatus
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.structs import to_data
from stigmer_tui.api.workflow_tasks_pb2 import AgentExecutionConfig
from stigmer_tui.core.configuration import ModelSettings
from stigmer_tui.core.kept_program import MARK
from stigmer_tui.core.run_limits import MAX_STEPS
from stigmer_tui.runners.lease import StopReason
from tests.agents.conftest import EXECUTION, Agents, assignment
from tests.agents.ledger import Ledger
from tests.agents.waiting import exists

COMPLETED = ToolCallStatus.TOOL_CALL_COMPLETED
FAILED = ToolCallStatus.TOOL_CALL_FAILED
SECRET = "sk-very-secret"


async def test_a_run_that_only_says_something(agents: Agents) -> None:
    ledger = await agents.run(assignment("turns: [{say: 'Good morning, {{message}}.', delay: 0}]", "Bob"))
    assert ledger.kinds == ["HUMAN", "AI"]
    assert ledger.answers == ["Good morning, Bob."]
    assert to_data(ledger.status.messages[1].metadata) == {"model": "scripted"}
    assert (ledger.phase, ledger.status.error) == (Phase.COMPLETED, "")
    assert ledger.status.started_at < ledger.status.messages[1].timestamp < ledger.status.completed_at


async def test_it_is_in_progress_before_anything_is_said(agents: Agents) -> None:
    ledger = await agents.run(assignment("turns: [{say: Hi, delay: 0}]"))
    first = ledger.reports[0]
    assert (Phase(first.phase), bool(first.started_at)) == (Phase.IN_PROGRESS, True)
    assert [change.message.content for change in first.messages] == ["Hello"]


async def test_text_is_reported_while_it_is_said(agents: Agents) -> None:
    ledger = await agents.run(assignment("turns: [{say: 'one two three four five', delay: 0.03}]"))
    tails = [change.tail.text for report in ledger.reports for change in report.messages if change.HasField("tail")]
    assert len(tails) >= 3
    assert ledger.answers == ["one two three four five"]


CASE_71 = """
delay: 0
turns:
  - say: Let me look.
    call: {execute: {command: echo 1}}
  - say: Once more.
    call: {execute: {command: echo 1}}
  - say: It is {{result}}.
"""


async def test_71_text_and_calls_keep_their_order_and_equal_calls_are_two(agents: Agents) -> None:
    ledger = await agents.run(assignment(CASE_71))
    assert ledger.kinds == ["HUMAN", "AI", "TOOL", "AI", "TOOL", "AI"]
    assert ledger.answers == ["Let me look.", "Once more.", "It is 1."]
    first, second = ledger.calls
    assert first.id != second.id
    assert [call.status for call in ledger.calls] == [COMPLETED, COMPLETED]
    assert [call.result for call in ledger.calls] == ["1\n[exit code 0]"] * 2
    assert first.started_at < first.completed_at < second.started_at
    assert [message.tool_calls[0] for message in ledger.status.messages if message.tool_calls] == [first, second]


async def test_72_a_tool_that_fails_is_a_failed_call_and_the_run_goes_on(agents: Agents) -> None:
    script = """
    delay: 0
    turns:
      - call: {read_file: {file_path: /missing.txt}}
      - say: "So: {{result}}"
    """
    ledger = await agents.run(assignment(script))
    (call,) = ledger.calls
    assert (call.status, call.error, call.result) == (FAILED, "/missing.txt does not exist", "")
    assert ledger.answers == ["So: /missing.txt does not exist"]
    assert ledger.phase is Phase.COMPLETED


async def test_72_a_call_with_wrong_arguments_is_a_failed_call_and_the_run_goes_on(agents: Agents) -> None:
    script = """
    delay: 0
    turns:
      - call: {ls: {folder: /}}
      - call: {read_file: {}}
      - say: Never mind.
    """
    ledger = await agents.run(assignment(script))
    assert ledger.kinds == ["HUMAN", "TOOL", "TOOL", "AI"]
    assert [call.status for call in ledger.calls] == [FAILED, FAILED]
    assert [call.error for call in ledger.calls] == [
        "folder: Extra inputs are not permitted",
        "file_path: Field required",
    ]
    assert ledger.phase is Phase.COMPLETED


async def test_24_a_command_that_exits_with_a_code_has_failed_for_people_and_answered_for_the_model(
    agents: Agents,
) -> None:
    script = """
    delay: 0
    turns:
      - call: {execute: {command: "echo no such target; exit 3"}}
      - say: "It said: {{execute}}"
    """
    ledger = await agents.run(assignment(script))
    (call,) = ledger.calls
    assert (call.status, call.error, call.result) == (FAILED, "exit 3", "no such target\n[exit code 3]")
    assert ledger.answers == ["It said: no such target"]
    assert ledger.phase is Phase.COMPLETED


async def test_24_a_model_that_was_asked_is_waited_for_until_it_says_something(agents: Agents) -> None:
    ledger = Ledger()
    lease = agents.start(assignment("turns: [{pause: 60, say: Hi}]"), ledger)
    await ledger.until(lambda ledger: any(report.waiting.model for report in ledger.reports))
    assert ledger.reports[-1].waiting.model == "scripted (demo)"
    assert ledger.reports[-1].waiting.since > ledger.status.started_at
    lease.stop(StopReason.CANCELLED)
    assert lease.task is not None
    await lease.task
    assert [report.waiting.model for report in ledger.reports if report.HasField("waiting")][-1] == ""


async def test_73_ten_rounds_of_tools_complete(agents: Agents) -> None:
    calls = "\n".join(f"  - call: {{execute: {{command: echo {number}}}}}" for number in range(10))
    ledger = await agents.run(assignment(f"delay: 0\nturns:\n{calls}\n  - say: done"))
    assert ledger.phase is Phase.COMPLETED
    assert [call.result[0] for call in ledger.calls] == [*"0123456789"]


async def test_an_endless_run_is_stopped_with_its_transcript_kept(agents: Agents) -> None:
    calls = "\n".join(f"  - call: {{ls: {{path: /{number}}}}}" for number in range(MAX_STEPS + 5))
    ledger = await agents.run(assignment(f"turns:\n{calls}\n  - say: done"))
    assert ledger.phase is Phase.FAILED
    assert ledger.status.error.startswith("helper has reached its limit of 100 steps; what it did so far stays.")
    assert len(ledger.calls) == MAX_STEPS


async def test_74_the_same_call_again_and_again_is_warned_of_and_ended(agents: Agents) -> None:
    calls = "  - call: {ls: {path: /}}\n" * 6
    ledger = await agents.run(assignment(f"delay: 0\nturns:\n{calls}  - say: All right, I stop."))
    assert ledger.kinds == ["HUMAN", "TOOL", "TOOL", "TOOL", "SYSTEM", "TOOL", "TOOL", "SYSTEM", "AI"]
    notes = [message.content for message in ledger.status.messages if message.content.startswith("ls was called")]
    assert notes == [
        "ls was called 3 times in a row with the same arguments; the agent was warned.",
        "ls was called 5 times in a row with the same arguments; the agent was asked to come to an end.",
    ]
    assert ledger.answers == ["All right, I stop."]
    assert ledger.phase is Phase.COMPLETED


async def test_76_all_tools_work_inside_the_folder(agents: Agents) -> None:
    script = """
    delay: 0
    turns:
      - call:
          - write_file: {file_path: /a.txt, content: "one\\ntwo\\n"}
          - read_file: {file_path: /a.txt}
          - edit_file: {file_path: /a.txt, old_string: two, new_string: "2"}
          - ls: {path: /}
          - glob: {pattern: "**/*.txt"}
          - grep: {pattern: "2", output_mode: content}
          - execute: {command: cat a.txt}
          - read_file: {file_path: /../../config.yaml}
      - say: done
    """
    ledger = await agents.run(assignment(script))
    assert [call.result for call in ledger.calls[:-1]] == [
        "Wrote /a.txt, 2 lines",
        "     1\tone\n     2\ttwo",
        "Replaced 1 occurrence in /a.txt",
        "a.txt  6 B",
        "/a.txt",
        "/a.txt:2: 2",
        "one\n2\n[exit code 0]",
    ]
    assert ledger.calls[-1].status == FAILED
    assert (agents.folder / "a.txt").read_text() == "one\n2\n"


def processes_of(execution_id: str) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == execution_id:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


CASE_80 = """
delay: 0
turns:
  - say: This will take a while.
    call:
      - execute: {command: "touch begun; sleep 1000"}
      - ls: {path: /}
"""


async def test_80_cancel_during_a_call_kills_it_and_keeps_what_there_is(agents: Agents) -> None:
    ledger = Ledger()
    lease = agents.start(assignment(CASE_80), ledger)
    assert lease.task is not None
    await exists(agents.folder / "begun")
    assert processes_of(EXECUTION)
    lease.stop(StopReason.CANCELLED, "main.py changed")
    await lease.task
    assert processes_of(EXECUTION) == []
    assert (ledger.phase, ledger.status.error) == (Phase.CANCELLED, "main.py changed")
    assert ledger.kinds == ["HUMAN", "AI", "TOOL", "TOOL"]
    assert [call.status for call in ledger.calls] == [FAILED, FAILED]
    assert ledger.calls[0].error == "The run was cancelled before this call had come to its end."


async def test_what_the_commands_of_a_killed_runner_left_running_is_ended_first(agents: Agents) -> None:
    environment = {**agents.environment, MARK: EXECUTION}
    orphan = await asyncio.create_subprocess_exec("sleep", "1000", env=environment)
    await agents.run(assignment("turns: [{say: Hi, delay: 0}]", attempt=2))
    async with asyncio.timeout(60):
        assert await orphan.wait() == -signal.SIGKILL


@pytest.mark.parametrize("report", range(1, 9))
async def test_80_a_cancel_at_any_time_leads_to_one_end(agents: Agents, report: int) -> None:
    ledger = Ledger()
    lease = agents.start(assignment(CASE_71), ledger)
    assert lease.task is not None
    await ledger.until(lambda ledger: len(ledger.reports) == report or ledger.phase.is_final)
    lease.stop(StopReason.CANCELLED)
    await lease.task
    assert ledger.phase in (Phase.CANCELLED, Phase.COMPLETED)
    assert all(call.status in (COMPLETED, FAILED) for call in ledger.calls)
    assert list(agents.journal.execution(EXECUTION)) == []


async def test_a_secret_reaches_commands_and_nothing_else(agents: Agents) -> None:
    script = """
    delay: 0
    turns:
      - say: "The key is {{message}}"
        call:
          - execute: {command: 'test "$TOKEN" = "$EXPECTED" && echo "same $TOKEN"; echo "$TOKEN" > kept.txt'}
          - read_file: {file_path: /kept.txt}
      - say: "{{execute}} {{read_file}}"
    """
    environment = {"EXPECTED": SECRET}
    ledger = await agents.run(assignment(script, f"use {SECRET}", environment=environment, secrets={"TOKEN": SECRET}))
    assert (agents.folder / "kept.txt").read_text() == f"{SECRET}\n"
    assert ledger.calls[0].result == "same [REDACTED]\n[exit code 0]"
    assert ledger.answers == ["The key is use [REDACTED]", "same [REDACTED] [REDACTED]"]
    assert SECRET not in ledger.everything()


async def test_a_task_can_limit_the_time(agents: Agents) -> None:
    script = "turns: [{say: Well, delay: 0}, {pause: 60, say: no}]"
    started = AgentExecutionStatus(started_at="2026-11-21T09:59:59.500Z")  # Nearly as long ago as it may take.
    config = AgentExecutionConfig(timeout=2)
    ledger = await agents.run(assignment(script, config=config, status=started))
    assert (ledger.phase, ledger.status.error) == (Phase.FAILED, "helper took longer than the 2 s that its task allows")
    # How far it gets depends on the machine.
    assert ledger.answers in ([], ["Well"])


async def test_a_clock_that_was_set_back_makes_the_limit_no_longer(agents: Agents) -> None:
    later = AgentExecutionStatus(started_at="2026-11-21T11:00:00Z")
    config = AgentExecutionConfig(timeout=1)
    ledger = await agents.run(assignment("turns: [{pause: 300, say: no}]", config=config, status=later))
    assert (ledger.phase, ledger.status.error) == (Phase.FAILED, "helper took longer than the 1 s that its task allows")


async def test_a_full_disk_holds_a_run_up_that_needs_a_folder(agents: Agents, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    make = Path.mkdir

    def refuse(path: Path, *args: Any, **options: Any) -> None:
        if path == agents.folder and len(pauses) < 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        make(path, *args, **options)

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(Path, "mkdir", refuse)
    ledger = Ledger()
    worker = replace(agents.worker(), sleep=sleep)
    await asyncio.wait_for(worker.work(agents.lease(assignment("turns: [{say: Hi, delay: 0}]"), ledger)), 60)
    assert (ledger.phase, ledger.answers) == (Phase.COMPLETED, ["Hi"])
    assert pauses == [ROOM_PAUSE, ROOM_PAUSE]


async def test_without_a_model_the_error_says_what_to_set(agents: Agents) -> None:
    ledger = await agents.run(assignment())
    assert ledger.phase is Phase.FAILED
    assert ledger.status.error == (
        "No model: set ANTHROPIC_API_KEY or OPENAI_API_KEY where you open the app or use `run`, which"
        " hand it to the daemon,"
        " or choose a provider: stigmer-tui provider use NAME"
    )


async def test_a_mistake_in_a_script_is_told_by_its_line(agents: Agents) -> None:
    ledger = await agents.run(assignment("turns:\n  - say: Hi\n  - sya: Bye\n"))
    assert ledger.phase is Phase.FAILED
    assert ledger.status.error == "script of helper:3:5 has 'sya', which is none of think, say, call, pause, delay"


async def test_a_configured_script_is_for_agents_without_one(agents: Agents, tmp_path: Path) -> None:
    path = tmp_path / "any.script.yaml"
    path.write_text("turns: [{say: From the file., delay: 0}]")
    agents.settings = ModelSettings(script=path)
    assert (await agents.run(assignment())).answers == ["From the file."]
    own = assignment("turns: [{say: My own., delay: 0}]", execution_id="agx_2")
    assert (await agents.run(own)).answers == ["My own."]


async def test_the_scripted_provider_without_a_script_says_so(agents: Agents) -> None:
    agents.settings = ModelSettings(provider="scripted")
    ledger = await agents.run(assignment())
    assert ledger.status.error == "helper has no script to play: give it one, or set STIGMER_LLM_SCRIPT to a file"


async def test_the_journal_forgets_a_run_that_has_ended(agents: Agents) -> None:
    await agents.run(assignment(CASE_71))
    assert list(agents.journal.execution(EXECUTION)) == []


async def test_17_what_is_said_at_once_comes_in_blocks_and_arrives_whole(
    agents: Agents, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces: list[str] = []
    hear = TranscriptRecorder.append_text

    def counted(transcript: TranscriptRecorder, text: str) -> None:
        pieces.append(text)
        hear(transcript, text)

    monkeypatch.setattr(TranscriptRecorder, "append_text", counted)
    text = " ".join(f"word{number}" for number in range(20_000))
    ledger = await agents.run(assignment(f"turns: [{{say: {text}, delay: 0}}]"))
    assert ledger.answers == [text]
    assert len(pieces) <= 1 + len(text) // 4000
