"""One MCP server of a run: it is started with the run, again after it has died, and ended with the run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import mcp_types
from mcp import Client, MCPError
from mcp.client.session import IncomingMessage
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from stigmer_tui import __version__
from stigmer_tui.agents.mcp.docker import remove_container
from stigmer_tui.agents.mcp.http import NOT_STREAMABLE, HttpState, http_streams
from stigmer_tui.agents.mcp.program import MAX_LINE_LENGTH, ProgramState, ServerOutput, program_streams
from stigmer_tui.agents.mcp.results import result_text
from stigmer_tui.agents.mcp.surroundings import Surroundings
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.units import duration_text
from stigmer_tui.definition.mcp_servers import HttpTransport, ProgramTransport, ServerLaunch

# What these report as errors is in our own messages, without tracebacks; and it may hold secrets.
for name in ("mcp", "client"):
    logging.getLogger(name).setLevel(logging.CRITICAL)

CLOSE_LIMIT = 10.0
"""Seconds to end a program; it needs half a second at most, but the machine may be busy."""
HTTP_CLOSE_LIMIT = 1.0
MAX_PAGES = 100
"""Of a list of tools."""


class ServerConnection:
    def __init__(self, launch: ServerLaunch, surroundings: Surroundings) -> None:
        self.launch = launch
        self._surroundings = surroundings
        self._client: Client | None = None
        self._holder: asyncio.Task[None] | None = None
        """Keeps the connection open; it alone enters and leaves it."""
        self._stop = asyncio.Event()
        self._starting = asyncio.Lock()
        self._state: ProgramState | HttpState = ProgramState()
        self._output = ServerOutput(launch.name, surroundings.redact)
        self._tools: list[mcp_types.Tool] = []
        self._is_stale = False
        """Whether the list of tools has to be fetched again."""
        self._is_broken = False

    @property
    def start_limit(self) -> float:
        transport = self.launch.transport
        return transport.time_limit if isinstance(transport, HttpTransport) else self._surroundings.limits.start

    @property
    def call_limit(self) -> float:
        transport = self.launch.transport
        return transport.time_limit if isinstance(transport, HttpTransport) else self._surroundings.limits.call

    @property
    def is_up(self) -> bool:
        has_ended = isinstance(self._state, ProgramState) and self._state.ended.is_set()
        return self._client is not None and not self._is_broken and not has_ended

    async def start(self) -> None:
        """Returns when its tools are known. Raises StigmerError when it does not come up within its limit."""
        came_up, sse = await self._open(sse=False)
        if not came_up and sse:
            first = self._failure()
            came_up, _ = await self._open(sse=True)
            if not came_up:
                raise first
        if not came_up:
            raise self._failure()

    async def tools(self) -> list[mcp_types.Tool]:
        """The tools that the definition enables; of a server that has died, those it had."""
        if self.is_up and self._client is not None and self._must_list_again(self._client):
            self._is_stale = False
            try:
                self._tools = await self._list(self._client)
            except Exception as error:
                logging.getLogger(__name__).info("MCP server %s does not list its tools: %r", self.launch.name, error)
        return self._tools

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """The result as text. Raises StigmerError for a call that fails, whatever the reason."""
        async with self._starting:
            if not self.is_up:
                await self.close()
                await self.start()
            client = self._client
        if client is None:
            raise RuntimeError("a server that is up has a client")
        if isinstance(self._state, HttpState):
            self._state.problem = ""
        try:
            result = await client.call_tool(tool, dict(arguments))
        except MCPError as error:
            raise await self._call_failure(error) from error
        except (RuntimeError, ValidationError) as error:
            # Its result does not have the form that it has promised, or none that the protocol knows.
            raise StigmerError(_reason(error).removeprefix("RuntimeError: ")) from error
        text = result_text(result)
        if result.is_error:
            raise StigmerError(text or f"{tool} failed, and did not say why")
        return text

    async def close(self) -> None:
        """Returns when nothing of it is left. It can be started again."""
        holder, self._holder = self._holder, None
        if holder is None:
            return
        self._stop.set()
        if self._client is None:
            holder.cancel()
        is_http = isinstance(self.launch.transport, HttpTransport)
        await asyncio.wait([holder], timeout=HTTP_CLOSE_LIMIT if is_http else CLOSE_LIMIT)
        holder.cancel()
        await asyncio.wait([holder])
        self._client = None

    # How it is done

    async def _open(self, sse: bool) -> tuple[bool, bool]:
        """Whether it came up, and whether it may be a server that speaks only SSE."""
        self._client, self._stop, self._is_broken = None, asyncio.Event(), False
        is_http = isinstance(self.launch.transport, HttpTransport)
        self._state = HttpState() if is_http else ProgramState()
        self._output = ServerOutput(self.launch.name, self._surroundings.redact)
        opened = asyncio.Event()
        self._holder = holder = asyncio.create_task(self._hold(opened, sse))
        opening = asyncio.create_task(opened.wait())
        try:
            done, _ = await asyncio.wait({holder, opening}, timeout=self.start_limit, return_when="FIRST_COMPLETED")
        finally:
            opening.cancel()
            if self._client is None:
                await self.close()
        if not done and not self._problem():
            self._note(f"it was not ready within {duration_text(self.start_limit)}")
        may_speak_sse = isinstance(self._state, HttpState) and self._state.status in NOT_STREAMABLE and not sse
        return self._client is not None, may_speak_sse

    async def _hold(self, opened: asyncio.Event, sse: bool) -> None:
        client = Client(
            self._streams(sse),
            read_timeout_seconds=self.call_limit,
            message_handler=self._receive,
            client_info=mcp_types.Implementation(name="stigmer-tui", version=__version__),
        )
        try:
            async with client:
                self._tools = await self._list(client)
                self._is_stale = False
                self._client = client
                opened.set()
                await self._stop.wait()
        except Exception as error:
            if self._client is None and not self._problem():
                self._note(_reason(error))
        finally:
            transport = self.launch.transport
            if isinstance(transport, ProgramTransport) and transport.container:
                await remove_container(transport.container, self._surroundings.environment)

    def _streams(self, sse: bool) -> AbstractAsyncContextManager[Any]:
        around = self._surroundings
        match self.launch.transport, self._state:
            case ProgramTransport() as program, ProgramState() as state:
                return program_streams(program, around.folder, around.environment, self._output, state)
            case HttpTransport() as http, HttpState() as state:
                return http_streams(http, state, sse)
        raise RuntimeError("the state is not that of the transport")

    async def _list(self, client: Client) -> list[mcp_types.Tool]:
        tools: list[mcp_types.Tool] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = await client.list_tools(cursor=cursor)
            tools += page.tools
            cursor = page.next_cursor
            if not cursor:
                break
        listed = {tool.name for tool in tools}
        if missing := sorted(self.launch.enabled_tools - listed):
            offered = ", ".join(sorted(listed)) or "none"
            raise StigmerError(f"it has no tool {', '.join(missing)}; its tools: {offered}")
        return [tool for tool in tools if self.launch.enables(tool.name)]

    def _must_list_again(self, client: Client) -> bool:
        """Newer servers announce changes only to those who listen; they say how long a list is good for instead."""
        return self._is_stale or client.protocol_version in MODERN_PROTOCOL_VERSIONS

    async def _receive(self, message: IncomingMessage) -> None:
        if isinstance(message, mcp_types.ToolListChangedNotification):
            self._is_stale = True

    async def _call_failure(self, error: MCPError) -> StigmerError:
        name = self.launch.name
        if error.code == mcp_types.REQUEST_TIMEOUT:
            return StigmerError(f"The MCP server {name} did not answer within {duration_text(self.call_limit)}")
        if error.code == mcp_types.CONNECTION_CLOSED or self._problem():
            self._is_broken = True
            if isinstance(self._state, ProgramState):
                await self.close()
            what = f"The MCP server {name} was lost during the call: {self._state}"
            return StigmerError(self._surroundings.redact(f"{what}{self._output.last_lines()}"))
        return StigmerError(error.message)

    def _failure(self) -> StigmerError:
        what = f"The MCP server {self.launch.name} did not come up: {self._state}"
        command = str(self.launch.transport)
        if len(command) > MAX_LINE_LENGTH:
            command = f"{command[:MAX_LINE_LENGTH]} …"
        shown = f"{what}\n  {command}{self._output.last_lines()}"
        return StigmerError(self._surroundings.redact(shown))

    def _problem(self) -> str:
        return self._state.problem

    def _note(self, problem: str) -> None:
        self._state.problem = problem


def _reason(error: Exception) -> str:
    """In words; empty where the connection was closed, for which the server's own end is the reason."""
    while isinstance(error, BaseExceptionGroup):
        first = error.exceptions[0]
        if not isinstance(first, Exception):
            return ""
        error = first
    match error:
        case MCPError(code=mcp_types.CONNECTION_CLOSED):
            return ""
        case MCPError(code=mcp_types.REQUEST_TIMEOUT):
            return "it did not answer in time"
        case StigmerError():
            return error.message
        case MCPError():
            return f"it answered: {error.message}"
        case ValidationError():
            first = error.errors()[0]
            return f"what it sent is not valid: {'.'.join(map(str, first['loc']))}: {first['msg']}"
        case _:
            return f"{type(error).__name__}: {error}"
