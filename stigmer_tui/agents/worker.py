"""Works on executions of agents: begins one, runs the agent loop, and reports its end."""

from __future__ import annotations

import asyncio
import errno
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from stigmer_tui.agents.allowed_tools import AllowedTools
from stigmer_tui.agents.journal import AgentJournal
from stigmer_tui.agents.mcp.docker import require_docker
from stigmer_tui.agents.mcp.surroundings import ServerLimits, Surroundings, server_environment
from stigmer_tui.agents.models.current import CurrentModels
from stigmer_tui.agents.run import AgentRun, Caller, Outcome
from stigmer_tui.agents.sandbox.commands import end_processes
from stigmer_tui.agents.sandbox.confinement import Confinement, command_environment
from stigmer_tui.agents.sandbox.folder import Folder
from stigmer_tui.agents.sandbox.skill_files import SkillFiles, unpacked
from stigmer_tui.agents.scripts.recordings import Recordings
from stigmer_tui.agents.skills import FetchSkill, fetch_skills
from stigmer_tui.agents.spending import LimitReachedError, Spending
from stigmer_tui.agents.tools.shell import ShellTool
from stigmer_tui.agents.transcript import TranscriptRecorder
from stigmer_tui.agents.working_time import WorkingTime
from stigmer_tui.api.agent_execution_pb2 import AgentExecution
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import AgentAssignment
from stigmer_tui.core import settings
from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.processes import OWNER_MARK
from stigmer_tui.core.run_limits import RunLimits, read_limits
from stigmer_tui.core.units import duration_text
from stigmer_tui.definition import extensions
from stigmer_tui.definition.agent_uses import uses_of
from stigmer_tui.definition.attached_files import files_in
from stigmer_tui.definition.mcp_servers import server_launches
from stigmer_tui.definition.script import Script, parse_script
from stigmer_tui.definition.sub_agents import check_sub_agents
from stigmer_tui.runners.journal import Journal
from stigmer_tui.runners.lease import Lease, LeaseLost, StopReason, reporting

if TYPE_CHECKING:
    from stigmer_tui.agents.loop import AgentLoop

PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""What is wrong with a disk until a person makes room, or it is mounted again."""

ROOM_PAUSE = 1.0
"""Seconds before a folder for which there was no room is tried again."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Worker:
    """Works on leases of agent executions."""

    configuration: Configuration
    environment: Mapping[str, str]
    """The environment of the process."""
    models: CurrentModels
    confinement: Confinement
    journal: Journal
    agent_loop: asyncio.Task[AgentLoop]
    """Done when the framework has been loaded."""
    recordings: Recordings
    """What runs of tests play."""
    fetch_skill: FetchSkill
    server_limits: ServerLimits = field(default_factory=ServerLimits)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def work(self, lease: Lease) -> None:
        """Runs the execution of a lease to its end, and reports it."""
        await self.work_for(lease)

    async def work_for(self, lease: Lease, caller: Caller | None = None) -> Outcome:
        """The same, of a sub-agent if there is a caller. Returns how it has ended."""
        execution = lease.assignment.agent.execution
        agent = lease.assignment.agent.agent.metadata
        transcript = TranscriptRecorder(lease.redactor)
        record = AgentJournal(self.journal.execution(lease.execution_id))
        async with reporting(lease, transcript.take) as reporter:
            transcript.changed = reporter.touch
            name, approve = agent.slug or agent.name, self.configuration.approve
            limits = _limits(lease.assignment.agent, self.configuration.limits)
            history = self.configuration.history_tokens
            above = caller.run if caller else None
            spending = above.spending if above else Spending(limits, self.configuration.prices, record)
            allowed = above.allowed if above else AllowedTools(record)
            started_at = execution.status.started_at
            time = WorkingTime(record, lease.clock, started_at, above.time if above else None)
            run = AgentRun(
                name,
                lease,
                transcript,
                record,
                reporter,
                spending,
                allowed,
                time,
                self.work_for,
                caller,
                approve,
                history,
                self.configuration.answers,
            )
            files = files_in(execution.metadata.annotations)
            transcript.begin(execution.spec.message, started_at or run.now(), execution.status, files)
            phase, error = await self._outcome(run)
            # Once the outcome is known, not even a cancellation may prevent the report.
            end = asyncio.create_task(self._end(run, phase, lease.redactor.text(error)))
            try:
                await asyncio.shield(end)
            except asyncio.CancelledError:
                await end
            return Outcome(phase, error, transcript.answer)

    async def _end(self, run: AgentRun, phase: Phase, error: str) -> None:
        ended = "was cancelled" if phase is Phase.CANCELLED else "ended"
        run.transcript.end(f"The run {ended} before this call had come to its end.", run.now())
        await run.reporter.flush()
        if run.caller is not None:
            await run.spending.keep(run.lease.execution_id)
        await run.lease.report_end(phase, error)
        await self.journal.forget(run.lease.execution_id)

    async def _outcome(self, run: AgentRun) -> tuple[Phase, str]:
        try:
            async with _time_limit(run):
                await self._run(run)
        except StigmerError as error:
            return Phase.FAILED, error.message
        except asyncio.CancelledError:
            if run.lease.ending is not StopReason.CANCELLED:
                raise
            return Phase.CANCELLED, run.lease.reason
        except LeaseLost:
            raise
        except Exception as error:
            logger.error("execution %s: %s", run.lease.execution_id, run.redacted_trace())
            return Phase.FAILED, f"The agent runner met an internal error: {error!r}"
        return Phase.COMPLETED, ""

    async def _run(self, run: AgentRun) -> None:
        agent = run.lease.assignment.agent.agent
        check_sub_agents(agent)
        place = self.configuration.home.run_skills / run.lease.execution_id
        async with unpacked(await fetch_skills(run.lease, agent, self.fetch_skill), place) as skills:
            await self._run_with(run, skills)

    async def _run_with(self, run: AgentRun, skills: SkillFiles | None) -> None:
        assignment = run.lease.assignment.agent
        annotations = assignment.execution.metadata.annotations
        if (recording := annotations.get(extensions.RECORDING)) and extensions.LIVE not in annotations:
            await self._play(run, recording, skills)
            return
        chooser = self.models.chooser()
        script = self._script(run, chooser.settings.script)
        plan = await self.models.plan(chooser, _requested_models(assignment), has_script=script is not None)
        if not plan.first.is_scripted:
            script = None
        elif script is None:
            raise StigmerError(
                f"{run.agent} has no script to play: give it one, or set {settings.SCRIPT.variable} to a file"
            )
        servers = server_launches(assignment.agent.spec, run.lease.environment)
        shell = await self._shell(run, skills)
        around = server_environment(self.environment, str(self.configuration.home.data))
        await require_docker(servers, around)
        if run.lease.assignment.attempt > 1:
            await end_processes(shell.mark)
        agent_loop = await asyncio.shield(self.agent_loop)
        surroundings = Surroundings(shell.folder.root, around, run.lease.redactor.cut_text, self.server_limits)
        await agent_loop.converse(run, plan, script, shell, servers, surroundings)

    async def _play(self, run: AgentRun, recording: str, skills: SkillFiles | None) -> None:
        """No model is asked, no key is needed, and no MCP server is started."""
        shell = await self._shell(run, skills)
        message = run.lease.redactor.text(run.lease.assignment.agent.execution.spec.message)
        agent_loop = await asyncio.shield(self.agent_loop)
        playback = self.recordings.take(recording, run.agent, message)
        playback.check_uses(uses_of(run.lease.assignment.agent.agent))
        await agent_loop.play(run, playback, shell)

    def _script(self, run: AgentRun, path: Path | None) -> Script | None:
        """The script of the agent, or else the configured one; of a sub-agent, that in the script of its agent."""
        agent = run.lease.assignment.agent.agent
        if run.caller is not None:
            return run.caller.script and run.caller.script.of_sub_agent(agent.metadata.name)
        has_servers = bool(agent.spec.mcp_servers)
        if text := agent.metadata.annotations.get(extensions.SCRIPT):
            return parse_script(text, f"script of {agent.metadata.name}", has_servers)
        if path is None:
            return None
        try:
            return parse_script(path.read_text(encoding="utf-8"), str(path), has_servers)
        except (OSError, UnicodeDecodeError) as error:
            raise StigmerError(f"Cannot read the script {path}: {error}") from error

    async def _shell(self, run: AgentRun, skills: SkillFiles | None) -> ShellTool:
        folder = run.caller.folder if run.caller else Folder(await self._root(run.lease.assignment.agent.execution))
        environment = command_environment(self.environment, run.lease.environment, folder.root)
        environment[OWNER_MARK] = str(self.configuration.home.data)
        return ShellTool(folder, self.confinement, environment, mark=run.lease.execution_id, skills=skills)

    async def _root(self, execution: AgentExecution) -> Path:
        """The folder of the session, which is created if it is missing, and when there is room on the disk."""
        of_origin = execution.metadata.annotations.get(extensions.FOLDER, "")
        name = of_origin or execution.spec.session_id or execution.metadata.id
        if not re.fullmatch(r"[\w-]+", name):
            raise StigmerError(f"Not an id of a session: {name}")
        root = self.configuration.sandbox_root or self.configuration.home.workspace / name
        while True:
            try:
                root.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                if error.errno not in PASSING:
                    raise StigmerError(f"Cannot make the working folder {root}: {error.strerror}") from error
            else:
                return root
            await self.sleep(ROOM_PAUSE)


def _requested_models(assignment: AgentAssignment) -> Sequence[str]:
    """That of a test, of the calling task or of the run, else those of the agent; none for the configured one."""
    execution = assignment.execution
    of_test = execution.metadata.annotations.get(extensions.MODEL)
    if asked := of_test or assignment.config.model or execution.spec.execution_config.model_name:
        return (asked,)
    return extensions.models_in(assignment.agent.metadata.annotations)


def _limits(assignment: AgentAssignment, configured: RunLimits) -> RunLimits:
    """Those of the run before those of its project, and these before the configured ones."""
    of_run = read_limits(assignment.execution.metadata.annotations.get(extensions.LIMITS, ""))
    of_project = read_limits(assignment.agent.metadata.annotations.get(extensions.LIMITS, ""))
    return of_run.over(of_project).over(configured)


@asynccontextmanager
async def _time_limit(run: AgentRun) -> AsyncIterator[None]:
    """The time limits of the run and of the calling task."""
    of_task, of_run = run.lease.assignment.agent.config.timeout, run.spending.limits.time
    seconds = min(filter(None, (of_task, of_run)), default=None)
    limit: asyncio.Timeout | None = None
    try:
        async with run.time.limit(seconds) as limit:
            yield
    except TimeoutError as error:
        if limit is None or not limit.expired():
            raise
        if seconds == of_task:
            raise StigmerError(f"{run.agent} took longer than the {of_task} s that its task allows") from error
        raise LimitReachedError.of(run.agent, duration_text(of_run), "time") from error
