"""MCP over the standard input and output of a program, which ends with everything that it has started."""

from __future__ import annotations

import asyncio
import codecs
import logging
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import mcp_types
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from mcp.shared.message import SessionMessage

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.kept_program import KeptProgram
from stigmer_tui.core.units import size_text
from stigmer_tui.definition.mcp_servers import ProgramTransport

MAX_MESSAGE_SIZE = 4_000_000
"""Bytes of one message."""
MAX_STRAY_LINES = 1_000
"""Lines on standard output that are no messages; a program that writes more is not an MCP server."""
END_GRACE = 0.5
"""Seconds that a program has to end by itself once its input is closed."""

MAX_LINE_LENGTH = 500
MAX_LAST_LINES = 10
MAX_LOGGED_LINES = 200
"""Of one server; one that talks all the time would fill the log."""

logger = logging.getLogger(__name__)

Incoming = SessionMessage | Exception
Streams = tuple[ObjectReceiveStream[Incoming], ObjectSendStream[SessionMessage]]


class ServerOutput:
    """What a server writes besides its messages: a few last lines for errors, and a bounded part for the log."""

    def __init__(self, server: str, redact: Callable[[str], str]) -> None:
        self._server = server
        self._redact = redact
        self._last: deque[str] = deque(maxlen=MAX_LAST_LINES)
        self._logged = 0
        self.stray_lines = 0
        """Lines on standard output that are no messages."""

    def add(self, line: str) -> None:
        """A line of its standard error."""
        line = line.rstrip()
        if not line:
            return
        if len(line) > MAX_LINE_LENGTH:
            line = f"{line[:MAX_LINE_LENGTH]} …"
        self._last.append(line)
        if self._logged < MAX_LOGGED_LINES:
            self._logged += 1
            logger.info("MCP server %s: %s", self._server, self._redact(line))
        elif self._logged == MAX_LOGGED_LINES:
            self._logged += 1
            logger.info("MCP server %s writes more, which is not logged", self._server)

    def add_stray(self, line: str) -> None:
        """A line of its standard output that is no message of the protocol."""
        self.stray_lines += 1
        self.add(f"not a message: {line}")

    def last_lines(self) -> str:
        """Indented, below a message; empty when it wrote nothing."""
        return "".join(f"\n  {line}" for line in self._last)


@dataclass(slots=True)
class ProgramState:
    """How the program is, for messages."""

    problem: str = ""
    """Why it is not listened to any more."""
    exit_code: int | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when nothing comes from it any more."""

    def __str__(self) -> str:
        if self.problem:
            return self.problem
        if self.exit_code is None:
            return "it closed its output"
        if self.exit_code < 0:
            return f"signal {-self.exit_code} ended it"
        return f"it ended with exit code {self.exit_code}"


@asynccontextmanager
async def program_streams(
    transport: ProgramTransport, folder: Path, environment: Mapping[str, str], output: ServerOutput, state: ProgramState
) -> AsyncIterator[Streams]:
    """Starts the program. Raises StigmerError where the folder is not there."""
    with KeptProgram() as kept:
        try:
            process = await kept.start(
                asyncio.create_subprocess_exec(
                    *kept.program(transport.arguments),
                    stdin=PIPE,
                    stdout=PIPE,
                    stderr=PIPE,
                    cwd=folder / transport.folder,
                    env={**environment, **transport.environment, **kept.environment},
                    pass_fds=kept.descriptors,
                    start_new_session=True,
                    limit=MAX_MESSAGE_SIZE,
                )
            )
        except OSError as error:
            raise StigmerError(f"cannot start in {folder / transport.folder}: {error.strerror}") from error
        incoming, to_read = anyio.create_memory_object_stream[Incoming](0)
        to_write, outgoing = anyio.create_memory_object_stream[SessionMessage](0)
        written, read, read_errors = _pipes(process)
        errors = asyncio.create_task(_collect_errors(read_errors, output))
        reader = asyncio.create_task(_read_messages(read, incoming, output, state))
        writer = asyncio.create_task(_write_messages(written, outgoing))
        try:
            yield to_read, to_write
        finally:
            to_read.close()
            to_write.close()
            with anyio.CancelScope(shield=True):
                await _end(process, kept, reader)
                state.exit_code = process.returncode
                with suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(errors), END_GRACE)
                for task in (errors, reader, writer):
                    task.cancel()
                await asyncio.wait([errors, reader, writer])


def _pipes(process: Process) -> tuple[asyncio.StreamWriter, asyncio.StreamReader, asyncio.StreamReader]:
    """Its standard input, output and error."""
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise RuntimeError("the program was started without pipes")
    return process.stdin, process.stdout, process.stderr


async def _end(process: Process, kept: KeptProgram, reader: asyncio.Task[None]) -> None:
    """Closes its input, as the protocol asks; what has not ended soon after is killed."""
    _pipes(process)[0].close()
    await asyncio.wait([reader], timeout=END_GRACE)
    await kept.end(process.kill)
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), END_GRACE)


async def _read_messages(
    stdout: asyncio.StreamReader, incoming: ObjectSendStream[Incoming], output: ServerOutput, state: ProgramState
) -> None:
    async with incoming:
        try:
            while line := await _line(stdout, state):
                if not line.strip():
                    continue
                try:
                    message = mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False)
                except ValueError:
                    output.add_stray(line[:1_000].decode(errors="replace"))
                    if output.stray_lines > MAX_STRAY_LINES:
                        state.problem = "it does not write MCP messages to its standard output"
                        break
                    continue
                try:
                    await incoming.send(SessionMessage(message))
                except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                    # Nobody listens any more; the program may still want to write before it ends.
                    while await stdout.read(65536):
                        pass
        finally:
            state.ended.set()


async def _line(stdout: asyncio.StreamReader, state: ProgramState) -> bytes:
    """The next line; empty at the end, and after a line that is too long."""
    try:
        return await stdout.readuntil(b"\n")
    except asyncio.IncompleteReadError as end:
        return end.partial
    except asyncio.LimitOverrunError:
        state.problem = f"it sent a message of more than {size_text(MAX_MESSAGE_SIZE)}"
        return b""


async def _write_messages(stdin: asyncio.StreamWriter, outgoing: ObjectReceiveStream[SessionMessage]) -> None:
    # When it does not read any more, it has ended or will be ended: the reader says so.
    with suppress(OSError):
        async with outgoing:
            async for message in outgoing:
                stdin.write(message.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
                await stdin.drain()


async def _collect_errors(stderr: asyncio.StreamReader, output: ServerOutput) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    while data := await stderr.read(4096):
        *lines, rest = (rest + decoder.decode(data)).split("\n")
        for line in lines:
            output.add(line)
        if len(rest) > MAX_MESSAGE_SIZE:
            rest = ""
    output.add(rest)
