"""Tasks and agents that people define, when tasks are run, and what is to be looked at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stigmer_tui.agent_clis.agent_cli import Launch
from stigmer_tui.agent_clis.formats.opencode import OpencodeLines
from stigmer_tui.agent_clis.outcome import ADVICE, ExitCode
from stigmer_tui.agent_clis.records import RunFolder, RunRecord
from stigmer_tui.agent_clis.schedule import Schedule, kept_variables
from stigmer_tui.agent_clis.table import AGENTS, agents_of
from stigmer_tui.agent_clis.tasks import BUILT_IN, KEYS, PROMPT, Task, find_task, load_tasks
from stigmer_tui.agent_clis.triage import Urgency, triage, without_advice
from stigmer_tui.core.configuration_file import ConfigurationFile
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.project.project_file import load_project
from stigmer_tui.project.project_keys import TASKS

TASK = """---
requires_commit: true
notify: false
timeout: 10m
agents: [claude, codex]
folder: services/shop
worktree: true
---
Bring the documentation up to date.
"""


def write_task(folder: Path, text: str, name: str = "tidy") -> None:
    (folder / "tasks").mkdir(exist_ok=True)
    (folder / "tasks" / f"{name}.md").write_text(text)


def test_a_task_of_the_project(tmp_path: Path) -> None:
    write_task(tmp_path, TASK)
    task = find_task(tmp_path, "tidy")
    assert task.prompt == "Bring the documentation up to date."
    assert (task.requires_commit, task.notify, task.timeout, task.worktree) == (True, False, 600.0, True)
    assert (task.agents, task.folder) == (("claude", "codex"), "services/shop")


def test_a_prompt_alone_is_a_task_and_one_of_the_program_can_be_replaced(tmp_path: Path) -> None:
    write_task(tmp_path, "Say hi", "debug_hello_simple")
    assert set(load_tasks(tmp_path)) == set(BUILT_IN)
    assert find_task(tmp_path, "debug_hello_simple").prompt == "Say hi"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("timeout: soon", "timeout must be a time"),
        ("notify: maybe", "notify must be true or false"),
        ("agents: 7", "agents must be a list"),
        ("folder: ../elsewhere", "folder must be a folder below"),
        ("requires_commits: true", "is no key of a task"),
    ],
)
def test_what_is_wrong_with_a_task_is_told_with_its_line(tmp_path: Path, line: str, problem: str) -> None:
    write_task(tmp_path, f"---\n{line}\n---\nTidy up")
    with pytest.raises(StigmerError, match=problem) as error:
        find_task(tmp_path, "tidy")
    assert "tidy.md:2" in error.value.message


LISTED = """name: shop
runtime: yaml
tasks:
  tidy:
    prompt: prompts/tidy.md
    requires_commit: true
    notify: false
    timeout: 10m
    agents: [claude, codex]
    folder: services/shop
    worktree: true
