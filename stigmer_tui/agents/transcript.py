"""The transcript of an agent execution: messages and tool calls, and the changes to report.

The order is that of the events: the person's message, then for each response of the model its text and its calls
(`docs/compatibility.md` 71).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from stigmer_tui.agents.summaries import Summary, run_summary_metadata, run_summary_text, summary_metadata, summary_text
from stigmer_tui.agents.texts import RedactedText, shortened, well_formed
from stigmer_tui.agents.todos import TodoList
from stigmer_tui.agents.tools.todos import Todo
from stigmer_tui.api.agent_execution_pb2 import (
    AgentExecutionStatus,
    AgentMessage,
    MessageType,
    ToolCall,
    ToolCallStatus,
)
from stigmer_tui.api.approvals import ApprovalState, approval_metadata
from stigmer_tui.api.call_outputs import LEFT_OUT, output_of
from stigmer_tui.api.execution_pb2 import AgentExecutionDelta, CallOutput, MessageDelta, ModelWait, TextTail
from stigmer_tui.api.execution_pb2 import TodoList as TodoListMessage
from stigmer_tui.api.model_call_pb2 import ModelCall
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.structs import to_data, to_struct
from stigmer_tui.core.output_tail import OutputTail
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.core.units import count_text
from stigmer_tui.definition.attached_files import AttachedFile
from stigmer_tui.definition.sub_agent_calls import child_metadata, is_sub_agent, sub_agent_of

NOT_ENDED = "[no exit code: it did not come to its end]"
"""After the output of a command that was interrupted, in place of how it ended."""

WHOLE = -1
"""The reported length of a message that must be reported as a whole."""


class TranscriptRecorder:
    """Collects messages and calls, without secrets, and gives what has changed. Times are RFC 3339."""

    def __init__(self, redactor: Redactor) -> None:
        self.changed: Callable[[], None] = lambda: None
        """Called whenever there is a change to take."""
        self._redactor = redactor
        self._messages: list[AgentMessage] = []
        self._reported: list[int] = []
        """For each message, the length of its text that has been reported."""
        self._calls: dict[str, ToolCall] = {}
        self._places: dict[str, int] = {}
        """For each call, the index of its message."""
        self._outputs: dict[str, OutputTail] = {}
        """Of calls that run, what they have put out so far."""
        self._reported_outputs: dict[str, int] = {}
        """For each of them, how many characters have been reported."""
        self._known = AgentExecutionStatus()
        self._growing: RedactedText | None = None
        """The unreported end of the message that is streaming."""
        self._growing_index = 0
        """The index of that message. It gets its text at the end, because appending to a text copies it."""
        self._pieces: list[str] = []
        """Its text so far, in pieces."""
        self._unreported: list[str] = []
        """The pieces that have not been reported."""
        self._beginning = AgentExecutionDelta()
        self._touched_messages: set[int] = set()
        self._touched_calls: dict[str, None] = {}
        self._model_calls: list[ModelCall] = []
        """Those that have not been reported."""
        self._waiting = ModelWait()
        self._reported_waiting = ModelWait()
        self._todos = TodoList()
        self._are_todos_reported = True

    def begin(
        self,
        message: str,
        at: str,
        known: AgentExecutionStatus | None = None,
        files: Sequence[AttachedFile] = (),
    ) -> None:
        """Begins with the person's message. `known` is what an earlier runner has reported, to be replaced."""
        self._known = AgentExecutionStatus()
        self._known.MergeFrom(known or AgentExecutionStatus())
        for call in self._known.tool_calls:
            if call.status == ToolCallStatus.TOOL_CALL_RUNNING and call.result:
                tail = self._outputs[call.id] = output_of(call)
                self._reported_outputs[call.id] = tail.end
                call.component_metadata.metadata.fields.pop(LEFT_OUT, None)
        self._beginning = AgentExecutionDelta(phase=Phase.IN_PROGRESS.for_agent, started_at=at)
        said = AgentMessage(type=MessageType.MESSAGE_HUMAN, content=self._redactor.text(message), timestamp=at)
        if files:
            said.metadata.CopyFrom(to_struct({"files": [self._redactor.text(str(file)) for file in files]}))
        self._add(said)

    def note(self, text: str, at: str) -> None:
        """Adds a system message."""
        self._add(AgentMessage(type=MessageType.MESSAGE_SYSTEM, content=self._redactor.text(text), timestamp=at))

    def note_summary(self, summary: Summary, at: str) -> None:
        """Adds the summary that the model gets in place of older messages."""
        self._add_summary(summary_text(summary), summary_metadata(summary), at)

    def note_run_summary(self, text: str, turns: int, at: str) -> None:
        """Adds the summary that the model gets in place of the first turns of this run."""
        self._add_summary(run_summary_text(text, turns), run_summary_metadata(turns), at)

    def _add_summary(self, text: str, about: dict[str, Any], at: str) -> None:
        text, metadata = self._redactor.text(text), to_struct(about)
        self._add(AgentMessage(type=MessageType.MESSAGE_SYSTEM, content=text, timestamp=at, metadata=metadata))

    def wait(self, model: str, since: str, reason: str = "") -> None:
        """A request to the model is under way, until its first text or call. `reason` is that of a retry."""
        self._waiting = ModelWait(model=model, since=since, reason=self._redactor.text(reason))
        self.changed()

    def stop_waiting(self) -> None:
        """The request to the model has ended."""
        if self._waiting.model:
            self._waiting = ModelWait()
            self.changed()

    def note_call(self, call: ModelCall) -> None:
        """A model has answered."""
        self._model_calls.append(call)
        self.changed()

    def start_message(self, model: str, at: str) -> None:
        """The model begins a message; `append_text` brings its text."""
        self._start(AgentMessage(type=MessageType.MESSAGE_AI, timestamp=at, metadata=to_struct({"model": model})))

    def start_reasoning(self, at: str) -> None:
        """The model begins to think, likewise. What it thinks is not a part of the conversation."""
        metadata = to_struct({"reasoning": True})
        self._start(AgentMessage(type=MessageType.MESSAGE_SYSTEM, timestamp=at, metadata=metadata))

    def _start(self, message: AgentMessage) -> None:
        self.stop_waiting()
        self._growing = RedactedText(self._redactor)
        self._growing_index = len(self._messages)
        self._pieces, self._unreported = [], []
        self._add(message)

    def append_text(self, text: str) -> None:
        """Appends to the message that is streaming."""
        if self._growing is not None:
            self._growing.add(text)
            self.changed()

    def end_message(self, metadata: Mapping[str, Any] | None = None) -> None:
        """The message is complete, or was interrupted. `metadata` is added to that of the message."""
        if self._growing is None:
            return
        self._absorb(complete=True)
        self._growing = None
        self._messages[self._growing_index].content = "".join(self._pieces)
        self._pieces, self._unreported = [], []
        if metadata:
            self._messages[self._growing_index].metadata.MergeFrom(to_struct(metadata))
            self._touch(self._growing_index)
        self.changed()

    def call(self, call_id: str, name: str, at: str, arguments: Mapping[str, Any] | None = None) -> None:
        """The model calls a tool: first without arguments, when it begins to write them, and again with them."""
        self.stop_waiting()
        if call_id not in self._calls:
            call = ToolCall(
                id=call_id, name=self._redactor.text(well_formed(name)), status=ToolCallStatus.TOOL_CALL_PENDING
            )
            call.MergeFrom(self._known_metadata(call_id))
            self._calls[call_id] = call
            self._places[call_id] = len(self._messages)
            self._touched_calls[call_id] = None
            self._add(AgentMessage(type=MessageType.MESSAGE_TOOL, timestamp=at, tool_calls=[call]))
        if arguments is not None:
            self._set_arguments(call_id, arguments)

    def show_approval(self, call_id: str, state: ApprovalState) -> None:
        """The call waits for an approval, or a person has decided on it."""
        self._change_call(call_id, ToolCall(component_metadata=approval_metadata(state)))

    def arguments(self, call_id: str) -> dict[str, Any]:
        """The arguments of a call as they are reported."""
        return to_data(self._calls[call_id].args)

    def replace_arguments(self, call_id: str, arguments: Mapping[str, Any]) -> None:
        """A person has changed the arguments of a call."""
        self._calls[call_id].ClearField("args")
        self._set_arguments(call_id, arguments)

    def start_call(self, call_id: str, at: str) -> None:
        """The tool begins to run."""
        self._change_call(call_id, ToolCall(status=ToolCallStatus.TOOL_CALL_RUNNING, started_at=at))

    def add_output(self, call_id: str, text: str) -> None:
        """The tool goes on, and has put out something, which is without secrets."""
        tail = self._outputs.get(call_id, OutputTail())
        self._outputs[call_id] = tail.grown(tail.end, text)
        self.changed()

    def complete_call(self, call_id: str, result: str, at: str) -> None:
        """The tool has returned."""
        status = ToolCallStatus.TOOL_CALL_COMPLETED
        self._outputs.pop(call_id, None)
        self._change_call(call_id, ToolCall(status=status, result=self._redactor.text(result), completed_at=at))

    def fail_call(self, call_id: str, error: str, at: str, result: str = "") -> None:
        """The tool has failed. `result` is what it returned nevertheless, such as the output of a command; without one,
        what it has put out is kept.
        """
        redact = self._redactor.text
        status = ToolCallStatus.TOOL_CALL_FAILED
        so_far = self._output_so_far(call_id)
        kept = redact(result) or so_far
        change = ToolCall(status=status, error=redact(error), result=kept, completed_at=at)
        self._change_call(call_id, change)

    def write_todos(self, todos: Sequence[Todo], at: str) -> None:
        """The agent has written what there is to do."""
        self._todos.write([replace(todo, content=self._redactor.text(well_formed(todo.content))) for todo in todos], at)
        self._are_todos_reported = False
        self.changed()

    def name_child(self, call_id: str, execution_id: str) -> None:
        """A call stands for the execution of a sub-agent."""
        self._change_call(call_id, ToolCall(component_metadata=child_metadata(execution_id)))

    @property
    def answer(self) -> str:
        """The last text of the agent so far."""
        return last_answer(self._messages)

    def open_calls(self) -> list[str]:
        """Ids of the calls that have neither completed nor failed."""
        ended = (ToolCallStatus.TOOL_CALL_COMPLETED, ToolCallStatus.TOOL_CALL_FAILED)
        return [call_id for call_id, call in self._calls.items() if call.status not in ended]

    def end(self, why: str, at: str) -> None:
        """The run has ended. Open calls have failed, for this reason."""
        self.stop_waiting()
        self.end_message()
        self._keep_known()
        for call_id in self.open_calls():
            self.fail_call(call_id, why, at)

    def take(self) -> AgentExecutionDelta | None:
        """The changes since the last call, or None."""
        self._absorb()
        delta, self._beginning = self._beginning, AgentExecutionDelta()
        delta.messages.extend(self._message_delta(index) for index in sorted(self._touched_messages))
        delta.tool_calls.extend(self._calls[call_id] for call_id in self._touched_calls)
        delta.outputs.extend(self._new_outputs())
        delta.model_calls.extend(self._model_calls)
        self._model_calls.clear()
        delta.sub_agents.extend(sub_agent_of(call) for call in delta.tool_calls if is_sub_agent(call))
        self._touched_messages.clear()
        self._touched_calls.clear()
        if self._waiting != self._reported_waiting:
            delta.waiting.CopyFrom(self._waiting)
            self._reported_waiting = self._waiting
        if not self._are_todos_reported:
            delta.todos.CopyFrom(TodoListMessage(items=self._todos.items))
            self._are_todos_reported = True
        return delta if delta.ByteSize() else None

    def _set_arguments(self, call_id: str, arguments: Mapping[str, Any]) -> None:
        self._change_call(call_id, ToolCall(args=to_struct(shortened(self._redactor.data(dict(arguments))))))

    def _new_outputs(self) -> Iterator[CallOutput]:
        for call_id, tail in self._outputs.items():
            new = tail.since(self._reported_outputs.get(call_id, 0))
            if new.text:
                self._reported_outputs[call_id] = tail.end
                yield CallOutput(call_id=call_id, before=new.before, text=new.text)

    def _output_so_far(self, call_id: str) -> str:
        tail = self._outputs.pop(call_id, OutputTail())
        if not tail.text:
            return ""
        left_out = f"… {count_text(tail.before)} characters left out …\n" if tail.before else ""
        return f"{left_out}{tail.text.rstrip()}\n{NOT_ENDED}"

    def _known_metadata(self, call_id: str) -> ToolCall:
        """What an earlier runner has noted on the call, such as that it waits for an approval: it still does."""
        known = (call for call in self._known.tool_calls if call.id == call_id and call.HasField("component_metadata"))
        return next((ToolCall(component_metadata=call.component_metadata) for call in known), ToolCall())

    def _keep_known(self) -> None:
        """Keeps the known messages that were not replaced: a repeated response may be shorter than the first one."""
        for call in self._known.tool_calls:
            self._calls.setdefault(call.id, call)
        for message in self._known.messages[len(self._messages) :]:
            self._places.update({call.id: len(self._messages) for call in message.tool_calls})
            self._add(message)

    def _add(self, message: AgentMessage) -> None:
        self._messages.append(message)
        self._reported.append(WHOLE)
        self._touch(len(self._messages) - 1)

    def _touch(self, index: int) -> None:
        """The message must be reported again as a whole."""
        self._reported[index] = WHOLE
        self._touched_messages.add(index)
        self.changed()

    def _absorb(self, complete: bool = False) -> None:
        if self._growing is not None and (text := self._growing.take(complete)):
            self._pieces.append(text)
            self._unreported.append(text)
            self._touched_messages.add(self._growing_index)

    def _change_call(self, call_id: str, change: ToolCall) -> None:
        call = self._calls[call_id]
        call.MergeFrom(change)
        self._touched_calls[call_id] = None
        if call_id in self._places:
            index = self._places[call_id]
            self._messages[index].tool_calls[0].CopyFrom(call)
            self._touch(index)

    def _message_delta(self, index: int) -> MessageDelta:
        message, reported = self._messages[index], self._reported[index]
        is_growing = self._growing is not None and index == self._growing_index
        if reported == WHOLE:
            delta = MessageDelta(index=index, message=message)
            if is_growing:
                delta.message.content = "".join(self._pieces)
            self._reported[index] = len(delta.message.content)
        else:
            text = "".join(self._unreported) if is_growing else message.content[reported:]
            delta = MessageDelta(index=index, tail=TextTail(keep=reported, text=text))
            self._reported[index] = reported + len(text)
        if is_growing:
            self._unreported = []
        return delta


def last_answer(messages: Sequence[AgentMessage]) -> str:
    """The last text of the agent; empty if there is none."""
    return next((each.content for each in reversed(messages) if each.type == MessageType.MESSAGE_AI), "")
