"""`task run`: agents at work, as lines of text or of JSON."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stigmer_tui.agent_clis.agent_cli import AgentCli
from stigmer_tui.agent_clis.events import Called, Failed, Printed, Returned, Said, Usage
from stigmer_tui.agent_clis.outcome import ExitCode
from stigmer_tui.agent_clis.records import RunRecord, logs_of
from stigmer_tui.agent_clis.run import (
    INTERRUPTED,
    Begun,
    Ended,
    Happened,
    RunOptions,
    RunRefusedError,
    choose_agent,
    run_agent,
    run_side_by_side,
)
from stigmer_tui.agent_clis.table import agents_of
from stigmer_tui.agent_clis.tasks import AUTO, Task, find_task
from stigmer_tui.cli.printing import Column, table
from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.configuration import load_configuration
from stigmer_tui.core.configuration_file import ConfigurationFile
from stigmer_tui.core.control_text import json_text
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home, working_folder
from stigmer_tui.core.terminal import own_terminal
from stigmer_tui.core.units import duration_text, plural

if TYPE_CHECKING:
    from stigmer_tui.workbench.task_recorder import TaskRecorder

MAX_SHOWN = 200
"""Characters of a tool call's arguments, and of its output."""

COMPARED = (
    Column("AGENT", "agent"),
    Column("OUTCOME", "outcome"),
    Column("TOOK", "took"),
    Column("TOKENS", "tokens"),
    Column("COST", "cost"),
    Column("COMMITS", "commits"),
    Column("LINES", "lines"),
    Column("BRANCH", "branch"),
)


@dataclass(frozen=True, slots=True)
class TaskRun:
    """What a person says on the command line."""

    agents: tuple[str, ...]
    task: str
    model: str
    timeout: float | None
    worktree: bool
    notifies: bool
    dry_run: bool
    debug: bool
    logs: str
    as_json: bool


def logs_folder(named: str) -> Path:
    return working_folder() / named if named else logs_of(Home.from_environment(os.environ))


def known_agents() -> dict[str, AgentCli]:
    return agents_of(ConfigurationFile.read(Home.from_environment(os.environ).configuration))


def run_task(asked: TaskRun) -> int:
    """Returns the exit code of the contract (`ExitCode`)."""
    try:
        task = find_task(working_folder(), asked.task)
        return asyncio.run(_run(asked, task, known_agents()))
    except RunRefusedError as refusal:
        click.echo(f"Error: {refusal}", err=True)
        return refusal.code
    except StigmerError as error:
        click.echo(f"Error: {error}", err=True)
        return ExitCode.UNEXPECTED


async def _run(asked: TaskRun, task: Task, known: Mapping[str, AgentCli]) -> int:
    clock, names = SystemClock(), asked.agents or task.agents or (AUTO,)
    options = RunOptions(
        working_folder(),
        logs_folder(asked.logs),
        model=asked.model,
        timeout=asked.timeout,
        worktree=asked.worktree,
        notifies=asked.notifies,
        notify_by=load_configuration(os.environ).notify_by,
        terminal=None if asked.as_json else own_terminal(),
        dry_run=asked.dry_run,
        debug=asked.debug,
    )
    has_several = len(set(names)) > 1
    printer: JsonPrinter | TextPrinter = JsonPrinter() if asked.as_json else TextPrinter(has_several, asked.dry_run)
    recorder = None if asked.dry_run else _recorder(task, printer)

    is_told = False

    def take(report: Begun | Happened | Ended) -> None:
        nonlocal is_told
        is_told = isinstance(report, Ended)
        printer.take(report)
        if recorder:
            recorder.take(report)

    async def work() -> int:
        agents = [await choose_agent(known, name, options, clock) for name in dict.fromkeys(names)]
        if len(agents) == 1:
            return (await run_agent(agents[0], task, options, clock, take)).exit_code or 0
        records = await run_side_by_side(agents, task, options, clock, take)
        printer.compare(records)
        return max(record.exit_code or 0 for record in records)

    working = asyncio.create_task(work())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, working.cancel)
    try:
        with suppress(asyncio.CancelledError):
            return await working
    finally:
        if recorder:
            await recorder.close()
    if not is_told:
        click.echo("The run was cancelled", err=True)
    return INTERRUPTED


def _recorder(task: Task, printer: JsonPrinter | TextPrinter) -> TaskRecorder:
    """Has the server keep the run, which is our own daemon unless another is configured."""
    # Loads the wire, which a dry run does not need.
    from stigmer_tui.workbench.servers import server_of
    from stigmer_tui.workbench.services import organization_for
    from stigmer_tui.workbench.task_recorder import TaskRecorder

    configuration, clock = load_configuration(os.environ), SystemClock()
    organization = organization_for(configuration, working_folder(), "")
    return TaskRecorder(server_of(configuration, clock), organization, task.name, task.prompt, clock, printer.recorded)


