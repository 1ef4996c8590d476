"""The history of a session, as messages for the model (`docs/compatibility.md` 75, 104)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from grpc.aio import AioRpcError, Channel
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    ModelResponsePart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

from stigmer_tui.agents.responses import framework_arguments
from stigmer_tui.api import pages
from stigmer_tui.api.agent_execution_pb2 import (
    AgentExecution,
    AgentMessage,
    ListAgentExecutionsBySessionRequest,
    MessageType,
    ToolCall,
)
from stigmer_tui.api.agent_execution_pb2_grpc import AgentExecutionQueryControllerStub
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.structs import to_data
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.extensions import replaced_in

MAX_LENGTH = 200_000
"""Characters of all of them together. Of more, the oldest executions are left out whole."""


async def load_conversation(channel: Channel, execution: AgentExecution) -> list[AgentExecution]:
    """The executions before this one in its session that have ended, the oldest first.

    Those are left out whose place it, or another one, takes.

    Raises StigmerError if they cannot be read.
    """
    if not execution.spec.session_id:
        return []
    session_id = execution.spec.session_id
    query = AgentExecutionQueryControllerStub(channel)

    async def fetch(token: str) -> Iterable[AgentExecution]:
        request = ListAgentExecutionsBySessionRequest(
            session_id=session_id, page_size=pages.MAX_ENTRIES, page_token=token
        )
        return (await query.listBySession(request)).entries

    try:
        # They go back in time.
        newest_first = [earlier async for page in pages.pages(fetch, execution.metadata.id) for earlier in page]
    except AioRpcError as error:
        raise StigmerError(f"Cannot read the history of session {session_id}: {error.details()}") from error
    replaced = {id_ for later in (execution, *newest_first) for id_ in replaced_in(later.metadata.annotations)}
    counted = (earlier for earlier in reversed(newest_first) if earlier.metadata.id not in replaced)
    return [earlier for earlier in counted if Phase(earlier.status.phase).is_final]


def history_messages(executions: Sequence[AgentExecution]) -> list[ModelMessage]:
    """What was said and done in the executions, which have ended, the oldest first."""
    kept: list[AgentExecution] = []
    room = MAX_LENGTH
    for execution in reversed(executions):
        room -= sum(map(_length, execution.status.messages))
        if room < 0:
            break
        kept.append(execution)
    return [message for execution in reversed(kept) for message in _messages(execution)]


def _messages(execution: AgentExecution) -> Iterator[ModelMessage]:
    output: list[ModelResponsePart] = []
    returned: list[ModelRequestPart] = []

    def turn() -> Iterator[ModelMessage]:
        if output:
            yield ModelResponse(output[:])
        if returned:
            yield ModelRequest(returned[:])
        output.clear()
        returned.clear()

    for message in execution.status.messages:
        match message.type:
            case MessageType.MESSAGE_HUMAN:
                yield from turn()
                yield ModelRequest([UserPromptPart(message.content)])
            case MessageType.MESSAGE_AI if message.content:
                yield from turn()
                output.append(TextPart(message.content))
            case MessageType.MESSAGE_TOOL:
                for call in message.tool_calls:
                    output.append(ToolCallPart(call.name, framework_arguments(to_data(call.args)), call.id))
                    returned.append(_return(call))
    yield from turn()


def _return(call: ToolCall) -> ToolReturnPart:
    if call.error and not call.result:
        return ToolReturnPart(call.name, call.error, call.id, outcome="failed")
    return ToolReturnPart(call.name, call.result, call.id)


def _length(message: AgentMessage) -> int:
    return len(message.content) + sum(len(call.result) + len(call.error) for call in message.tool_calls)