"""


def write_listed(folder: Path, text: str, prompt: str = "Tidy up.\n") -> None:
    (folder / "Stigmer.yaml").write_text(text)
    (folder / "prompts").mkdir()
    (folder / "prompts" / "tidy.md").write_text(prompt)


def test_a_task_of_stigmer_yaml(tmp_path: Path) -> None:
    write_listed(tmp_path, LISTED)
    assert find_task(tmp_path, "tidy") == Task(
        *("tidy", "Tidy up.", True, False, 600.0, ("claude", "codex"), "services/shop", True)
    )
    # The other reader of the file has nothing against them, and knows the same keys.
    assert load_project(tmp_path).warnings == ()
    of_a_task = TASKS.schema["additionalProperties"]["properties"]
    assert list(of_a_task) == [PROMPT, *KEYS]


@pytest.mark.parametrize(
    ("tasks", "problem"),
    [
        ("7", "3:1 tasks must hold tasks by their names"),
        ("{tidy: 7}", "3:9 tidy must hold keys such as prompt, requires_commit"),
        ("{tidy: {timeout: 5m}}", "3:9 prompt must be a file of the project, such as prompts/tidy.md"),
        ("{tidy: {prompt: tidy.md}}", "3:16 prompt must be a file of the project"),
        ("{tidy: {prompt: prompts/tidy.md, agent: kilo}}", "3:41 agent is no key of a task"),
        ("{'../tidy': {prompt: prompts/tidy.md}}", "3:9 '../tidy' is no name for a task"),
    ],
)
def test_what_is_wrong_with_a_task_of_stigmer_yaml_is_told_with_its_place(
    tmp_path: Path, tasks: str, problem: str
) -> None:
    write_listed(tmp_path, f"name: shop\nruntime: yaml\ntasks: {tasks}\n")
    with pytest.raises(StigmerError) as refusal:
        load_tasks(tmp_path)
    assert refusal.value.message.startswith(f"Stigmer.yaml:{problem}")


def test_a_task_stands_in_one_place(tmp_path: Path) -> None:
    write_listed(tmp_path, LISTED)
    write_task(tmp_path, "Tidy up")
    with pytest.raises(StigmerError, match=r"tidy stands in Stigmer\.yaml and in the folder tasks"):
        load_tasks(tmp_path)


def test_the_preferred_agents_come_first() -> None:
    preferences = [agent.preference for agent in AGENTS]
    assert preferences == sorted(preferences, reverse=True)


def configuration(home: Path, text: str) -> ConfigurationFile:
    (home / "config.yaml").write_text(text)
    return ConfigurationFile.read(home / "config.yaml")


def test_an_agent_without_code(tmp_path: Path) -> None:
    text = 'agent_clis: {aider: {command: [aider, --model, "{model}", "{prompt}"], format: opencode, preference: 95}}'
    agents = agents_of(configuration(tmp_path, text))
    aider = next(iter(agents.values()))
    assert (aider.name, aider.binary) == ("aider", "aider")
    assert isinstance(aider.reader(), OpencodeLines)
    # What stands in a prompt is not filled in.
    launch = Launch("Explain {model}", tmp_path, tmp_path, "gpt-5")
    assert aider.arguments(launch) == ["--model", "gpt-5", "Explain {model}"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{aider: {command: [aider]}}", "must have {prompt}"),
        ('{aider: {command: "aider {prompt}"}}', "must be a list"),
        ('{aider: {command: [a, "{prompt}"], format: xml}}', "format is 'xml'"),
        ("{claude: {modle: opus}}", "is no key of an agent"),
    ],
)
def test_what_is_wrong_with_an_agent_is_told(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(StigmerError, match=problem):
        agents_of(configuration(tmp_path, f"agent_clis: {text}"))


def test_a_line_of_a_crontab_is_quoted(tmp_path: Path) -> None:
    schedule = Schedule("tidy", "auto", tmp_path / "50 % more", "30 6 * * 1-5", tmp_path)
    line = schedule.crontab_line()
    assert line.startswith("30 6 * * 1-5 cd ")
    assert "50 \\% more'" in line
    assert "task run --agent auto --task tidy" in line


@pytest.mark.parametrize("when", ["30 6 * * 1-5", "*/5 0-12/2 1,15 JAN,feb mon-fri", "daily", "0 0 31 12 7"])
def test_what_cron_takes(tmp_path: Path, when: str) -> None:
    assert Schedule("tidy", "auto", tmp_path, when, tmp_path).crontab_line()


@pytest.mark.parametrize(
    "when", ["sometimes", "99 * * * *", "* * * *", "* * 0 * *", "mon * * * *", "*/0 * * * *", "1- * * * *"]
)
def test_what_cron_would_refuse_is_refused(tmp_path: Path, when: str) -> None:
    with pytest.raises(StigmerError, match="does not say when"):
        Schedule("tidy", "auto", tmp_path, when, tmp_path).crontab_line()


def test_a_run_at_its_time_finds_its_agent_and_notifies(tmp_path: Path) -> None:
    environment = {
        "PATH": f"{tmp_path}:/gone:{tmp_path}",
        "AGENT_RUNNER_NTFY_TOPIC": "runs",
        "AGENT_RUNNER_NTFY_TOKEN": "t0psecret",
        "QWEN_MODEL": "coder",
        "ANTHROPIC_API_KEY": "also-secret",
    }
    schedule = Schedule("tidy", "auto", tmp_path, "daily", tmp_path, kept_variables(environment))
    for text in (schedule.crontab_line(), *schedule.systemd_units().values()):
        assert "secret" not in text
    line = schedule.crontab_line()
    assert f"PATH={tmp_path} AGENT_RUNNER_NTFY_TOPIC=runs QWEN_MODEL=coder " in line


def test_the_same_task_of_another_folder_has_a_schedule_of_its_own(tmp_path: Path) -> None:
    here, there = (Schedule("tidy", "auto", tmp_path / name, "daily", tmp_path).name for name in ("a", "b"))
    assert here != there


def test_a_timer_runs_its_service(tmp_path: Path) -> None:
    service, timer = Schedule("tidy", "auto", tmp_path / "50 %", "daily", tmp_path).systemd_units().values()
    assert "50 %%" in service
    assert "OnCalendar=daily" in timer


def test_what_to_do_is_not_said_twice() -> None:
    advice = ADVICE[ExitCode.TIMEOUT]
    assert without_advice(f"It did not end. {advice}") == "It did not end"
    assert without_advice("It did not end.") == "It did not end."


NO_PROCESS = 2**22 + 1
"""A pid that no machine gives."""


def test_the_most_urgent_comes_first(tmp_path: Path) -> None:
    ended = RunRecord("", "", "tidy", "2026-02-19T00:00:00Z", "2026-02-19T00:01:00Z", notification="sent")
    records = [
        replace(ended, agent="fine", exit_code=0),
        replace(ended, agent="broken", exit_code=1, classified_error="agent_error"),
        replace(ended, agent="tried", exit_code=0, dry_run=True),
        replace(ended, agent="dead", end_time=None, notification="", pid=NO_PROCESS),
    ]
    for record in records:
        folder = RunFolder.create(tmp_path, "tidy", record.agent, datetime(2026, 2, 19, tzinfo=UTC))
        folder.transcript.write_text("I look around\nError: model not found\n")
        folder.write(replace(record, run_id=folder.run_id))
    died, failed, succeeded = triage(tmp_path)
    assert [case.record.agent for case in (died, failed, succeeded)] == ["dead", "broken", "fine"]
    assert [case.urgency for case in (died, failed, succeeded)] == [Urgency.DIED, Urgency.FAILED, Urgency.SUCCEEDED]
    assert failed.lines == ("Error: model not found",)
    assert failed.advice