class TextPrinter:
    def __init__(self, has_several: bool, dry_run: bool) -> None:
        self._has_several = has_several
        self._dry_run = dry_run

    def take(self, report: Begun | Happened | Ended) -> None:
        match report:
            case Begun(agent, _, command) if self._dry_run:
                self._print(agent, f"▶️  {agent} would work by this command:")
                self._print(agent, f"   {shlex.join(command)}")
            case Begun(agent, run_folder, command):
                self._print(agent, f"▶️  {agent} works; its records: {run_folder}")
                self._print(agent, f"   {' '.join(_short(part, 80) for part in command)}")
            case Happened(agent, event):
                for line in _lines(event):
                    self._print(agent, line)
            case Ended(record):
                self._ended(record)

    def recorded(self, agent: str, execution_id: str, problem: str) -> None:
        if problem:
            self._print(agent, f"⚠️  The run is kept by no server, only in its records: {problem}")
        else:
            self._print(agent, f"   execution {execution_id}")

    def compare(self, records: Sequence[RunRecord]) -> None:
        click.echo("")
        for line in table(COMPARED, [_compared(record) for record in records]):
            click.echo(line)

    def _ended(self, record: RunRecord) -> None:
        sign = "✅" if record.exit_code == 0 else "❌"
        failure = "cancelled" if record.is_cancelled else f"failed: {record.classified_error}"
        outcome = ("nothing was run" if self._dry_run else "done") if record.exit_code == 0 else failure
        parts = [outcome, duration_text(record.elapsed_seconds or 0.0)]
        if record.token_count is not None:
            parts.append(f"{record.token_count:,} tokens")
        if record.cost is not None:
            parts.append(f"${record.cost:.4f}")
        if record.commits:
            parts.append(f"{plural(len(record.commits), 'commit')}, +{record.insertions} −{record.deletions}")
        if record.branch:
            parts.append(f"on the branch {record.branch}")
        self._print(record.agent, f"{sign} {' · '.join(parts)}")
        for line in filter(str.strip, record.error.splitlines()):
            self._print(record.agent, f"   {line}")
        if record.notification.startswith("not sent"):
            self._print(record.agent, f"⚠️  Notification {record.notification}")

    def _print(self, agent: str, text: str) -> None:
        _echo(f"{agent:<9} {text}" if self._has_several else text)


class JsonPrinter:
    def take(self, report: Begun | Happened | Ended) -> None:
        match report:
            case Begun(agent, run_folder, command):
                self._print("started", agent, {"run_folder": str(run_folder), "command": list(command)})
            case Happened(agent, event):
                self._print(type(event).__name__.lower(), agent, asdict(event))
            case Ended(record, run_folder):
                self._print("ended", record.agent, {"run_folder": str(run_folder), **asdict(record)})

    def recorded(self, agent: str, execution_id: str, problem: str) -> None:
        self._print("recorded", agent, {"execution_id": execution_id, "problem": problem})

    def compare(self, records: Sequence[RunRecord]) -> None:
        return

    def _print(self, event: str, agent: str, data: dict[str, Any]) -> None:
        _echo(json_text({"event": event, "agent": agent, **data}))


def _echo(line: str) -> None:
    """A reader that is gone does not end the run, whose records stay."""
    with suppress(BrokenPipeError):
        click.echo(line)


def _lines(event: Said | Called | Returned | Usage | Failed | Printed) -> list[str]:
    match event:
        case Said(text, is_reasoning):
            return [("💭 " if is_reasoning else "🤖 ") + text.strip()]
        case Called(_, tool, arguments):
            shown = json_text(dict(arguments)) if arguments else ""
            return [f"🔧 {tool} {_short(shown, MAX_SHOWN)}".rstrip()]
        case Returned(_, output, is_error):
            return [f"{'✗' if is_error else '✓'}  {_short(output, MAX_SHOWN)}".rstrip()]
        case Failed(message):
            return [f"❌ {_short(message, 1000)}"]
        case Printed(text) if text.strip():
            return [f"   {text}"]
        case _:
            return []


def _short(text: str, limit: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _compared(record: RunRecord) -> dict[str, Any]:
    return {
        "agent": record.agent,
        "outcome": "done" if record.exit_code == 0 else record.classified_error,
        "took": duration_text(record.elapsed_seconds or 0.0),
        "tokens": record.token_count,
        "cost": f"${record.cost:.4f}" if record.cost is not None else None,
        "commits": len(record.commits),
        "lines": f"+{record.insertions} −{record.deletions}",
        "branch": record.branch,
    }
