"""`mcp serve`: the workbench as tools of a coding agent. Answers fit a context window, and say how to get more."""

from __future__ import annotations

import asyncio
import functools
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal, ParamSpec

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from stigmer_tui.client.model_requests import get_model_request
from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.units import plural
from stigmer_tui.daemon.logs import LogFilter, last_lines
from stigmer_tui.doors.excerpts import excerpt, tail
from stigmer_tui.doors.execution_text import failing_text, summary, whole_text
from stigmer_tui.doors.open_project import OpenProject
from stigmer_tui.headless.texts import MAKE_A_PROJECT, no_project
from stigmer_tui.project.project_file import tests_folder
from stigmer_tui.testing.report import failure_lines, result_lines
from stigmer_tui.testing.report import summary as tests_summary
from stigmer_tui.testing.suite import find_tests, run_tests, select
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource
from stigmer_tui.workbench.state import RunInput, ShownRun, Value

Parameters = ParamSpec("Parameters")

INSTRUCTIONS = """\
Agents and workflows of this project, which its code defines. After a change of the code call `run`, which deploys it
first, or `apply`. When a run fails, `read_execution` gives the failing part, `read_model_request` what a model got.
"""

MAX_WAIT = 600
"""Seconds that one call waits at the most."""

MAX_FOLLOWED = 100
"""Runs that are followed or remembered, the latest ones."""

Name = Annotated[str, Field(description="Name or id of an agent or a workflow")]
ExecutionId = Annotated[str, Field(description="Id of an execution, such as agx_… or wfx_…")]
Wait = Annotated[int, Field(description="Seconds to wait for the end", ge=0, le=MAX_WAIT)]
Tokens = Annotated[int, Field(description="About how long the answer may be", ge=50, le=20_000)]
Offset = Annotated[int, Field(description="Where to go on, as the answer before has said", ge=0)]


