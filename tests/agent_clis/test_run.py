"""A run from its checks to its notification, with stand-ins that are lines of shell."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from stigmer_tui.agent_clis.agent_cli import AgentCli, OwnLog
from stigmer_tui.agent_clis.events import Printed, Said
from stigmer_tui.agent_clis.formats.opencode import OpencodeLines
from stigmer_tui.agent_clis.formats.plain import PlainLines
from stigmer_tui.agent_clis.formats.qwen_log import QwenLogLines
from stigmer_tui.agent_clis.outcome import NO_COMMITS, ExitCode
from stigmer_tui.agent_clis.records import RunRecord, read_record, read_runs
from stigmer_tui.agent_clis.run import (
    Begun,
    Ended,
    Happened,
    RunOptions,
    RunRefusedError,
    choose_agent,
    run_agent,
    run_side_by_side,
)
from stigmer_tui.agent_clis.tasks import Task
from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.local_notification import NotifyBy
from tests.http_server import Request, Response, serving

TASK = Task("tidy", "Tidy up", requires_commit=True)
TALK = Task("talk", "Say hello")
COMMITS = "echo smoke > smoke.txt; git add smoke.txt; git commit -q -m 'Add smoke.txt'; echo Done"

GIT = {
    "PATH": os.environ["PATH"],
    **{f"GIT_{role}_{what}": "agent@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def stand_in(script: str, name: str = "stand-in", preference: int = 0) -> AgentCli:
    return AgentCli(name, "sh", "", preference, lambda launch: ["-c", script, "sh", launch.prompt], PlainLines)


@pytest.fixture
def options(tmp_path: Path) -> RunOptions:
    """In a repository with one commit."""
    repository = tmp_path / "repository"
    repository.mkdir()
    git(repository, "init", "-q")
    git(repository, "commit", "-q", "--allow-empty", "-m", "First")
    return RunOptions(repository, tmp_path / "logs", GIT)


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, env=GIT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def run(script: str, task: Task, options: RunOptions) -> RunRecord:
    return asyncio.run(run_agent(stand_in(script), task, options, SystemClock(), lambda report: None))


def files(options: RunOptions, record: RunRecord) -> dict[str, str]:
    folder = options.logs / record.task / record.agent / record.run_id
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def test_commits_are_counted(options: RunOptions) -> None:
    record = run(COMMITS, TASK, options)
    assert (record.exit_code, record.classified_error, record.last_message) == (0, None, "Done")
    assert [(commit.commit, commit.subject) for commit in record.commits] == [
        (git(options.folder, "rev-parse", "HEAD"), "Add smoke.txt")
    ]
    assert (record.files_changed, record.insertions, record.deletions) == (1, 1, 0)


def test_a_run_without_the_commit_that_it_requires_has_failed(options: RunOptions) -> None:
    record = run("echo Done", TASK, options)
    assert (record.exit_code, record.error) == (ExitCode.AGENT_ERROR, NO_COMMITS)


def test_the_records_of_a_run(options: RunOptions) -> None:
    record = run(f'echo "$1"; {COMMITS}', TASK, options)
    kept = files(options, record)
    assert kept["transcript.log"] == "Tidy up\nDone\n"
    assert kept["stdout.log"].splitlines() == ["Tidy up", "Done"]
    assert "+smoke" in kept["changes.patch"]
    assert "[stand-in/tidy] SUCCESS" in kept["summary.txt"]
    metadata = json.loads(kept["metadata.json"])
    assert metadata["commits"][0]["subject"] == "Add smoke.txt"
    assert metadata["exit_code"] == 0
    assert metadata["requires_commit"] is True
    for collected in ("task.log", "stand-in/agent.log"):
        assert (options.logs / "tidy" / collected).read_text() == kept["summary.txt"]
    assert read_record(options.logs / "tidy" / "stand-in" / record.run_id) == record


def test_two_runs_of_one_second_have_folders_of_their_own(options: RunOptions) -> None:
    ids = {run("echo Hello", TALK, options).run_id for _ in range(3)}
    assert len(ids) == len(list(read_runs(options.logs))) == 3


def test_a_failure_is_recorded_too(options: RunOptions) -> None:
    record = run("echo no idea >&2; exit 3", TALK, options)
    assert (record.exit_code, record.classified_error) == (1, "agent_error")
    assert "status 3: no idea" in record.error
    assert "FAILED (agent_error)" in files(options, record)["summary.txt"]


def test_a_usage_limit_with_status_0(options: RunOptions) -> None:
    assert run("echo Error: rate limit reached", TALK, options).exit_code == ExitCode.USAGE_LIMIT


def test_a_program_that_asks_again_and_again_at_its_usage_limit_is_given_up(options: RunOptions) -> None:
    told = """echo 'level=ERROR message="stream error" error.error="AI_APICallError: rate limit reached"'"""
    agent = replace(stand_in(f"{told}; {told}; {told}; exec sleep 600"), reader=OpencodeLines)
    record = asyncio.run(run_agent(agent, TALK, options, SystemClock(), lambda report: None))
    assert (record.exit_code, record.classified_error) == (10, "usage_limit")
    assert "rate limit reached" in record.error


RETRIES = """\
2026-11-29T09:38:28.012Z [WARN] [RETRY] Attempt 1 failed with status 429. Retrying with backoff... Error: 429 quota
    at APIError.generate (cli.js:149645:18)
