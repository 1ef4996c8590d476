"""`task list | agents | history | triage | heartbeat`: tables about tasks and their runs."""

from __future__ import annotations

import asyncio
import os
import re
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from itertools import islice
from typing import Any

import click

from stigmer_tui.agent_clis.agent_cli import AgentCli
from stigmer_tui.agent_clis.records import RunRecord, note_heartbeat, read_runs
from stigmer_tui.agent_clis.tasks import load_tasks
from stigmer_tui.agent_clis.triage import Case, Urgency, triage, without_advice
from stigmer_tui.cli.printing import Column, local_time, print_rows
from stigmer_tui.cli.task_run import known_agents, logs_folder
from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.paths import working_folder
from stigmer_tui.core.units import duration_text

VERSION_LIMIT = 20.0
"""Seconds for a program to print its version."""

TASKS = (
    Column("TASK", "name"),
    Column("COMMIT", "requires_commit", lambda is_required: "required" if is_required else "-"),
    Column("AGENTS", "agents", ", ".join),
    Column("LIMIT", "timeout", duration_text),
    Column("WHAT", "summary"),
)
AGENTS = (
    Column("AGENT", "name"),
    Column("VERSION", "version"),
    Column("MODEL", "model"),
    Column("PROGRAM", "path"),
    Column("INSTALL", "install"),
)
HISTORY = (
    Column("RUN", "run_id"),
    Column("TASK", "task"),
    Column("AGENT", "agent"),
    Column("OUTCOME", "outcome"),
    Column("STARTED", "start_time", local_time),
    Column("TOOK", "elapsed_seconds", duration_text),
    Column("TOKENS", "token_count"),
    Column("COMMITS", "commits"),
    Column("MESSAGE", "message", lambda text: text[:60]),
)
HEADINGS = {
    Urgency.DIED: "☠  the runner died",
    Urgency.FAILED: "✗  failed",
    Urgency.RUNNING: "▸  runs",
    Urgency.SUCCEEDED: "✓  done",
}


def task_names() -> list[str]:
    return list(load_tasks(working_folder()))


def agent_names() -> list[str]:
    return ["auto", *known_agents()]


def print_tasks(output: str) -> int:
    rows = [
        {
            "name": task.name,
            "requires_commit": task.requires_commit,
            "agents": list(task.agents),
            "timeout": task.timeout,
            "summary": task.summary,
        }
        for task in load_tasks(working_folder()).values()
    ]
    print_rows(rows, TASKS, output, _name, "There are no tasks")
    return 0


def print_agents(output: str) -> int:
    async def run() -> list[dict[str, Any]]:
        return await asyncio.gather(*(_row_of(agent) for agent in known_agents().values()))

    print_rows(asyncio.run(run()), AGENTS, output, _name, "There are no agents")
    return 0


async def _row_of(agent: AgentCli) -> dict[str, Any]:
    path = agent.found(os.environ)
    return {
        "name": agent.name,
        "version": await _version(path) if path else "",
        "model": agent.model("", os.environ),
        "path": path,
        "install": "" if path else agent.install or "not found",
    }


async def _version(path: str) -> str:
    """As the program prints it; empty for one that prints none in time."""
    process = await asyncio.create_subprocess_exec(path, "--version", stdin=DEVNULL, stdout=PIPE, stderr=STDOUT)
    try:
        async with asyncio.timeout(VERSION_LIMIT):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return ""
    found = re.search(rb"\d+\.\d+[\w.-]*", output)
    return found[0].decode() if found else ""


def print_history(task: str, agent: str, number: int, logs: str, output: str) -> int:
    runs = islice(read_runs(logs_folder(logs), task, agent), number)
    rows = [_history_row(record) | {"run_folder": str(path)} for path, record in runs]
    print_rows(rows, HISTORY, output, lambda row: str(row["run_id"]), "No task has been run yet: stigmer-tui task run")
    return 0


def _history_row(record: RunRecord) -> dict[str, Any]:
    return {
        "run_id": record.run_id,
        "task": record.task,
        "agent": record.agent,
        "outcome": _outcome(record),
        "start_time": record.start_time,
        "elapsed_seconds": record.elapsed_seconds,
        "token_count": record.token_count,
        "commits": len(record.commits),
        "message": record.error or record.last_message,
    }


def _outcome(record: RunRecord) -> str:
    if record.exit_code == 0:
        return "dry run" if record.dry_run else "done"
    return record.classified_error or "unfinished"


def print_triage(logs: str) -> int:
    """Returns 1 where something is to be looked at."""
    cases = triage(logs_folder(logs))
    for case in cases:
        for line in _case_lines(case):
            click.echo(line)
    if not cases:
        click.echo("No task has been run yet: stigmer-tui task run")
    return int(any(case.urgency < Urgency.RUNNING for case in cases))


def _case_lines(case: Case) -> list[str]:
    record = case.record
    lines = [f"{HEADINGS[case.urgency]}  {record.task} by {record.agent}  {local_time(record.start_time)}"]
    if case.urgency < Urgency.RUNNING:
        lines += [f"     {error}"] if (error := without_advice(record.error)) else []
        lines += [f"     │ {line[:160]}" for line in case.lines]
        lines += [f"     {case.advice}", f"     {case.run_folder}", ""]
    return lines


def beat(logs: str) -> int:
    click.echo(f"✓ Noted in {note_heartbeat(logs_folder(logs), SystemClock().now())}")
    return 0


def _name(row: dict[str, Any]) -> str:
    return str(row["name"])