class WorkbenchTools:
    """Each public method is a tool; its docstring is what the model reads."""

    def __init__(self, project: OpenProject) -> None:
        self._project = project
        self._followed: OrderedDict[str, asyncio.Task[Execution]] = OrderedDict()
        self._shown: dict[str, ShownRun] = {}

    async def list_resources(self) -> str:
        """List the agents and workflows that can be run. In a project its latest code is deployed first."""
        found = await self._project.resources()
        lines = [line for item in found for line in _resource_lines(item)]
        return "\n".join(lines) or "Nothing is deployed, and the code defines nothing"

    async def run(
        self,
        name: Name,
        message: Annotated[str, Field(description="To an agent; for a workflow its input, JSON by its schema")] = "",
        variables: Annotated[dict[str, str] | None, Field(description="Variables of the run, not secret")] = None,
        continue_after: Annotated[str, Field(description="Execution whose conversation this message continues")] = "",
        wait_seconds: Wait = 60,
    ) -> str:
        """Run an agent or a workflow with the latest code, and wait for its end.

        If it has not ended by then, it goes on: call `follow` with its id. Tool calls that need an approval are denied.
        """
        if continue_after:
            shown = await self._project.continue_after(continue_after, message)
        else:
            values = {key: Value(text) for key, text in (variables or {}).items()}
            resource = await self._project.resource(name)
            shown = await self._project.start(resource, RunInput(message, values))
        self._follow(shown)
        return await self._waited(shown.execution.id, wait_seconds)

    async def follow(self, execution_id: ExecutionId, wait_seconds: Wait = 60) -> str:
        """Wait for the end of a run that goes on, and tell how it stands."""
        if execution_id not in self._followed:
            shown = await self._project.open(execution_id)
            if shown.execution.state.is_final:
                return summary(shown.execution)
            self._follow(shown)
        return await self._waited(execution_id, wait_seconds)

    async def cancel(self, execution_id: ExecutionId) -> str:
        """Cancel a run that goes on."""
        shown = await self._project.open(execution_id)
        await self._project.runs.cancel(shown.execution, "cancelled by a coding agent")
        return f"{execution_id} is being cancelled"

    async def list_executions(self, name: Name = "", count: Annotated[int, Field(ge=1, le=100)] = 20) -> str:
        """List the newest runs: id, state, what ran, its message and its error."""
        lists = await self._project.runs.lists()
        runs = [run for run in (lists[1] if lists else ()) if not name or name in (run.resource, run.resource_id)]
        lines = [
            "  ".join(filter(None, (run.id, run.state, run.resource, run.message[:80], run.error[:200])))
            for run in runs[:count]
        ]
        return "\n".join(lines) or "There are no runs"

    async def read_execution(
        self,
        execution_id: ExecutionId,
        part: Annotated[
            Literal["failing", "whole"], Field(description="What has failed and what is around it, or all of it")
        ] = "failing",
        offset: Offset = 0,
        max_tokens: Tokens = 2000,
    ) -> str:
        """Read what happened in a run: the failing part, or all messages, calls and tasks."""
        shown = await self._project.open(execution_id)
        text = whole_text(shown) if part == "whole" else failing_text(shown.execution)
        more = f"read_execution(execution_id={execution_id!r}, part={part!r}, offset={{offset}})"
        return excerpt(text, offset, max_tokens, more)

    async def read_model_request(
        self,
        execution_id: ExecutionId,
        number: Annotated[int, Field(description="Which request of the run, from 1", ge=1)] = 1,
        offset: Offset = 0,
        max_tokens: Tokens = 4000,
    ) -> str:
        """Read a request to a model as it was sent: instructions, tools, messages and settings."""
        async with self._project.connection() as connection:
            request = await get_model_request(connection, execution_id, number)
        body = json.dumps(json.loads(request.body), ensure_ascii=False, indent=1)
        more = f"read_model_request(execution_id={execution_id!r}, number={number}, offset={{offset}})"
        return excerpt(f"To {request.call.model} at {request.call.asked_at}\n{body}", offset, max_tokens, more)

    async def tail_log(
        self,
        lines: Annotated[int, Field(ge=1, le=1000)] = 50,
        level: Annotated[Literal["", "debug", "info", "warning", "error"], Field(description="The lowest one")] = "",
        execution_id: Annotated[str, Field(description="Only lines about this execution")] = "",
        text: Annotated[str, Field(description="Only lines that contain this")] = "",
        max_tokens: Tokens = 2000,
    ) -> str:
        """Read the last lines of the daemon's log."""
        wanted = LogFilter(level=level, execution=execution_id, text=text)
        found = await asyncio.to_thread(last_lines, self._project.session.configuration.home, lines, wanted)
        whole = "\n".join(line.text() for line in found)
        return tail(whole, max_tokens, "ask for fewer lines, or for those that contain a text") or "No line matches"

    async def apply(
        self, dry_run: Annotated[bool, Field(description="Only tell what would be deployed")] = False
    ) -> str:
        """Deploy the project's latest code. A mistake in it is told with file and line."""
        if not self._project.session.is_project:
            raise no_project(MAKE_A_PROJECT)
        deployment = await (self._project.session.preview() if dry_run else self._project.deploy())
        if deployment is None:
            return "Nothing to deploy"
        lines = [f"{item.action}  {item.kind}  {item.slug}" for item in deployment.items]
        return "\n".join([*lines, *(f"Warning: {warning}" for warning in deployment.warnings)]) or "Nothing is defined"

    async def run_tests(
        self,
        keyword: Annotated[str, Field(description="Only tests whose names contain this")] = "",
        max_tokens: Tokens = 4000,
    ) -> str:
        """Run the project's tests of agents and workflows offline, on what models and tools answered when recorded."""
        session = self._project.session
        if not session.is_project:
            raise no_project(MAKE_A_PROJECT)
        selection = select(find_tests([tests_folder(session.folder)]), keyword)
        if not selection.cases and not selection.unreadable:
            return "There is no such test; make one of a run: stigmer-tui export ID-OR-NAME"
        clock = SystemClock()
        began = clock.monotonic()
        results = await run_tests(selection, session.folder, clock, lambda _: None)
        lines = [line.text for result in results for line in result_lines(result)]
        failed = [result for result in results if not result.is_passed]
        lines += [line.text for result in failed for line in failure_lines(result)]
        lines.append(tests_summary(results, clock.monotonic() - began).text)
        return tail("\n".join(lines), max_tokens, "run fewer tests, with a keyword")

    async def close(self) -> None:
        """Follows nothing any more."""
        for following in self._followed.values():
            following.cancel()
        if self._followed:
            await asyncio.wait(self._followed.values())

    def _follow(self, shown: ShownRun) -> None:
        """In the background: a call that no longer waits does not end the run."""
        execution = shown.execution
        self._shown[execution.id] = shown
        self._followed[execution.id] = asyncio.create_task(self._project.follow(shown, lambda _: None, detach=True))
        while len(self._followed) > MAX_FOLLOWED:
            oldest, _ = self._followed.popitem(last=False)
            del self._shown[oldest]

    async def _waited(self, execution_id: str, seconds: float) -> str:
        following = self._followed[execution_id]
        await asyncio.wait((following,), timeout=min(seconds, MAX_WAIT))
        execution = self._shown[execution_id].execution
        if not following.done():
            nodes = plural(sum(1 for _ in execution.nodes()) - 1, "step")
            return f"{summary(execution)}\nIt goes on, after {nodes}: follow(execution_id={execution_id!r})"
        following.result()
        return summary(execution)


TOOLS = (
    WorkbenchTools.list_resources,
    WorkbenchTools.run,
    WorkbenchTools.follow,
    WorkbenchTools.cancel,
    WorkbenchTools.list_executions,
    WorkbenchTools.read_execution,
    WorkbenchTools.read_model_request,
    WorkbenchTools.tail_log,
    WorkbenchTools.apply,
    WorkbenchTools.run_tests,
)


def _resource_lines(resource: Resource) -> list[str]:
    line = f"{resource.kind}  {resource.slug}  {resource.description}".rstrip()
    return [line, f"  input: {resource.input_schema}"] if resource.input_schema else [line]


async def serve_tools(project: OpenProject) -> None:
    """Over standard input and output, until the client hangs up; its runs go on."""
    server = MCPServer[Any]("stigmer-tui", instructions=INSTRUCTIONS, log_level="WARNING")
    tools = WorkbenchTools(project)
    for tool in TOOLS:
        server.tool(structured_output=False)(_saying_why(getattr(tools, tool.__name__)))
    try:
        await server.run_stdio_async()
    finally:
        await tools.close()


def _saying_why(tool: Callable[Parameters, Awaitable[str]]) -> Callable[Parameters, Awaitable[str]]:
    """What the workbench refuses is told in its words; of any other error the server tells nothing."""

    @functools.wraps(tool)
    async def told(*args: Parameters.args, **kwargs: Parameters.kwargs) -> str:
        try:
            return await tool(*args, **kwargs)
        except StigmerError as error:
            raise ToolError(str(error)) from error

    return told