2026-11-29T09:38:30.379Z [ERROR] [OPENAI_ERROR] OpenAI API Error: 429 quota
2026-11-29T09:38:30.386Z [WARN] [RETRY] Attempt 2 failed with status 429. Retrying with backoff... Error: 429 quota
2026-11-29T09:38:33.312Z [WARN] [RETRY] Attempt 3 failed with status 429. Retrying with backoff... Error: 429 quota
"""


def test_a_program_that_tells_it_only_in_its_own_log_is_given_up(options: RunOptions) -> None:
    """As qwen does, whose log this is."""
    log = OwnLog(
        lambda run_folder: run_folder / "own" / "latest", lambda run_folder: {"LOGS": f"{run_folder}/own"}, QwenLogLines
    )
    write = f"cat > $LOGS/1.txt <<'END'\n{RETRIES}END\nln -s 1.txt $LOGS/latest; exec sleep 600"
    told: list[str] = []

    def take(report: Begun | Happened | Ended) -> None:
        if isinstance(report, Happened) and isinstance(report.event, Printed):
            told.append(report.event.text)

    agent = replace(stand_in(write), own_log=log)
    record = asyncio.run(run_agent(agent, TALK, options, SystemClock(), take))
    assert (record.exit_code, record.classified_error) == (10, "usage_limit")
    assert record.error.startswith("stand-in kept asking again at its usage limit: Attempt 3 failed with status 429")
    assert len(told) == 3


def test_a_limit_that_passes_is_none(options: RunOptions) -> None:
    told = """echo 'level=ERROR message="stream error" error.error="AI_APICallError: rate limit reached"'"""
    part = json.dumps({"type": "text", "part": {"text": "Here I am"}})
    agent = replace(stand_in(f"{told}; {told}; echo '{part}'; {told}; echo '{part}'"), reader=OpencodeLines)
    record = asyncio.run(run_agent(agent, TALK, options, SystemClock(), lambda report: None))
    assert (record.exit_code, record.last_message) == (0, "Here I am")


def test_a_variable_that_is_no_time_is_told(options: RunOptions) -> None:
    record = run("echo Hello", TALK, replace(options, environment={**GIT, "AGENT_RUNNER_TIMEOUT_SECONDS": "soon"}))
    assert (record.exit_code, record.classified_error) == (2, "unexpected")
    assert "AGENT_RUNNER_TIMEOUT_SECONDS is 'soon'" in record.error


def test_there_is_no_worktree_of_what_is_no_repository(options: RunOptions, tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    for dry_run in (False, True):
        record = run("echo Hello", TALK, replace(options, folder=folder, worktree=True, dry_run=dry_run))
        assert (record.exit_code, "is no git repository" in record.error) == (2, True)


def test_the_time_limit_of_the_task(options: RunOptions) -> None:
    record = run("exec sleep 600", replace(TALK, timeout=0.2), options)
    assert (record.exit_code, record.classified_error) == (11, "timeout")


def test_outside_of_a_repository_no_task_that_requires_a_commit(options: RunOptions, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    outside = replace(options, folder=elsewhere, environment={**GIT, "GIT_CEILING_DIRECTORIES": str(tmp_path)})
    record = run(COMMITS, TASK, outside)
    assert record.exit_code == ExitCode.UNEXPECTED
    assert "git init" in files(options, record)["summary.txt"]
    assert run("echo Hello", TALK, outside).exit_code == 0


def test_a_dry_run_starts_nothing(options: RunOptions) -> None:
    record = run("touch started", TALK, replace(options, dry_run=True))
    assert (record.exit_code, record.dry_run) == (0, True)
    assert not (options.folder / "started").exists()


def test_with_debug_the_prompt_is_kept(options: RunOptions) -> None:
    assert run("echo Hello", TALK, options).debug_prompt is None
    assert run("echo Hello", TALK, replace(options, debug=True)).debug_prompt == "Say hello"


def test_what_happens_is_reported_in_its_order(options: RunOptions) -> None:
    reports: list[Begun | Happened | Ended] = []
    asyncio.run(run_agent(stand_in("echo one; echo two"), TALK, options, SystemClock(), reports.append))
    begun, *happened, ended = reports
    assert isinstance(begun, Begun)
    assert happened == [Happened("stand-in", Said("one")), Happened("stand-in", Said("two"))]
    assert isinstance(ended, Ended)
    assert ended.record == read_record(ended.run_folder)


@pytest.mark.parametrize("worktree", [False, True])
async def test_a_cancelled_run_is_recorded_and_leaves_no_worktree(options: RunOptions, worktree: bool) -> None:
    options = replace(options, worktree=worktree)
    started = asyncio.Event()

    def report(what: Begun | Happened | Ended) -> None:
        if isinstance(what, Happened):
            started.set()

    script = "echo Hello; exec sleep 600"
    working = asyncio.create_task(run_agent(stand_in(script), TALK, options, SystemClock(), report))
    await started.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    ((_, record),) = read_runs(options.logs)
    assert record.end_time is not None
    assert record.exit_code != 0
    assert "cancelled" in record.error
    assert len(git(options.folder, "worktree", "list").splitlines()) == 1
    assert git(options.folder, "for-each-ref", "refs/heads/task") == ""


def test_agents_side_by_side_have_worktrees_and_branches(options: RunOptions) -> None:
    one, two = stand_in(COMMITS, "one"), stand_in(f"echo more > more.txt; git add more.txt; {COMMITS}", "two")
    idle = stand_in("echo Nothing to do", "idle")
    records = asyncio.run(run_side_by_side([one, two, idle], TASK, options, SystemClock(), lambda report: None))
    assert [record.exit_code for record in records] == [0, 0, 1]
    assert [record.files_changed for record in records] == [1, 2, 0]
    branches = git(options.folder, "for-each-ref", "--format=%(refname:short)", "refs/heads/task").splitlines()
    assert sorted(branches) == sorted(record.branch for record in records[:2])
    assert len(git(options.folder, "worktree", "list").splitlines()) == 1
    assert git(options.folder, "status", "--porcelain") == ""


def test_a_worktree_with_what_was_not_committed_stays(options: RunOptions) -> None:
    record = run("echo draft > draft.txt", TALK, replace(options, worktree=True))
    assert (Path(record.folder) / "draft.txt").read_text() == "draft\n"


def choose(options: RunOptions, *agents: AgentCli, name: str = "auto") -> AgentCli:
    return asyncio.run(choose_agent({agent.name: agent for agent in agents}, name, options, SystemClock()))


def test_auto_takes_the_first_that_answers(options: RunOptions) -> None:
    missing = replace(stand_in("", "missing"), binary="no-such-program")
    broken, limited, works = (
        stand_in("exit 1", "broken"),
        stand_in("echo quota", "limited"),
        stand_in("echo ready", "works"),
    )
    assert choose(options, missing, broken, limited, works).name == "works"


def test_none_that_answers_is_an_error_of_its_own(options: RunOptions) -> None:
    missing = replace(stand_in("", "missing"), binary="no-such-program", install="npm install missing")
    with pytest.raises(RunRefusedError, match="broken does not answer") as refusal:
        choose(options, missing, stand_in("exit 1", "broken"))
    assert refusal.value.code is ExitCode.NO_AGENT
    with pytest.raises(RunRefusedError, match="npm install missing"):
        choose(options, missing, name="missing")


@dataclass
class Ntfy:
    url: str = ""
    status: int = 200
    published: list[tuple[str, dict[str, str], str]] = field(default_factory=list)


@pytest.fixture
def ntfy() -> Iterator[Ntfy]:
    server = Ntfy()

    def respond(request: Request) -> Response:
        server.published.append((request.path, dict(request.headers), request.body.decode()))
        return Response(server.status)

    with serving(respond) as server.url:
        yield server


def notified(options: RunOptions, ntfy: Ntfy, **more: str) -> RunOptions:
    where = {"AGENT_RUNNER_NTFY_SERVER": ntfy.url, "AGENT_RUNNER_NTFY_TOPIC": "runs", "NO_PROXY": "*"}
    return replace(options, environment={**GIT, **where, **more})


def title(headers: dict[str, str]) -> str:
    encoded = headers["title"].removeprefix("=?UTF-8?B?").removesuffix("?=")
    return base64.b64decode(encoded).decode()


def test_a_success_is_published(options: RunOptions, ntfy: Ntfy) -> None:
    record = run("echo Grüße", TALK, notified(options, ntfy, AGENT_RUNNER_NTFY_TOKEN="tk_1"))
    ((path, headers, body),) = ntfy.published
    assert path == "/runs"
    assert title(headers) == f"[talk] stand-in — SUCCESS — {record.end_time}"
    assert (headers["tags"], headers["priority"], headers["authorization"]) == (
        "white_check_mark",
        "default",
        "Bearer tk_1",
    )
    assert "Grüße" in body
    assert record.notification == "sent"


def test_a_failure_is_published_with_its_kind_and_its_logs(options: RunOptions, ntfy: Ntfy) -> None:
    record = run("exit 1", TALK, notified(options, ntfy))
    ((_, headers, body),) = ntfy.published
    assert title(headers) == "[talk] stand-in — FAILED"
    assert (headers["tags"], headers["priority"]) == ("x", "high")
    assert "agent_error" in body
    assert str(options.logs / "talk" / "stand-in" / record.run_id) in body


def test_a_notification_that_fails_spoils_no_run(options: RunOptions, ntfy: Ntfy) -> None:
    ntfy.status = 500
    record = run("echo Hello", TALK, notified(options, ntfy))
    assert record.exit_code == 0
    assert "500" in record.notification
    assert "500" in files(options, record)["runner.log"]


def on_desktop(options: RunOptions, tmp_path: Path, script: str) -> RunOptions:
    """With a stand-in for the desktop's command."""
    program = tmp_path / "bin" / "notify-send"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    path = f"{program.parent}:{GIT['PATH']}"
    return replace(options, environment={**GIT, "PATH": path, "DISPLAY": ":0", "SHOWN": str(tmp_path / "shown")})


