"""A waiting interpreter that is forked for each run of a project's code: our side of core/fork_server.py.

A new interpreter is used instead where a fork would not be the same: while the waiting one is not ready, when a file
that it has loaded, an installed package or the environment has changed, when a file of the project has the name of a
module that is loaded, when what it has loaded has started threads or printed something, and on systems but Linux.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from stigmer_tui.core import fork_server
from stigmer_tui.core.kept_program import MARK, KeptProgram
from stigmer_tui.project.subprocesses import Ended, OnLine, Output, run_package, until_ended
from stigmer_tui.sdk.synthesis import OUTPUT_FOLDER, WRITTEN_FILES

SDK_MODULES = ("stigmer_tui.sdk.synthesis", "stigmer_tui.sdk.manifests", "stigmer_tui.sdk.error_report")
OF_ONE_RUN = frozenset({OUTPUT_FOLDER, WRITTEN_FILES, MARK})
"""Variables that differ from run to run. Whatever else changes may be something that a module reads when loaded."""
KILLED = -9
"""The status of a run whose server has vanished."""

LOAD_SERVER = (
    "import sys; sys.path.insert(0, sys.argv[1]); import fork_server, keeper; del sys.path[:2];"
    " fork_server.main(sys.argv[2:], keeper.main)"
)


@dataclass(frozen=True, slots=True)
class Basis:
    """What a server is started with; another one is needed where it differs."""

    interpreter: Path
    folder: Path
    environment: Mapping[str, str]


@dataclass(slots=True)
class ForkServer:
    """A server that is ready."""

    basis: Basis
    process: asyncio.subprocess.Process
    requests: socket.socket
    names: frozenset[str]
    """Top-level modules that it has loaded."""
    files: Mapping[str, list[int]]
    """What it depends on, as `mark_of` says."""
    running: int = 0
    """Forks that have not ended. Until then it must not be closed, since it reports their end."""
    lacks_imports: bool = False
    """Whether the code imports more than is loaded."""

    def is_current(self, entry: Path) -> bool:
        """Whether a fork would do the same as a new interpreter. Looks at many files."""
        if any(fork_server.mark_of(path) != mark for path, mark in self.files.items()):
            return False
        return not any(
            path.name.partition(".")[0] in self.names
            for folder in {self.basis.folder, entry.parent}
            for path in folder.iterdir()
        )

    def kill(self) -> None:
        """With all that is below it."""
        from stigmer_tui.core.processes import kill_all, process_tree

        kill_all(process_tree(self.process.pid))

    async def close(self) -> None:
        self.requests.close()
        await self.process.wait()


class WarmInterpreter:
    """Runs a package in forks of a waiting interpreter, or else in a new one. It ends with this context."""

    def __init__(self) -> None:
        self._server: ForkServer | None = None
        self._starting: asyncio.Task[None] | None = None
        self._imports: tuple[str, ...] = ()
        """What the code has imported besides the SDK, in this order."""
        self._may_load_imports = True
        self._unfit: Basis | None = None
        """The last one on which no server could be started that can be forked."""
        self.forks = 0
        """Runs that needed no new interpreter."""

    async def __aenter__(self) -> WarmInterpreter:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._starting:
            self._starting.cancel()
            await asyncio.wait((self._starting,))
        await self._replace_server(None)

    async def run_package(
        self,
        interpreter: Path,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        on_line: OnLine,
    ) -> Ended:
        """As `run_package` in `subprocesses`."""
        kept_variables = {name: value for name, value in environment.items() if name not in OF_ONE_RUN}
        basis = Basis(interpreter, folder, kept_variables)
        try:
            if (server := self._server) is not None:
                is_current = server.basis == basis and await asyncio.to_thread(server.is_current, Path(arguments[-1]))
                if is_current and (ended := await self._fork(server, arguments, environment, on_line)) is not None:
                    return ended
                self._may_load_imports = True
                await self._replace_server(None)
            return await run_package(interpreter, arguments, folder, environment, on_line)
        finally:
            self._renew(basis)

    async def ready(self) -> None:
        """Waits until the server that is being started is ready, or turns out to be unfit."""
        if self._starting:
            await asyncio.wait((self._starting,))

    async def _fork(
        self, server: ForkServer, arguments: Sequence[str], environment: Mapping[str, str], on_line: OnLine
    ) -> Ended | None:
        """None when nothing has run, because the server is gone."""
        server.running += 1
        try:
            return await self._run_in_fork(server, arguments, environment, on_line)
        finally:
            server.running -= 1
            if server is not self._server and not server.running:
                await server.close()

    async def _run_in_fork(
        self, server: ForkServer, arguments: Sequence[str], environment: Mapping[str, str], on_line: OnLine
    ) -> Ended | None:
        with KeptProgram() as kept, os.fdopen(os.memfd_create("stigmer-request"), "wb+") as request:
            own = {name: value for name, value in environment.items() if name in OF_ONE_RUN}
            wanted = {
                "arguments": arguments,
                "folder": str(server.basis.folder),
                "environment": own | kept.environment,
            }
            request.write(json.dumps(wanted).encode())
            # Both sides share the position.
            request.seek(0)
            output = Output(on_line)
            fork = await kept.start(_Fork.start(server, request.fileno(), kept.descriptors[0], output))
            try:
                ended = await until_ended(kept, fork, output)
            finally:
                if fork.is_server_lost and server is self._server:
                    self._server = None
            if not fork.is_requested:
                return None
            self.forks += 1
            self._learn_imports(server, os.pread(request.fileno(), os.fstat(request.fileno()).st_size, 0))
            return ended

    def _learn_imports(self, server: ForkServer, reported: bytes) -> None:
        try:
            names = json.loads(reported)
        except ValueError:
            return
        # Where the code has ended without a report, it is the request.
        if isinstance(names, list) and names and self._may_load_imports:
            self._imports = tuple(dict.fromkeys((*self._imports, *names)))
            server.lacks_imports = True

    def _renew(self, basis: Basis) -> None:
        """Begins to start a server, unless there is one that will do for the next run."""
        is_fit = self._server is not None and not self._server.lacks_imports
        is_starting = self._starting is not None and not self._starting.done()
        if sys.platform == "linux" and not is_fit and not is_starting and basis != self._unfit:
            self._starting = asyncio.create_task(self._start(basis))

    async def _start(self, basis: Basis) -> None:
        server = None
        if self._imports and self._may_load_imports:
            server = await _start_server(basis, (*SDK_MODULES, *self._imports))
            # Otherwise one of them does when it is loaded what must be done in each run.
            self._may_load_imports = server is not None
        if server is None:
            server = await _start_server(basis, SDK_MODULES)
        self._unfit = basis if server is None else None
        await self._replace_server(server)

    async def _replace_server(self, server: ForkServer | None) -> None:
        before, self._server = self._server, server
        if before is not None and not before.running:
            await before.close()


async def _start_server(basis: Basis, modules: Collection[str]) -> ForkServer | None:
    """None for one that must not be forked, or does not start."""
    ours, theirs = socket.socketpair()
    printed, output = os.pipe()
    process = None
    try:
        ours.setblocking(False)
        os.set_blocking(printed, False)
        load = ["-c", LOAD_SERVER, str(Path(fork_server.__file__).parent), str(theirs.fileno()), *modules]
        try:
            process = await asyncio.create_subprocess_exec(
                str(basis.interpreter),
                *load,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=basis.folder,
                env=dict(basis.environment),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        except OSError:
            return None
        theirs.close()
        loaded = await _read_line(ours)
        if loaded and loaded["threads"] == 1 and not _has_printed(printed):
            server = ForkServer(basis, process, ours, frozenset(loaded["names"]), loaded["files"])
            process = None
            return server
        return None
    finally:
        theirs.close()
        os.close(printed)
        os.close(output)
        if process is not None:
            ours.close()
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _read_line(connection: socket.socket) -> dict[str, Any] | None:
    data = b""
    while not data.endswith(b"\n"):
        part = await asyncio.get_running_loop().sock_recv(connection, 65_536)
        if not part:
            return None
        data += part
    found: dict[str, Any] = json.loads(data)
    return found


def _has_printed(printed: int) -> bool:
    try:
        return bool(os.read(printed, 1))
    except BlockingIOError:
        return False


@dataclass(slots=True)
class _Fork:
    """A keeper that the server has forked."""

    server: ForkServer
    output: Output
    transports: list[asyncio.ReadTransport] = field(default_factory=list)
    status: int = 0
    is_requested: bool = False
    is_server_lost: bool = False

    @classmethod
    async def start(cls, server: ForkServer, request: int, control: int, output: Output) -> _Fork:
        fork = cls(server, output)
        loop = asyncio.get_running_loop()
        theirs: list[int] = []
        try:
            for descriptor in (1, 2):
                reading, writing = os.pipe()
                theirs.append(writing)
                pipe = os.fdopen(reading, "rb", 0)
                events = partial(_PipeEvents, descriptor, output)
                fork.transports.append((await loop.connect_read_pipe(events, pipe))[0])
            status, their_status = socket.socketpair()
            status.setblocking(False)
            loop.add_reader(status, fork._ended, status)
            theirs.append(their_status.detach())
            try:
                socket.send_fds(server.requests, [b"."], [request, control, *theirs])
                fork.is_requested = True
            except OSError:
                fork.is_server_lost = True
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        return fork

    def _ended(self, status: socket.socket) -> None:
        asyncio.get_running_loop().remove_reader(status)
        with status:
            told = status.recv(20)
        self.is_server_lost |= not told
        self.status = os.waitstatus_to_exitcode(int(told)) if told else KILLED
        self.output.exited.set()

    def kill(self) -> None:
        """With the server, below which everything is that the code has left behind."""
        self.is_server_lost = True
        self.server.kill()

    def close(self) -> None:
        for transport in self.transports:
            transport.close()


class _PipeEvents(asyncio.Protocol):
    def __init__(self, descriptor: int, output: Output) -> None:
        self._descriptor = descriptor
        self._output = output

    def data_received(self, data: bytes) -> None:
        self._output.receive(self._descriptor, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._output.close(self._descriptor)
        if self._output.is_closed:
            self._output.closed.set()
