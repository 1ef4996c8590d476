"""Keeps the runners' processes alive, restarts them with a growing delay, and ends them in good order."""

from __future__ import annotations

import asyncio
import hmac
import logging
import os
import secrets
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import psutil

from stigmer_tui.api.daemon_pb2 import Component
from stigmer_tui.core.changes import ChangeSignal
from stigmer_tui.core.clock import Clock
from stigmer_tui.core.daemon_processes import AGENT_RUNNER, PROCESSES, SERVER, Ask, RunnerIdentity
from stigmer_tui.core.known_secrets import clean
from stigmer_tui.core.model_providers import KEY_VARIABLES
from stigmer_tui.core.paths import Home
from stigmer_tui.core.processes import kill_all, process_tree
from stigmer_tui.core.storage_errors import UNUSABLE, WAITING
from stigmer_tui.core.waits import first_of
from stigmer_tui.daemon.agent_runner_binary import ChooseProgram, RunnerProgram
from stigmer_tui.daemon.health import Health
from stigmer_tui.daemon.logs import LogFilter, last_lines
from stigmer_tui.daemon.printed_output import KEPT_LINES, PrintedOutput
from stigmer_tui.daemon.probing import Probing, Sleep
from stigmer_tui.daemon.restart_policy import RestartPolicy

logger = logging.getLogger(__name__)

STOP_LIMIT = 4.0
"""Seconds that a runner has to end in good order."""

MIN_METER_SPAN = 1.5
"""Seconds over which the use of a processor is measured; over shorter ones it is all or nothing."""

State = Component.State

LABELS = {process.name: process.label for process in PROCESSES}


@dataclass(slots=True, eq=False)
class Child:
    """One supervised process, over all its lives."""

    name: str
    choose: ChooseProgram
    """Called before each start."""
    policy: RestartPolicy = field(default_factory=RestartPolicy)
    process: asyncio.subprocess.Process | None = None
    starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a process is started: there may be one already that `process` does not name yet."""
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a person wants it to be started again."""
    token: str = ""
    """By which the server knows this process, and no other, as this child."""
    probing: Probing | None = None
    """Of the process that runs, or ran last."""
    meter: Meter | None = None
    started_at: datetime | None = None
    state: State.ValueType = Component.STARTING
    restarts: int = 0
    detail: str = ""
    notice: str = ""
    """What a person should know of the program that runs."""
    last_error: str = ""
    """How its last life ended that was not ended on purpose."""
    last_error_at: datetime | None = None
    last_lines: tuple[str, ...] = ()
    """Of its log, once it is given up."""

    @property
    def identity(self) -> RunnerIdentity | None:
        """Of the process that runs; None when there is none."""
        if self.process is None or self.process.returncode is not None:
            return None
        return RunnerIdentity(self.name, self.process.pid)


@dataclass(frozen=True, slots=True)
class Life:
    """One life of a child, after its end."""

    code: int | None
    end: str
    """How it ended, in words."""
    error: str = ""
    """The sentence that it ended with."""
    advice: tuple[str, ...] = ()
    """What it said is to be done."""
    last_lines: tuple[str, ...] = ()
    """That it printed."""


class Meter:
    """What a process uses of the machine, measured over spans that are long enough to mean something."""

    def __init__(self, pid: int, clock: Clock) -> None:
        """Raises psutil.Error when there is no such process."""
        self._process = psutil.Process(pid)
        self._clock = clock
        self._read_at = clock.monotonic()
        self._memory = 0
        self._cpu = self._process.cpu_percent()

    def read(self, component: Component) -> None:
        now = self._clock.monotonic()
        if not self._memory or now - self._read_at >= MIN_METER_SPAN:
            self._read_at = now
            with suppress(psutil.Error), self._process.oneshot():
                self._memory = self._process.memory_info().rss
                self._cpu = self._process.cpu_percent()
        component.memory_bytes = self._memory
        component.cpu_percent = self._cpu


