"""The history of a session, as messages for the model (`docs/compatibility.md` 75, 104)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

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
    UserContent,
    UserPromptPart,
)

from stigmer_tui.agents.attached_files import estimated_file_tokens, load_files
from stigmer_tui.agents.responses import framework_arguments
from stigmer_tui.agents.summaries import Summary, summary_in
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
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.definition.extensions import replaced_in

READ_AT_ONCE = 10
"""Executions of one page: after a summary, few are needed."""

HEADING = "Summary of the conversation so far, in place of its messages:"
ACKNOWLEDGED = "I know what was said before."


@dataclass(frozen=True, slots=True)
class History:
    """What an agent is told of its conversation: a summary if there is one, and all that came after it."""

    executions: tuple[AgentExecution, ...] = ()
    """That have ended, the oldest first."""
    summary: Summary | None = None
    before: int = 0
    """Executions of the conversation before these."""
    files: Mapping[str, list[UserContent]] = field(default_factory=dict)
    """What the model gets of the files of their messages, by their ids."""

    @property
    def turns(self) -> int:
        """Messages of the person so far."""
        return self.before + len(self.executions)

    @property
    def tokens(self) -> int:
        """By estimate."""
        of_summary = len(self.summary.text.encode()) // BYTES_PER_TOKEN if self.summary else 0
        return of_summary + sum(map(estimated_tokens, self.executions))

    def after(self, summary: Summary) -> History:
        """With a summary in the place of what it is about."""
        kept = tuple(execution for execution in self.executions if execution.metadata.id > summary.until)
        return replace(self, executions=kept, summary=summary, before=summary.executions)

    def without(self, number: int) -> History:
        """Without the oldest executions, of which the model is told nothing."""
        return replace(self, executions=self.executions[number:], before=self.before + number)

    def messages(self) -> list[ModelMessage]:
        messages: list[ModelMessage] = []
        if self.summary:
            messages.append(ModelRequest([UserPromptPart(f"{HEADING}\n\n{self.summary.text}")]))
            messages.append(ModelResponse([TextPart(ACKNOWLEDGED)]))
        for execution in self.executions:
            messages += _messages(execution, self.files.get(execution.metadata.id, []))
        return messages


BYTES_PER_TOKEN = 4
"""By estimate, of texts in UTF-8."""


def estimated_tokens(execution: AgentExecution) -> int:
    """Of all that was said and done in an execution."""
    lengths = (
        len(message.content.encode())
        + sum(
            call.args.ByteSize() + len(call.result.encode()) + len(call.error.encode()) for call in message.tool_calls
        )
        for message in execution.status.messages
        if message.type is not MessageType.MESSAGE_SYSTEM
    )
    return sum(lengths) // BYTES_PER_TOKEN + estimated_file_tokens(execution)


def spoken_messages(execution: AgentExecution) -> list[AgentMessage]:
    """What the person and the agent have said."""
    speakers = (MessageType.MESSAGE_HUMAN, MessageType.MESSAGE_AI)
    return [message for message in execution.status.messages if message.type in speakers and message.content]


async def load_history(channel: Channel, execution: AgentExecution, redactor: Redactor) -> History:
    """What was said and done before this execution in its session, from the last summary on.

    Executions are left out whose place this, or another one, takes. Raises StigmerError if they cannot be read.
    """
    if not execution.spec.session_id:
        return History()
    newest_first, summary = await _read(channel, execution)
    replaced = {id_ for later in (execution, *newest_first) for id_ in replaced_in(later.metadata.annotations)}
    counted = (earlier for earlier in reversed(newest_first) if earlier.metadata.id not in replaced)
    ended = tuple(earlier for earlier in counted if Phase(earlier.status.phase).is_final)
    files = {each.metadata.id: found for each in ended if (found := await load_files(channel, each, redactor))}
    return History(ended, summary, summary.executions if summary else 0, files)


async def _read(channel: Channel, execution: AgentExecution) -> tuple[list[AgentExecution], Summary | None]:
    """The executions that the newest summary is not about, the newest first, and that summary."""
    session_id = execution.spec.session_id
    query = AgentExecutionQueryControllerStub(channel)

    async def fetch(token: str) -> Iterable[AgentExecution]:
        request = ListAgentExecutionsBySessionRequest(session_id=session_id, page_size=READ_AT_ONCE, page_token=token)
        return (await query.listBySession(request)).entries

    found: list[AgentExecution] = []
    summary: Summary | None = None
    try:
        async with aclosing(pages.pages(fetch, execution.metadata.id)) as listed:
            async for page in listed:
                for earlier in page:
                    # They go back in time, and ids are in its order.
                    if summary and earlier.metadata.id <= summary.until:
                        return found, summary
                    found.append(earlier)
                    summary = summary or summary_in(earlier)
    except AioRpcError as error:
        raise StigmerError(f"Cannot read the history of session {session_id}: {error.details()}") from error
    return found, summary


def joined(messages: Iterable[ModelMessage]) -> list[ModelMessage]:
    """With one request where there are two in a row, as after a run that was cancelled: some models take no two."""
    result: list[ModelMessage] = []
    for message in messages:
        before = result[-1] if result else None
        if isinstance(before, ModelRequest) and isinstance(message, ModelRequest):
            result[-1] = replace(message, parts=[*before.parts, *message.parts])
        else:
            result.append(message)
    return result


def _messages(execution: AgentExecution, files: Sequence[UserContent]) -> Iterator[ModelMessage]:
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
                yield ModelRequest([UserPromptPart([message.content, *files] if files else message.content)])
            case MessageType.MESSAGE_AI if message.content:
                # Reasoning divides what is said in one response.
                if returned:
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