def test_the_desktop_shows_the_end_of_a_run(options: RunOptions, tmp_path: Path) -> None:
    record = run("echo Grüße", TALK, on_desktop(options, tmp_path, 'printf "%s\\n" "$@" > "$SHOWN"'))
    assert record.exit_code == 0
    *flags, _, title, message = (tmp_path / "shown").read_text().splitlines()
    assert flags == ["--app-name=stigmer-tui", "--urgency=normal"]
    assert title == f"[talk] stand-in — SUCCESS — {record.end_time}"
    assert message == "Grüße"


def test_a_desktop_that_refuses_spoils_no_run(options: RunOptions, tmp_path: Path) -> None:
    assert run("echo Hello", TALK, on_desktop(options, tmp_path, "exit 1")).exit_code == 0


def test_the_terminal_shows_it_where_the_desktop_does_not(options: RunOptions, tmp_path: Path) -> None:
    written: list[str] = []
    elsewhere = replace(options, environment={**GIT, "TERM": "xterm-kitty"}, terminal=written.append)
    record = run("echo Hello", TALK, elsewhere)
    assert written == [f"\x1b]9;[talk] stand-in — SUCCESS — {record.end_time}: Hello\a"]
    refused = on_desktop(options, tmp_path, "exit 1")
    run("exit 3", TALK, replace(refused, terminal=written.append, notify_by=NotifyBy.OSC777))
    assert written[1].startswith("\x1b]777;notify;[talk] stand-in — FAILED;stand-in ended with status 3")


def test_no_notification_where_none_is_wanted(options: RunOptions, ntfy: Ntfy) -> None:
    asked = notified(options, ntfy)
    assert run("echo Hello", replace(TALK, notify=False), asked).notification == "off"
    assert run("echo Hello", TALK, replace(asked, notifies=False)).notification == "off"
    assert run("echo Hello", TALK, options).notification == "off"
    assert ntfy.published == []
