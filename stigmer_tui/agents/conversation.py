"""The history of a session, as messages for the model (`docs/compatibility.md` 75, 104)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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

MAX_EXECUTIONS = 20
"""The number of earlier executions that the model sees, the newest ones."""
MAX_LENGTH = 200_000
"""Characters of all of them together. Of more, the oldest executions are left out whole."""


async def load_history(channel: Channel, execution: AgentExecution) -> list[ModelMessage]:
    """Messages of the executions before this one in its session. Raises StigmerError if they cannot be read."""
    session_id = execution.spec.session_id
    if not session_id:
        return []
    request = ListAgentExecutionsBySessionRequest(session_id=session_id, page_size=MAX_EXECUTIONS + 1)
    try:
        response = await AgentExecutionQueryControllerStub(channel).listBySession(request)
    except AioRpcError as error:
        raise StigmerError(f"Cannot read the history of session {session_id}: {error.details()}") from error
    return history_messages([earlier for earlier in response.entries if earlier.metadata.id < execution.metadata.id])


def history_messages(executions: Sequence[AgentExecution]) -> list[ModelMessage]:
    """Messages of the executions that have ended, in the order of creation."""
    ended = [execution for execution in executions if Phase(execution.status.phase).is_final]
    newest_first = sorted(ended, key=lambda execution: execution.metadata.id, reverse=True)
    kept: list[AgentExecution] = []
    room = MAX_LENGTH
    for execution in newest_first[:MAX_EXECUTIONS]:
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
