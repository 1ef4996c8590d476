"""What became of a run, read from a server: all that a test is made of, and all that it is compared with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from stigmer_tui.api.agent_execution_pb2 import AgentExecution, MessageType, ToolCall
from stigmer_tui.api.approvals import APPROVAL
from stigmer_tui.api.execution_context_pb2 import ExecutionValue
from stigmer_tui.api.kinds import AGENT, WORKFLOW
from stigmer_tui.api.model_call_pb2 import ModelRequestQuery
from stigmer_tui.api.model_call_pb2_grpc import ModelCallControllerStub
from stigmer_tui.api.model_calls import read_model_calls
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.structs import to_data
from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecution, WorkflowTask, WorkflowTaskStatus
from stigmer_tui.client import executions, sessions
from stigmer_tui.client.connection import Connection
from stigmer_tui.client.stored_resources import get_resource
from stigmer_tui.core.agent_tools import EXECUTE
from stigmer_tui.core.clock import parse_timestamp
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.recording import (
    MISFIT,
    RecordedAgent,
    RecordedCall,
    RecordedHttpCall,
    RecordedTool,
    RecordedTurn,
    Recording,
    Tokens,
)
from stigmer_tui.definition.support import TOOLS

MADE_AGAIN = TOOLS - {EXECUTE}
"""Tools that only change the run's own folder. What a command changes nobody knows, so it is not run again."""

NEEDS_FILES = {"ls", "read_file", "edit_file", "glob", "grep"}
"""Tools that answer otherwise in an empty folder. A conversation that goes on has files of its earlier runs, and a test
has none.
"""


@dataclass(frozen=True, slots=True)
class CallMade:
    """A call of a tool, of the agent or of one below it."""

    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Variable:
    value: str
    """Empty for a secret."""
    is_secret: bool


@dataclass(slots=True)
class RunRecord:
    """A run that has ended, with all runs below it."""

    id: str
    is_agent: bool
    name: str
    message: str
    state: str
    error: str
    seconds: float
    variables: Mapping[str, Variable]
    text: str = ""
    """The last one of an agent; empty for a workflow."""
    output: Any = None
    """Of a workflow, or of an agent whose answer is JSON."""
    calls: list[CallMade] = field(default_factory=list)
    agents: list[RecordedAgent] = field(default_factory=list)
    http: list[RecordedHttpCall] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    """Ids, which are the names of the working folders."""
    misfits: list[str] = field(default_factory=list)
    """What a recording has not fitted, also below."""
    cost: float = 0.0
    """US dollars, as far as prices are known."""

    @property
    def recording(self) -> Recording:
        return Recording(tuple(self.agents), tuple(self.http))

    @property
    def turns(self) -> int:
        return sum(len(agent.turns) for agent in self.agents)

    @property
    def tokens(self) -> int:
        turns = [turn for agent in self.agents for turn in agent.turns]
        return sum(turn.tokens.input + turn.tokens.output for turn in turns)


async def read_run(connection: Connection, execution_id: str) -> RunRecord:
    """Raises StigmerError for a run that has not ended, and for one of which too little was recorded."""
    execution = await executions.get(connection, execution_id)
    is_agent = isinstance(execution, AgentExecution)
    phase = Phase(execution.status.phase)
    if not phase.is_final:
        raise StigmerError(f"The run {execution_id} has not ended yet", "Wait for its end, or cancel it.")
    started, ended = parse_timestamp(execution.status.started_at), parse_timestamp(execution.status.completed_at)
    record = RunRecord(
        id=execution.metadata.id,
        is_agent=is_agent,
        name=await _name_of(connection, execution),
        message=execution.spec.message if isinstance(execution, AgentExecution) else execution.spec.trigger_message,
        state=phase.name.lower(),
        error=execution.status.error,
        seconds=(ended - started).total_seconds() if started and ended else 0.0,
        variables={name: _variable(value) for name, value in sorted(execution.spec.runtime_env.items())},
    )
    await _Reader(connection, record).read(execution)
    return record


async def sessions_of(connection: Connection, execution: executions.AnyExecution) -> list[str]:
    """Ids of the sessions of a run and of those below it, but for sub-agents, which have none."""
    if isinstance(execution, AgentExecution):
        return [execution.spec.session_id] if execution.spec.session_id else []
    children = [task.metadata.fields["child"].string_value for task in execution.status.tasks]
    below = [await sessions_of(connection, await executions.get(connection, child)) for child in children if child]
    return [session for found in below for session in found]


def _variable(value: ExecutionValue) -> Variable:
    return Variable("" if value.is_secret else value.value, value.is_secret)


async def _name_of(connection: Connection, execution: executions.AnyExecution) -> str:
    """The slug of what ran; its id where that was deleted."""
    is_agent = isinstance(execution, AgentExecution)
    resource_id = execution.spec.agent_id if isinstance(execution, AgentExecution) else execution.spec.workflow_id
    found = await get_resource(connection, AGENT if is_agent else WORKFLOW, resource_id, execution.metadata.org)
    return found.metadata.slug if found is not None else resource_id


