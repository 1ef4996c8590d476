"""Runs an agent: brings its model, its tools and its history together, and lets them hold a dialogue.

Importing it takes about a second: models and their wire formats are the framework's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from grpc.aio import Channel
from pydantic_ai.exceptions import AgentRunError
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, UserPromptPart
from pydantic_ai.models import Model
from pydantic_ai.settings import ModelSettings

from stigmer_tui.agents.answers import Answers
from stigmer_tui.agents.approvals import (
    Approvals,
    Decide,
    denied_in_tests,
    policy_of,
    server_decisions,
    unknown_tools_note,
)
from stigmer_tui.agents.asking import ModelAsker
from stigmer_tui.agents.attached_files import check_files, load_files
from stigmer_tui.agents.calls import Calls
from stigmer_tui.agents.compaction import Compaction, UnseenRecorder
from stigmer_tui.agents.conversation import History, load_history
from stigmer_tui.agents.dialogue import Dialogue, ListTools
from stigmer_tui.agents.mcp.surroundings import Surroundings
from stigmer_tui.agents.models.adapters import Adapters
from stigmer_tui.agents.models.choice import SCRIPTED, ModelChoice, ModelPlan
from stigmer_tui.agents.models.failures import explained
from stigmer_tui.agents.run import AgentRun, instructions_for
from stigmer_tui.agents.run_compaction import RunCompaction
from stigmer_tui.agents.sandbox.confinement import Confinement
from stigmer_tui.agents.sandbox.folder import Folder
from stigmer_tui.agents.scripts.player import script_model
from stigmer_tui.agents.scripts.recorded_model import recorded_model, recorded_tool, server_tools
from stigmer_tui.agents.scripts.recordings import Playback
from stigmer_tui.agents.sub_agents import sub_agent_tools
from stigmer_tui.agents.tools.folder_tools import folder_tools
from stigmer_tui.agents.tools.shell import ShellTool
from stigmer_tui.agents.tools.tool import Tools
from stigmer_tui.agents.turns import Turns
from stigmer_tui.api.runner_pb2 import AgentAssignment
from stigmer_tui.core.configuration import AnswerSettings
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.model_prices import shipped_prices
from stigmer_tui.definition import extensions
from stigmer_tui.definition.attached_files import files_in
from stigmer_tui.definition.mcp_servers import ServerLaunch
from stigmer_tui.definition.script import Script
from stigmer_tui.definition.support import TOOLS
from stigmer_tui.definition.tool_names import ToolNames

if TYPE_CHECKING:
    from stigmer_tui.agents.mcp.shared import Server
    from stigmer_tui.agents.mcp.tools import ServerTools


class AgentLoop:
    """Runs agents. There is one for the process, because it keeps the connections to the providers."""

    def __init__(self, channel: Channel, decide: Decide | None = None) -> None:
        """`decide`: where decisions on calls that wait for approval come from; None for the server."""
        self._channel = channel
        self._decide = decide or server_decisions(channel)
        self._adapters = Adapters()

    async def preload(self, choice: ModelChoice) -> None:
        """So that the first run of this choice does not wait for a client library."""
        if not choice.is_scripted:
            await self._adapters.load(choice)

    @staticmethod
    def rehearse() -> None:
        """Goes once through what the framework reads and prepares at its first use, so that no run waits for it."""
        shell = ShellTool(Folder(Path("/")), Confinement(), {}, "")
        folder_tools(shell)
        shipped_prices()
        ModelMessagesTypeAdapter.rebuild()

    async def converse(
        self,
        run: AgentRun,
        plan: ModelPlan,
        script: Script | None,
        shell: ShellTool,
        servers: Sequence[ServerLaunch],
        surroundings: Surroundings,
    ) -> None:
        """Runs the agent on the message of the execution, to its end. Raises StigmerError if it fails."""
        await check_files(plan.first, files_in(run.lease.assignment.agent.execution.metadata.annotations))
        async with _connections(run, plan.first, servers, surroundings) as connections:
            names = run.caller.tool_names if run.caller else ToolNames()
            if run.caller is None:
                await _note_unknown_tools(run, connections, names)
            own = _own_tools(run, script, shell, connections, names)
            await self._converse(run, plan, script, shell, _listed(own, _server_tools(connections, names)))

    async def play(self, run: AgentRun, playback: Playback, shell: ShellTool) -> None:
        """Runs the agent on what was recorded. Raises StigmerError if it fails."""
        plan = ModelPlan(SCRIPTED, (), _no_other_model)
        made = {**_own_tools(run, None, shell, [], ToolNames()), **server_tools(playback)}
        tools = {name: recorded_tool(tool, playback) for name, tool in made.items()}
        await self._ask(run, plan, recorded_model(playback), [], shell, _listed(tools))

    async def _converse(
        self,
        run: AgentRun,
        plan: ModelPlan,
        script: Script | None,
        shell: ShellTool,
        tools: ListTools,
    ) -> None:
        assignment = run.lease.assignment.agent
        if assignment.opens_session:
            history = History()
        else:
            history = await load_history(self._channel, assignment.execution, run.lease.redactor)
        model = script_model(script, history.turns) if script is not None else await self._adapters.model(plan.first)
        summarizing = script_model(script.summarizing) if script else model
        asker = ModelAsker(summarizing, plan, run, self._adapters.model, UnseenRecorder())
        if history.turns:
            history = await Compaction(run, asker).compacted(history)
        await self._ask(run, plan, model, history.messages(), shell, tools, RunCompaction(run, asker))

    async def _ask(
        self,
        run: AgentRun,
        plan: ModelPlan,
        model: Model,
        history: list[ModelMessage],
        shell: ShellTool,
        tools: ListTools,
        compaction: RunCompaction | None = None,
    ) -> None:
        assignment = run.lease.assignment.agent
        decide = denied_in_tests if extensions.LIVE in assignment.execution.metadata.annotations else self._decide
        skills = shell.skills.skills if shell.skills else ()
        schema = extensions.output_schema_in(assignment.agent.metadata.annotations)
        dialogue = Dialogue(
            run_id=run.lease.execution_id,
            turns=Turns(run, ModelAsker(model, plan, run, self._adapters.model), compaction),
            calls=Calls(run, Approvals(run, policy_of(assignment, run.approve), decide)),
            answers=Answers(schema),
            tools=tools,
            instructions=instructions_for(assignment.agent.spec.instructions, run.caller is not None, skills),
            settings=_settings(assignment, run.answers),
        )
        message = run.lease.redactor.text(assignment.execution.spec.message)
        files = await load_files(self._channel, assignment.execution, run.lease.redactor)
        try:
            await dialogue.hold(history, UserPromptPart([message, *files] if files else message))
        except AgentRunError as error:
            raise StigmerError(explained(error, plan.first, run.lease.redactor)) from error


async def _no_other_model(name: str) -> ModelChoice:
    raise StigmerError(f"A recording is played; {name} is not asked")


@asynccontextmanager
async def _connections(
    run: AgentRun, choice: ModelChoice, servers: Sequence[ServerLaunch], surroundings: Surroundings
) -> AsyncIterator[Sequence[Server]]:
    """The agent's MCP servers, which are up as long as the block; a sub-agent uses those of its agent."""
    if not servers:
        yield []
        return
    if run.caller is not None:
        from stigmer_tui.agents.mcp.shared import shared_servers

        yield await shared_servers(servers, run.caller.servers)
        return
    run.transcript.wait(str(choice), run.now(), f"starting {', '.join(server.name for server in servers)}")
    # Half a second, the first time; few agents have servers.
    mcp = await asyncio.to_thread(import_module, "stigmer_tui.agents.mcp.servers")
    async with mcp.connected_servers(servers, surroundings) as connections:
        yield connections


