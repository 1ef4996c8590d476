"""The workbench as an MCP server, called by the official client."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mcp.client.session import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.e2e.test_http_door import CLERK, CODE, SLOW
from tests.e2e.world import PROGRAM, World


class Tools:
    def __init__(self, session: ClientSession) -> None:
        self._session = session

    async def call(self, tool: str, /, **arguments: object) -> str:
        result = await self._session.call_tool(tool, arguments)
        text = "".join(part.text for part in result.content if part.type == "text")
        return f"refused: {text}" if result.is_error else text

    async def names(self) -> set[str]:
        return {tool.name for tool in (await self._session.list_tools()).tools if tool.description}


@asynccontextmanager
async def tools(world: World, folder: Path) -> AsyncIterator[Tools]:
    server = StdioServerParameters(
        command=sys.executable, args=[*PROGRAM, "mcp", "serve"], env=world.environment, cwd=folder
    )
    async with stdio_client(server) as (reading, writing), ClientSession(reading, writing) as session:
        await session.initialize()
        yield Tools(session)


def project(world: World) -> Path:
    folder = world.project(CODE)
    (folder / "clerk.yaml").write_text(CLERK, encoding="utf-8")
    (folder / "slow.yaml").write_text(SLOW, encoding="utf-8")
    return folder


async def test_a_coding_agent_runs_and_reads_what_the_code_defines(world: World) -> None:
    folder = project(world)
    async with tools(world, folder) as workbench:
        assert await workbench.names() >= {"run", "follow", "read_execution", "read_model_request", "tail_log", "apply"}
        assert "agent  clerk" in await workbench.call("list_resources")
        first = await workbench.call("run", name="clerk", message="Ada")
        assert first.endswith("Hello Ada, what do you do?")
        again = await workbench.call("run", name="clerk", message="gardener", continue_after=first.split()[0])
        assert again.endswith("So Ada is a gardener.")
        request = await workbench.call("read_model_request", execution_id=first.split()[0], max_tokens=50)
        found = re.search(r"read_model_request\(.*offset=(\d+)\)$", request)
        assert found
        rest = await workbench.call("read_model_request", execution_id=first.split()[0], offset=int(found[1]))
        assert rest.endswith("}")
        (folder / "main.py").write_text(CODE.replace("total=3", "total=4"), encoding="utf-8")
        assert '"total": 4' in await workbench.call("run", name="tally")
        (folder / "main.py").write_text("1 / 0\n", encoding="utf-8")
        assert "main.py:1" in await workbench.call("apply")
        assert "ZeroDivisionError" in await workbench.call("run", name="tally")
        assert "refused" in await workbench.call("run_tests")


async def test_it_reads_why_a_run_failed_and_a_run_outlives_its_client(world: World) -> None:
    folder = project(world)
    async with tools(world, folder) as workbench:
        failed = await workbench.call("run", name="broken")
        read = await workbench.call("read_execution", execution_id=failed.split()[0])
        assert "✗ task fetch" in read
        assert "127.0.0.1:9" in read
        assert "wfx_" in await workbench.call("tail_log", execution_id=failed.split()[0])
        slow = await workbench.call("run", name="slow", wait_seconds=0)
        assert "follow(execution_id=" in slow
        assert "refused" in await workbench.call("follow", execution_id="agx_unknown")
        assert "refused" in await workbench.call("run", nam="x")
    async with tools(world, folder) as workbench:
        going_on = await workbench.call("follow", execution_id=slow.split()[0], wait_seconds=0)
        assert "running" in going_on
        await workbench.call("cancel", execution_id=slow.split()[0])
        assert "cancelled" in await workbench.call("follow", execution_id=slow.split()[0])
        assert "broken" in await workbench.call("list_executions", name="broken")