class _Reader:
    def __init__(self, connection: Connection, record: RunRecord) -> None:
        self._connection = connection
        self._record = record
        self._made_again: Set[str] = MADE_AGAIN

    async def read(self, execution: executions.AnyExecution) -> None:
        if isinstance(execution, AgentExecution):
            if await self._goes_on(execution):
                self._made_again = MADE_AGAIN - NEEDS_FILES
            self._record.text = _last_text(execution)
            self._record.output = _json_of(self._record.text)
            await self._agent(execution)
        else:
            self._record.output = to_data(execution.status.output)
            await self._workflow(execution)

    async def _goes_on(self, execution: AgentExecution) -> bool:
        """Whether there were messages before it in its conversation."""
        if not execution.spec.session_id:
            return False
        everything = await sessions.conversation(self._connection, execution.spec.session_id)
        return bool(everything) and everything[0].metadata.id != execution.metadata.id

    async def _below(self, execution_id: str) -> None:
        execution = await executions.get(self._connection, execution_id)
        if isinstance(execution, AgentExecution):
            await self._agent(execution)
        else:
            await self._workflow(execution)

    async def _agent(self, execution: AgentExecution) -> None:
        record, calls = self._record, {call.id: call for call in execution.status.tool_calls}
        self._note_misfit(execution.status.error)
        if execution.spec.session_id:
            record.sessions.append(execution.spec.session_id)
        exchanges = [exchange async for exchange in self._exchanges(execution)]
        if exchanges:
            message = execution.spec.message
            record.agents.append(_recorded_agent(message, exchanges, calls, self._made_again))
        record.calls += [CallMade(call.name, to_data(call.args)) for call in calls.values()]
        for call in calls.values():
            if child := call.component_metadata.metadata.fields["child"].string_value:
                await self._below(child)

    async def _exchanges(self, execution: AgentExecution) -> Any:
        for number, call in enumerate(read_model_calls(execution.metadata.annotations), 1):
            self._record.cost += call.cost
            query = ModelRequestQuery(execution_id=execution.metadata.id, number=number)
            request = await self._connection.call(lambda channel: ModelCallControllerStub(channel).request, query)
            if not request.exchange:
                raise StigmerError(
                    f"The answers of the model in {execution.metadata.id} were not recorded: an earlier version of "
                    "stigmer-tui ran it",
                    "Run it again, and export that run.",
                )
            yield json.loads(request.exchange)

    async def _workflow(self, execution: WorkflowExecution) -> None:
        self._note_misfit(execution.status.error)
        for task in execution.status.tasks:
            self._note_misfit(task.error)
            if task.metadata.fields["kind"].string_value == "http":
                self._record.http += _http_calls(task)
            if child := task.metadata.fields["child"].string_value:
                await self._below(child)

    def _note_misfit(self, error: str) -> None:
        place = error.find(MISFIT)
        if place >= 0 and not any(error[place:].startswith(known) for known in self._record.misfits):
            self._record.misfits.append(error[place:])


def _last_text(execution: AgentExecution) -> str:
    texts = (each.content for each in reversed(execution.status.messages) if each.type == MessageType.MESSAGE_AI)
    return next(texts, "")


def _json_of(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _recorded_agent(
    message: str, exchanges: list[Mapping[str, Any]], calls: Mapping[str, ToolCall], made_again: Set[str]
) -> RecordedAgent:
    first = exchanges[0]
    return RecordedAgent(
        agent=first["agent"],
        message=message,
        instructions=first["instructions"],
        tools=tuple(tool["name"] for tool in first["tools"]),
        turns=tuple(_turn(exchange, calls, made_again) for exchange in exchanges),
        server_tools=tuple(RecordedTool(**tool) for tool in first["tools"] if tool["name"] not in TOOLS),
        uses=tuple(first.get("uses", ())),
        provider=first["provider"],
        model=first["model"],
    )


def _turn(exchange: Mapping[str, Any], calls: Mapping[str, ToolCall], made_again: Set[str]) -> RecordedTurn:
    made = tuple(_call(call, calls.get(call["id"]), made_again) for call in exchange["calls"])
    return RecordedTurn(exchange["say"], made, Tokens(**exchange["tokens"]))


def _call(call: Mapping[str, Any], made: ToolCall | None, made_again: Set[str]) -> RecordedCall:
    was_decided_on = made is not None and APPROVAL in made.component_metadata.metadata.fields
    if made is None or (call["tool"] in made_again and not was_decided_on):
        return RecordedCall(call["tool"], call["arguments"])
    answer = None if made.error and not made.result else made.result
    return RecordedCall(call["tool"], call["arguments"], answer, made.error)


def _http_calls(task: WorkflowTask) -> Iterator[RecordedHttpCall]:
    """None for a task that was not reached. Raises StigmerError for an answer that was too large to be kept whole."""
    asked = to_data(task.input)
    if "uri" not in asked:
        return
    request = f"{asked.get('method', 'GET')} {asked['uri']}"
    if task.status == WorkflowTaskStatus.WORKFLOW_TASK_FAILED:
        status = int(task.metadata.fields["error_status"].number_value) or None
        error = task.error.removeprefix(f"{task.task_id}: ")
        yield RecordedHttpCall(request, error=error, status=status, body=asked.get("body"))
    elif task.status == WorkflowTaskStatus.WORKFLOW_TASK_COMPLETED:
        answer: Any = to_data(task.output)
        if task.metadata.fields["wrapped"].bool_value:
            answer = answer.get("result")
        elif answer.keys() == {"note", "text"}:
            raise StigmerError(f"The answer to {task.task_id} is not kept whole: {answer['note']}")
        yield RecordedHttpCall(request, answer, body=asked.get("body"))
