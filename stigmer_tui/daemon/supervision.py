"""Keeps the runners' processes alive, restarts them with a growing delay, and ends them in good order."""

from __future__ import annotations

import asyncio
import hmac
import logging
import os
import secrets
import signal
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import psutil

from stigmer_tui.api.daemon_pb2 import Component
from stigmer_tui.core.changes import ChangeSignal
from stigmer_tui.core.clock import Clock
from stigmer_tui.core.daemon_processes import SERVER, RunnerIdentity
from stigmer_tui.core.paths import Home
from stigmer_tui.core.processes import kill_all, process_tree
from stigmer_tui.core.storage_errors import UNUSABLE
from stigmer_tui.daemon.agent_runner_binary import ChooseProgram, RunnerProgram

WINDOW = 600.0
"""Seconds over which restarts are counted."""

MAX_RESTARTS = 10

STEADY = 10.0
"""Seconds of life after which an end is an accident, and the next start need not wait."""

MAX_DELAY = 30.0


class RestartPolicy:
    def __init__(self) -> None:
        self._times: deque[float] = deque()
        self._quick_ends = 0

    def next_delay(self, now: float, lifetime: float) -> float | None:
        """Seconds to wait before the next start; None when there have been too many. Times are monotonic."""
        while self._times and now - self._times[0] > WINDOW:
            self._times.popleft()
        if len(self._times) >= MAX_RESTARTS:
            return None
        self._times.append(now)
        if lifetime >= STEADY:
            self._quick_ends = 0
            return 0.0
        self._quick_ends += 1
        # The first quick end may be somebody's kill -9; from the second on something is wrong.
        return 0.0 if self._quick_ends == 1 else min(MAX_DELAY, 2.0 ** (self._quick_ends - 2))


logger = logging.getLogger(__name__)

STOP_LIMIT = 4.0
"""Seconds that a runner has to end in good order."""

MIN_METER_SPAN = 1.5
"""Seconds over which the use of a processor is measured; over shorter ones it is all or nothing."""

MAX_PRINTED_LINE = 64 * 1024
"""Bytes."""

ERROR = "Error: "
"""Before the sentence that a program of ours ends with."""

State = Component.State


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
    token: str = ""
    """By which the server knows this process, and no other, as this child."""
    meter: Meter | None = None
    started_at: datetime | None = None
    state: State.ValueType = Component.STARTING
    restarts: int = 0
    detail: str = ""
    notice: str = ""
    """What a person should know of the program that runs."""

    @property
    def identity(self) -> RunnerIdentity | None:
        """Of the process that runs; None when there is none."""
        if self.process is None or self.process.returncode is not None:
            return None
        return RunnerIdentity(self.name, self.process.pid)


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
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.changes = ChangeSignal()
        self._home = home
        self._children = [
            Child(name, program if callable(program) else _always(program)) for name, program in children.items()
        ]
        self._clock = clock
        self._sleep = sleep
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
            await asyncio.gather(*(self._end(child) for child in self._children))
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

    def kill(self, runner: RunnerIdentity) -> None:
        """Kills a hanging child and its descendants; it will be restarted."""
        if any(child.identity == runner for child in self._children):
            kill_all(process_tree(runner.pid))

    async def _keep(self, child: Child, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            began = self._clock.monotonic()
            code, how, said = await self._live(child)
            if stopping.is_set():
                return
            lifetime = self._clock.monotonic() - began
            delay = child.policy.next_delay(self._clock.monotonic(), lifetime)
            logger.error("%s %s after %.1f s", child.name, how, lifetime)
            if code == UNUSABLE:
                self._fail(child, said or how)
                return
            if delay is None:
                self._fail(child, f"it ended too often; the last time it {how}")
                return
            child.restarts += 1
            self._become(child, Component.RESTARTING, f"{how}; starts again")
            await self._sleep(delay)

    async def _live(self, child: Child) -> tuple[int | None, str, str]:
        """Runs a child once; returns its exit code, how it ended, and its last error."""
        try:
            program = await child.choose(lambda detail: self._become(child, Component.STARTING, detail))
            child.notice = program.notice
            async with child.starting:
                process = await self._start(child, program.arguments)
        except OSError as error:
            # Too many processes or too little memory, for example, which may pass.
            return None, f"could not be started: {error.strerror or error}", ""
        _, said = await asyncio.gather(process.wait(), _log_output(child.name, process))
        return process.returncode, _ending(process.returncode), said

    async def _start(self, child: Child, arguments: Sequence[str]) -> asyncio.subprocess.Process:
        process = child.process = await asyncio.create_subprocess_exec(
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self._environment,
            cwd=self._home.root,
            start_new_session=True,
        )
        child.token = secrets.token_urlsafe(32)
        if process.stdin is not None:
            process.stdin.write(f"{child.token}\n".encode())
        child.started_at = self._clock.now()
        with suppress(psutil.Error):
            child.meter = Meter(process.pid, self._clock)
        self._become(child, Component.STARTING, "")
        return process

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
        self._become(child, Component.STOPPED, "")

    def _fail(self, child: Child, detail: str) -> None:
        self._become(child, Component.FAILED, f"{detail}; see stigmer-tui server logs, then server restart")
        self.on_failed(child.name, child.detail)

    def _become(self, child: Child, state: State.ValueType, detail: str) -> None:
        child.state = state
        child.detail = detail
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
        )
        if child.started_at:
            component.started_at.FromDatetime(child.started_at)
        if identity and child.meter:
            child.meter.read(component)
        return component


def own_command(*arguments: str) -> list[str]:
    """The command line of this program with other arguments; never imports from the working folder (-P)."""
    return [sys.executable, "-P", "-m", "stigmer_tui", *arguments]


def _always(arguments: Sequence[str]) -> ChooseProgram:
    async def choose(report: Callable[[str], None]) -> RunnerProgram:
        return RunnerProgram(arguments)

    return choose


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was killed ({signal.Signals(-code).name})"
    return f"ended with code {code}"


async def _log_output(name: str, process: asyncio.subprocess.Process) -> str:
    """Logs what a child prints, such as errors before its own log exists. Returns the last error."""
    if process.stdout is None:
        return ""
    log = logging.getLogger(name)
    said, rest = "", b""
    while data := await process.stdout.read(MAX_PRINTED_LINE):
        *lines, rest = (rest + data).split(b"\n")
        if len(rest) >= MAX_PRINTED_LINE:
            # Output without line breaks must not accumulate here.
            lines, rest = [*lines, rest], b""
        for line in lines:
            text = line.decode(errors="replace").rstrip()
            log.error("%s", text)
            if text.startswith(ERROR):
                said = text.removeprefix(ERROR)
    if rest:
        log.error("%s", rest.decode(errors="replace").rstrip())
    return said
