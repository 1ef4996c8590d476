"""Runs agents on a task: checks, the program, what it has done, the records, the notification."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from stigmer_tui.agent_clis import git
from stigmer_tui.agent_clis.agent_cli import AgentCli, Launch
from stigmer_tui.agent_clis.events import CliEvent
from stigmer_tui.agent_clis.listening import Heard, listen
from stigmer_tui.agent_clis.notifications import OFF, notification_of, notify
from stigmer_tui.agent_clis.outcome import ADVICE, NO_COMMITS, ExitCode, classify
from stigmer_tui.agent_clis.process import ProcessEnd
from stigmer_tui.agent_clis.records import CANCELLED, RunFolder, RunRecord
from stigmer_tui.agent_clis.tasks import AUTO, Task, seconds_of
from stigmer_tui.core.clock import Clock, timestamp
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.local_notification import LocalNotification, NotifyBy, WriteToTerminal, tell

INTERRUPTED = 130
"""Exit code of a run that was cancelled."""

TIMEOUT_VARIABLE = "AGENT_RUNNER_TIMEOUT_SECONDS"
DEFAULT_TIMEOUT = 900.0
"""Seconds of a run."""
CONNECTIVITY_LIMIT = 30.0
"""Seconds of the check by which `auto` finds an agent that answers."""
CONNECTIVITY_PROMPT = "Answer with the one word: ready"


class RunRefusedError(StigmerError):
    """A run that does not begin, and the exit code that says why."""

    def __init__(self, code: ExitCode, message: str, advice: str = "") -> None:
        super().__init__(message, advice)
        self.code = code


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a person says of a run, besides agent and task."""

    folder: Path
    """Of the project."""
    logs: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    model: str = ""
    timeout: float | None = None
    """Seconds; None for that of the task, or of the environment."""
    worktree: bool = False
    notifies: bool = True
    notify_by: NotifyBy = NotifyBy.AUTO
    """How the person at this machine is told of the end."""
    terminal: WriteToTerminal | None = None
    """Of that person; None where there is none."""
    dry_run: bool = False
    debug: bool = False


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that has begun."""

    agent: str
    run_folder: Path
    command: Sequence[str]
    model: str = ""


@dataclass(frozen=True, slots=True)
class Happened:
    """Something in a run."""

    agent: str
    event: CliEvent


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that has ended."""

    record: RunRecord
    run_folder: Path


Report = Callable[[Begun | Happened | Ended], None]


async def choose_agent(agents: Mapping[str, AgentCli], name: str, options: RunOptions, clock: Clock) -> AgentCli:
    """The agent of this name; of `auto` the preferred one that answers. Raises RunRefusedError."""
    if name != AUTO:
        if name not in agents:
            raise RunRefusedError(
                ExitCode.NO_AGENT, f"There is no agent {name}", f"There are {', '.join(agents)} and {AUTO}"
            )
        _check(agents[name], options.environment)
        return agents[name]
    reasons = []
    for agent in agents.values():
        try:
            _check(agent, options.environment)
        except RunRefusedError as refusal:
            reasons.append(refusal.message)
            continue
        if options.dry_run or await _answers(agent, options, clock):
            return agent
        reasons.append(f"{agent.name} does not answer")
    raise RunRefusedError(ExitCode.NO_AGENT, "No agent answers", "\n".join(reasons))


def _check(agent: AgentCli, environment: Mapping[str, str]) -> None:
    if not agent.found(environment):
        install = f"Install it: {agent.install}" if agent.install else "Its binary is to be found on PATH."
        raise RunRefusedError(ExitCode.NO_AGENT, f"{agent.name} is not installed: {agent.binary} is not found", install)
    if refusal := agent.refusal(environment):
        raise RunRefusedError(ExitCode.NO_AGENT, refusal)


async def _answers(agent: AgentCli, options: RunOptions, clock: Clock) -> bool:
    """Whether it answers a tiny prompt. What that was stands in the records of the task `connectivity`."""
    folder = RunFolder.create(options.logs, "connectivity", agent.name, clock.now())
    command = _command(agent, CONNECTIVITY_PROMPT, options.folder, folder, options)
    try:
        heard, end = await listen(agent, command, options.folder, options.environment, folder.path, CONNECTIVITY_LIMIT)
    except OSError:
        return False
    code = classify(end.status, end.timed_out, heard.failures, end.output, heard.last_message, agent.usage_limits)
    return code is ExitCode.SUCCESS


