"""The tool that hands a task to a sub-agent, which works on it as an agent of its own (`docs/compatibility.md` 78)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from stigmer_tui.agents.run import AgentRun, Caller, Outcome
from stigmer_tui.agents.tools.shell import ShellTool
from stigmer_tui.agents.tools.tool import Tools, by_name, current_call, method_tool
from stigmer_tui.agents.transcript import last_answer
from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import StartSubAgentRequest
from stigmer_tui.core.agent_tools import TASK
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.run_limits import write_limits
from stigmer_tui.definition import extensions
from stigmer_tui.definition.script import Script
from stigmer_tui.definition.sub_agents import GENERAL_PURPOSE, MAX_DEPTH, sub_agent, sub_agent_types
from stigmer_tui.definition.tool_names import ToolNames
from stigmer_tui.runners.lease import Lease

if TYPE_CHECKING:
    from stigmer_tui.agents.mcp.shared import Server

MAX_AT_ONCE = 8
"""Sub-agents of one run that work at the same time; others wait."""

NO_ANSWER = "(it ended without an answer)"


def sub_agent_tools(
    run: AgentRun, script: Script | None, shell: ShellTool, servers: Sequence[Server], tool_names: ToolNames
) -> Tools:
    """The tool of a run; none where sub-agents may not have any themselves."""
    depth = run.caller.depth if run.caller else 0
    if depth >= MAX_DEPTH:
        return {}
    tool = SubAgentTool(run, Caller(depth + 1, shell.folder, servers, script, run, tool_names))
    types = sub_agent_types(run.lease.assignment.agent.agent)
    listed = "\n".join(f"- {name}: {description}" for name, description in types.items())
    description = f"{TASK_DESCRIPTION}\n\nThe sub-agents:\n{listed}"
    # Those of one turn work at the same time.
    return by_name(method_tool(tool.task, name=TASK, description=description, sequential=False))


TASK_DESCRIPTION = (
    "Hand a task to a sub-agent, and get its answer. It sees nothing of this conversation, so say all that it needs. "
    "Several that do not depend on each other work at the same time when they are called together."
)


class SubAgentTool:
    """Runs sub-agents of a run."""

    def __init__(self, run: AgentRun, caller: Caller) -> None:
        self._run = run
        self._caller = caller
        self._slots = asyncio.Semaphore(MAX_AT_ONCE)

    async def task(self, description: str, subagent_type: str = GENERAL_PURPOSE) -> str:
        """Hand a task to a sub-agent, and get its answer.

        Args:
            description: What it is to do, and what it is to answer.
            subagent_type: The name of the sub-agent.
        """
        agent = self._agent(subagent_type)
        # No model is asked because of a turn that may be lost.
        await self._run.record.flush()
        async with self._slots:
            outcome = await self._outcome(current_call(), description, agent)
        match outcome.phase:
            case Phase.COMPLETED:
                return outcome.answer or NO_ANSWER
            case Phase.CANCELLED:
                raise StigmerError(f"the sub-agent was cancelled: {outcome.error}")
            case _:
                raise StigmerError(outcome.error)

    async def _outcome(self, call_id: str, message: str, agent: Agent) -> Outcome:
        outcomes: list[Outcome] = []

        async def work(lease: Lease) -> None:
            self._run.transcript.name_child(call_id, lease.execution_id)
            outcomes.append(await self._run.work(lease, self._caller))

        request = StartSubAgentRequest(key=call_id, message=message, agent=agent)
        given = await self._run.lease.run_sub_agent(request, work)
        if outcomes:
            return outcomes[0]
        if given.lease_id:
            # Its end could not be reported, because the runner or the server ends: it continues in the next runner.
            raise asyncio.CancelledError
        ended = given.agent.execution
        self._run.transcript.name_child(call_id, ended.metadata.id)
        return Outcome(Phase(ended.status.phase), ended.status.error, last_answer(ended.status.messages))

    def _agent(self, name: str) -> Agent:
        """With what this run has of its own: approvals, limits, model and temperature."""
        assignment = self._run.lease.assignment.agent
        agent = sub_agent(assignment.agent, name)
        if model := assignment.config.model or assignment.execution.spec.execution_config.model_name:
            agent.metadata.annotations[extensions.MODEL] = model
            agent.metadata.annotations.pop(extensions.FALLBACK_MODELS, None)
        if assignment.config.temperature:
            agent.metadata.annotations[extensions.TEMPERATURE] = f"{assignment.config.temperature:g}"
        if approve := assignment.execution.metadata.annotations.get(extensions.APPROVE):
            agent.metadata.annotations[extensions.APPROVE] = approve
        if limits := write_limits(self._run.spending.limits):
            agent.metadata.annotations[extensions.LIMITS] = limits
        return agent