async def _note_unknown_tools(run: AgentRun, connections: Sequence[Server], names: ToolNames) -> None:
    assignment = run.lease.assignment.agent
    if not (policy := policy_of(assignment, run.approve)).tools:
        return
    offered = [(server.launch.name, tool.name) for server in connections for tool in await server.tools()]
    known = TOOLS | names.give(offered).keys()
    if note := unknown_tools_note(assignment, policy, known):
        run.transcript.note(note, assignment.execution.status.started_at or run.now())


def _own_tools(
    run: AgentRun, script: Script | None, shell: ShellTool, servers: Sequence[Server], names: ToolNames
) -> Tools:
    return {**folder_tools(shell), **sub_agent_tools(run, script, shell, servers, names)}


def _listed(tools: Tools, servers: ServerTools | None = None) -> ListTools:
    """These, and those that the servers have."""

    async def current() -> Tools:
        return {**tools, **await servers.current()} if servers else tools

    return current


def _server_tools(connections: Sequence[Server], names: ToolNames) -> ServerTools | None:
    if not connections:
        return None
    from stigmer_tui.agents.mcp.tools import ServerTools

    return ServerTools(connections, names)


def _settings(assignment: AgentAssignment, answers: AnswerSettings) -> ModelSettings:
    """The temperature of the calling task, where 0 is none, or else of the agent, or else the configured one; and that
    providers cache prompts.
    """
    settings = ModelSettings(cache=True)
    temperature = assignment.config.temperature or extensions.temperature_in(assignment.agent.metadata.annotations)
    if temperature is None:
        temperature = answers.temperature
    if temperature is not None:
        settings["temperature"] = temperature
    if answers.max_tokens:
        settings["max_tokens"] = answers.max_tokens
    return settings