async def run_agent(agent: AgentCli, task: Task, options: RunOptions, clock: Clock, report: Report) -> RunRecord:
    """Runs one agent on a task to its end, and records it. Raises StigmerError where nothing can be recorded."""
    started, began = clock.now(), clock.monotonic()
    folder = RunFolder.create(options.logs, task.name, agent.name, started)
    record = RunRecord(
        folder.run_id,
        agent.name,
        task.name,
        timestamp(started),
        debug_prompt=task.prompt if options.debug else None,
        dry_run=options.dry_run,
        requires_commit=task.requires_commit,
        model=agent.model(options.model, options.environment),
        project=str(options.folder),
    )
    run = _Run(agent, task, options, folder, clock, report, record)
    try:
        record, output, patch = await run.work()
    except (OSError, StigmerError) as error:
        record, output, patch = _failed(run.record, ExitCode.UNEXPECTED, str(error)), "", ""
    except asyncio.CancelledError:
        cancelled = replace(
            run.record, exit_code=INTERRUPTED, classified_error=CANCELLED, error="The run was cancelled"
        )
        cancelled = _at_end(cancelled, clock, began)
        folder.write(cancelled)
        report(Ended(cancelled, folder.path))
        raise
    record = _at_end(record, clock, began)
    folder.write(record, output, patch)
    record = replace(record, notification=await run.notified(record))
    folder.log(clock.now(), f"notification: {record.notification}")
    folder.write(record, output, patch)
    folder.collect(record)
    report(Ended(record, folder.path))
    return record


def _at_end(record: RunRecord, clock: Clock, began: float) -> RunRecord:
    return replace(record, end_time=timestamp(clock.now()), elapsed_seconds=round(clock.monotonic() - began, 3))


def _failed(record: RunRecord, code: ExitCode, why: str) -> RunRecord:
    return replace(record, exit_code=int(code), classified_error=code.kind, error=why)


def _command(
    agent: AgentCli, prompt: str, working: Path, folder: RunFolder, options: RunOptions, repository: str = ""
) -> list[str]:
    model = agent.model(options.model, options.environment)
    launch = Launch(prompt, working, folder.path, model, repository)
    return [agent.found(options.environment) or agent.binary, *agent.arguments(launch)]