class Supervisor:
    """Starts each child, starts it again when it ends, and gives up on one that ends too often.

    A child's standard input is a pipe that only this process holds. By it the child gets its token, which nobody else
    can see; and when this process ends, however it ends, the child notices and ends too.
    """

    def __init__(
        self,
        home: Home,
        children: Mapping[str, Sequence[str] | ChooseProgram],
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        pause_probes: Sleep = asyncio.sleep,
    ) -> None:
        self.changes = ChangeSignal()
        self._home = home
        self._children = [
            Child(name, program if callable(program) else _always(program)) for name, program in children.items()
        ]
        self._clock = clock
        self._sleep = sleep
        self._pause_probes = pause_probes
        self.on_failed: Callable[[str, str], None] = lambda name, detail: None
        """Told the name of a child that is given up, and why."""
        self._started_at = clock.now()
        self._meter = Meter(os.getpid(), clock)
        self._environment: dict[str, str] = {}

    async def run(self, environment: Mapping[str, str], stopping: asyncio.Event) -> None:
        """Until `stopping` is set and every child has ended. `environment` is what the children need besides ours."""
        self._environment = {**os.environ, **environment}
        async with asyncio.TaskGroup() as group:
            keepers = [group.create_task(self._keep(child, stopping)) for child in self._children]
            await stopping.wait()
            await asyncio.gather(*(self._stop(child) for child in self._children))
            for keeper in keepers:
                keeper.cancel()

    def statuses(self) -> list[Component]:
        server = Component(name=SERVER.name, state=Component.READY, pid=os.getpid())
        server.started_at.FromDatetime(self._started_at)
        self._meter.read(server)
        return [server, *(self._status(child) for child in self._children)]

    def identify(self, token: str) -> RunnerIdentity | None:
        """The child to which this token was given, as long as its process runs."""
        for child in self._children:
            if child.token and hmac.compare_digest(child.token.encode(), token.encode()):
                return child.identity
        return None

    def reported(self, runner: RunnerIdentity, ask: Ask) -> None:
        """A child has come to the server, and is probed from now on."""
        for child in self._children:
            if child.identity == runner and child.probing:
                child.probing.report(ask)

    async def restart(self, name: str) -> None:
        """Ends a child in good order, if it runs, and starts it at once. Earlier failures are forgotten."""
        child = next(child for child in self._children if child.name == name)
        child.wanted.set()
        await self._end(child)
        self._become(child, Component.STARTING, "")

    async def _keep(self, child: Child, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            child.wanted.clear()
            began = self._clock.monotonic()
            life = await self._live(child)
            if stopping.is_set():
                return
            if not child.wanted.is_set():
                await self._after_failure(child, life, self._clock.monotonic() - began)
            if child.wanted.is_set():
                child.policy = RestartPolicy()
                self._become(child, Component.STARTING, "")

    async def _after_failure(self, child: Child, life: Life, seconds: float) -> None:
        """Returns when it is time for the next start."""
        logger.error("%s %s after %.1f s", child.name, life.end, seconds)
        child.last_error, child.last_error_at = life.error or life.end, self._clock.now()
        if life.code == WAITING:
            await self._pause(child, life.error or life.end, child.policy.wait())
        elif life.code == UNUSABLE:
            await self._fail(child, life.error or life.end, life)
        elif (delay := child.policy.next_delay(self._clock.monotonic(), seconds)) is None:
            await self._fail(child, f"it ended too often; the last time it {life.end}", life)
        else:
            child.restarts += 1
            await self._pause(child, life.end, delay)

    async def _pause(self, child: Child, why: str, delay: float) -> None:
        again = f"starts again in {delay:.0f} s" if delay else "starts again"
        self._become(child, Component.RESTARTING, f"{why}; {again}")
        await first_of(self._sleep(delay), child.wanted.wait())

    async def _live(self, child: Child) -> Life:
        """Runs a child once."""
        try:
            program = await child.choose(lambda detail: self._become(child, Component.STARTING, detail))
            child.notice = program.notice
            return await self._run(child, program.arguments)
        except OSError as error:
            # Too many processes or too little memory, for example, which may pass.
            return Life(None, f"could not be started: {error.strerror or error}")

    async def _run(self, child: Child, arguments: Sequence[str]) -> Life:
        output = PrintedOutput(child.name)
        stdin, token_writer = os.pipe()
        try:
            async with child.starting:
                process = await self._start(child, arguments, stdin, token_writer, output)
            probing = child.probing = Probing(self._clock, self._pause_probes, self.changes.note)
            await first_of(process.wait(), probing.hangs())
            if probing.health.hangs:
                kill_all(process_tree(process.pid))
            code = await process.wait()
        finally:
            os.close(token_writer)
            output.end()
        end = probing.health.reason if probing.health.hangs else _ending(code)
        return Life(code, end, output.error, tuple(output.advice), tuple(output.last_lines))

    async def _start(
        self, child: Child, arguments: Sequence[str], stdin: int, token_writer: int, output: PrintedOutput
    ) -> asyncio.subprocess.Process:
        try:
            # Pipes of ours, since asyncio would wait for the end of its own, which a descendant may hold open.
            process = child.process = await asyncio.create_subprocess_exec(
                *arguments,
                stdin=stdin,
                stdout=output.writer,
                stderr=asyncio.subprocess.STDOUT,
                env=self._environment_of(child),
                cwd=self._home.root,
                start_new_session=True,
            )
        finally:
            os.close(stdin)
            output.close_writer()
        child.token = secrets.token_urlsafe(32)
        with suppress(BrokenPipeError):
            os.write(token_writer, f"{child.token}\n".encode())
        child.started_at = self._clock.now()
        with suppress(psutil.Error):
            child.meter = Meter(process.pid, self._clock)
        self._become(child, Component.STARTING, "")
        return process

    def _environment_of(self, child: Child) -> dict[str, str]:
        """Only the agent runner needs the keys of model providers."""
        if child.name == AGENT_RUNNER.name:
            return self._environment
        return {name: value for name, value in self._environment.items() if name not in KEY_VARIABLES}

    async def _stop(self, child: Child) -> None:
        await self._end(child)
        self._become(child, Component.STOPPED, "")

    async def _end(self, child: Child) -> None:
        async with child.starting:
            process = child.process
        if process is None or process.returncode is not None:
            return
        tree = process_tree(process.pid)
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOP_LIMIT)
        except TimeoutError:
            logger.warning("%s did not end in %.0f s and is killed", child.name, STOP_LIMIT)
        # Without waiting: asyncio must reap the child to get its exit code.
        kill_all([process for process in tree if process.is_running()])
        await process.wait()

    async def _fail(self, child: Child, detail: str, life: Life) -> None:
        logged = await asyncio.to_thread(_last_problems, self._home, child.name)
        others = (line for line in logged or life.last_lines if line not in life.advice)
        child.last_lines = (*life.advice, *others)
        label = LABELS.get(child.name, child.name)
        self._become(child, Component.FAILED, f"{detail}; try again with: stigmer-tui server restart {label}")
        self.on_failed(child.name, child.detail)
        await child.wanted.wait()

    def _become(self, child: Child, state: State.ValueType, detail: str) -> None:
        child.state = state
        child.detail = detail
        if state != Component.FAILED:
            child.last_lines = ()
        self.changes.note()

    def _status(self, child: Child) -> Component:
        identity = child.identity
        component = Component(
            name=child.name,
            state=child.state,
            pid=identity.pid if identity else 0,
            restarts=child.restarts,
            detail=child.detail,
            notice=child.notice,
            last_error=child.last_error,
            log_lines=child.last_lines,
        )
        if child.last_error_at:
            component.last_error_at.FromDatetime(child.last_error_at)
        if child.started_at:
            component.started_at.FromDatetime(child.started_at)
        if identity and child.meter:
            child.meter.read(component)
        if identity and child.probing and child.state == Component.STARTING:
            _add_health(component, child.probing.health)
        return component


def _add_health(component: Component, health: Health) -> None:
    if health.has_started:
        component.state = Component.READY if health.is_ready else Component.NOT_READY
        component.detail = health.reason


def _always(arguments: Sequence[str]) -> ChooseProgram:
    async def choose(report: Callable[[str], None]) -> RunnerProgram:
        return RunnerProgram(arguments)

    return choose


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was killed ({signal.Signals(-code).name})"
    return f"ended with code {code}"


def _last_problems(home: Home, name: str) -> tuple[str, ...]:
    lines = last_lines(home, KEPT_LINES, LogFilter(name, "warning"))
    # Each once: a process that fails at each start says the same each time.
    return tuple(dict.fromkeys(clean(f"{line.level}: {line.message}") for line in lines))