class _Run:
    def __init__(
        self,
        agent: AgentCli,
        task: Task,
        options: RunOptions,
        folder: RunFolder,
        clock: Clock,
        report: Report,
        record: RunRecord,
    ) -> None:
        self._agent = agent
        self._task = task
        self._options = options
        self._folder = folder
        self._clock = clock
        self._report = report
        self.record = record

    async def work(self) -> tuple[RunRecord, str, str]:
        """The record, the end of the output, and the patch of what was committed."""
        project = self._options.folder
        repository = await git.git_folder(project)
        if self._task.requires_commit and not repository:
            raise StigmerError(f"{project} is no git repository, but the task requires a commit", "Make one: git init")
        is_apart = self._options.worktree or self._task.worktree
        if is_apart and not repository:
            raise StigmerError(f"{project} is no git repository, so there is no worktree of it", "Make one: git init")
        timeout = self._timeout()
        self._log(f"{self._agent.name} on {self._task.name}, model {self.record.model or 'of its own'}")
        if self._options.dry_run:
            command = _command(self._agent, self._task.prompt, project / self._task.folder, self._folder, self._options)
            self._report(Begun(self._agent.name, self._folder.path, command))
            return replace(self.record, exit_code=0, folder=str(project)), "", ""
        if not is_apart:
            return await self._work_in(project, repository, timeout)
        branch = f"task/{self._task.name}/{self._agent.name}/{self._folder.run_id}"
        worktree = self._folder.path / "worktree"
        await git.add_worktree(project, worktree, branch)
        self.record = replace(self.record, branch=branch)
        base = await git.head(worktree)
        has_commits = is_removed = False
        try:
            record, output, patch = await self._work_in(worktree, repository, timeout)
        finally:
            # Also of a run that is cancelled.
            has_commits = await git.head(worktree) != base
            is_removed = await git.remove_worktree(project, worktree, branch, keeps_branch=has_commits)
            if not is_removed:
                self._log(f"the worktree stays, with what was not committed: {worktree}")
        return (record if has_commits or not is_removed else replace(record, branch="")), output, patch

    async def _work_in(self, root: Path, repository: str, timeout: float) -> tuple[RunRecord, str, str]:
        working = root / self._task.folder
        if not working.is_dir():
            raise StigmerError(f"There is no folder {working} for the task {self._task.name}")
        self.record = replace(self.record, folder=str(working))
        self._folder.write(self.record)
        before = await git.head(root) if repository else ""
        command = _command(self._agent, self._task.prompt, working, self._folder, self._options, repository)
        self._log(f"command: {command[0]} with {len(command) - 1} arguments, at most {timeout:.0f} s")
        self._report(Begun(self._agent.name, self._folder.path, command, self.record.model))
        heard, end = await self._run(command, working, timeout)
        done = git.Changes()
        if repository:
            done = await git.changes(root, before, await git.head(root))
        return self._judged(heard, end, done), end.output, done.patch

    async def _run(self, command: list[str], working: Path, timeout: float) -> tuple[Heard, ProcessEnd]:
        def happened(event: CliEvent) -> None:
            self._report(Happened(self._agent.name, event))

        heard, end = await listen(
            *(self._agent, command, working, self._options.environment, self._folder.path),
            *(timeout, happened),
        )
        self._log(f"ended with status {end.status}{', after its time was up' if end.timed_out else ''}")
        return heard, end

    def _judged(self, heard: Heard, end: ProcessEnd, done: git.Changes) -> RunRecord:
        last_message = self._last_message(heard)
        record = replace(
            self.record,
            token_count=heard.usage.tokens if heard.usage else None,
            cost=heard.usage.cost if heard.usage else None,
            last_message=last_message,
            commits=done.commits,
            files_changed=done.files,
            insertions=done.insertions,
            deletions=done.deletions,
        )
        code = classify(end.status, end.timed_out, heard.failures, end.output, last_message, self._agent.usage_limits)
        if code is ExitCode.SUCCESS and self._task.requires_commit and not done.commits:
            return _failed(record, ExitCode.AGENT_ERROR, NO_COMMITS)
        if code is ExitCode.SUCCESS:
            return replace(record, exit_code=0)
        return _failed(record, code, self._reason(code, heard, end))

    def _reason(self, code: ExitCode, heard: Heard, end: ProcessEnd) -> str:
        said = next(iter(heard.failures), "") or heard.last_line or heard.last_message
        match code:
            case _ if heard.given_up.is_set():
                why = f"{self._agent.name} kept asking again at its usage limit: {said}"
            case ExitCode.TIMEOUT:
                why = f"{self._agent.name} did not end within {self._timeout():.0f} s"
            case _ if end.status:
                why = f"{self._agent.name} ended with status {end.status}{f': {said}' if said else ''}"
            case _:
                why = said
        return f"{why}. {ADVICE[code]}"

    def _last_message(self, heard: Heard) -> str:
        if self._agent.last_message is not None:
            try:
                return self._agent.last_message(self._folder.path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                pass
        return heard.last_message or heard.last_line

    async def notified(self, record: RunRecord) -> str:
        if not (self._options.notifies and self._task.notify) or self._options.dry_run:
            return OFF
        notification = notification_of(record, self._folder.path)
        said = record.error or record.last_message
        here = LocalNotification(notification.title, said, is_urgent=record.exit_code != 0)
        options = self._options
        async with asyncio.TaskGroup() as group:
            group.create_task(tell(here, options.notify_by, options.environment, options.terminal))
            sending = group.create_task(notify(notification, options.environment))
        return sending.result()

    def _timeout(self) -> float:
        """Raises StigmerError where the variable is no time."""
        text = self._options.environment.get(TIMEOUT_VARIABLE, "").strip()
        configured = seconds_of(text)
        if text and configured is None:
            raise StigmerError(f"{TIMEOUT_VARIABLE} is {text!r}, which is no time", "It is such as 900, 90s or 10m.")
        return self._options.timeout or self._task.timeout or configured or DEFAULT_TIMEOUT

    def _log(self, text: str) -> None:
        self._folder.log(self._clock.now(), text)


async def run_side_by_side(
    agents: Sequence[AgentCli], task: Task, options: RunOptions, clock: Clock, report: Report
) -> list[RunRecord]:
    """Several agents on one task at the same time, each in a worktree of its own."""
    apart = replace(options, worktree=True)
    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(run_agent(agent, task, apart, clock, report)) for agent in agents]
    return [run.result() for run in runs]
