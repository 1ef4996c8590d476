"""The status of one execution, and the version at which each part of it last changed.

Streams need no queues: a reader that has seen version 7 gets all newer parts merged into one delta, so a slow reader
costs nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from stigmer_tui.api.agent_execution_pb2 import (
    AgentExecution,
    AgentMessage,
    SubAgentExecution,
    TodoItem,
    ToolCall,
    ToolCallStatus,
)
from stigmer_tui.api.call_outputs import grow_output, output_of
from stigmer_tui.api.execution_pb2 import (
    AgentExecutionDelta,
    CallOutput,
    MessageDelta,
    ModelWait,
    TextTail,
    WorkflowExecutionDelta,
)
from stigmer_tui.api.kinds import AGENT_EXECUTION, Kind
from stigmer_tui.api.model_call_pb2 import ModelCall
from stigmer_tui.api.model_calls import MODEL_CALLS, read_model_calls, write_model_calls
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecution, WorkflowTask


class GrowingText:
    def __init__(self, text: str) -> None:
        self.length = len(text)
        self._pieces = [text]

    def change(self, keep: int, text: str) -> bool:
        """Replaces everything after the first `keep` characters. Returns whether old text was removed."""
        is_cut = keep < self.length
        if is_cut:
            self._pieces = [self.whole()[:keep]]
        self._pieces.append(text)
        self.length = min(keep, self.length) + len(text)
        return is_cut

    def whole(self) -> str:
        self._pieces = ["".join(self._pieces)]
        return self._pieces[0]

    def since(self, start: int) -> str:
        """The text from character `start` on."""
        missing, pieces = self.length - start, []
        for piece in reversed(self._pieces):
            if missing <= 0:
                break
            pieces.append(piece[-missing:])
            missing -= len(piece)
        return "".join(reversed(pieces))


Execution = TypeVar("Execution", AgentExecution, WorkflowExecution)
Delta = TypeVar("Delta", AgentExecutionDelta, WorkflowExecutionDelta)
AnyExecution = AgentExecution | WorkflowExecution
Part = tuple[str, str | int]

HEAD: Part = ("head", 0)
HEAD_FIELDS = ("error", "started_at", "completed_at")


@dataclass(slots=True)
class Cursor:
    """The position of a reader."""

    version: int = 0
    texts: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By message: the edition of its text that the reader has, and how many characters of it."""
    outputs: dict[str, int] = field(default_factory=dict)
    """By call that runs: how many characters of its output the reader has seen."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A version of an execution: a delta, or the whole."""

    version: int
    whole: bool
    data: bytes


class ExecutionState(ABC, Generic[Execution, Delta]):
    delta_type: type[Delta]

    def __init__(self, execution: Execution, version: int) -> None:
        self._execution: Execution = execution
        self.version = version
        self.whole_since = version
        """The oldest version from which deltas are possible; older readers need the whole execution."""
        self._changed: dict[Part, int] = {}

    @property
    def execution(self) -> Execution:
        """The whole execution."""
        return self._execution

    @property
    def unfinished(self) -> Execution:
        """The execution without copying growing texts, which may be behind."""
        return self._execution

    @property
    def phase(self) -> Phase:
        return Phase(self._execution.status.phase)

    def cursor(self) -> Cursor:
        """The position of a reader that has the whole execution."""
        return Cursor(self.version)

    def objection(self, delta: AgentExecutionDelta | WorkflowExecutionDelta) -> str:
        """Why the delta cannot be applied; empty if it can."""
        return ""

    @abstractmethod
    def apply(self, delta: Delta) -> None:
        """Applies the delta and increments the version."""

    @abstractmethod
    def since(self, cursor: Cursor) -> Delta:
        """Everything newer than the cursor as one delta; advances the cursor."""

    def replace(self, execution: Execution) -> None:
        """Replaces the execution; readers will get it as a whole."""
        self._execution.CopyFrom(execution)
        self.version += 1
        self.whole_since = self.version
        self._changed.clear()

    def replay(self, event: StoredEvent) -> None:
        if event.whole:
            self.replace(type(self._execution).FromString(event.data))
        else:
            self.apply(self.delta_type.FromString(event.data))

    def _touch(self, part: Part) -> None:
        # Moved to the end, so that the newest parts can be found from there.
        self._changed.pop(part, None)
        self._changed[part] = self.version

    def _newer(self, version: int) -> Iterator[Part]:
        for part, changed in reversed(self._changed.items()):
            if changed <= version:
                return
            yield part

    def _apply_head(self, delta: AgentExecutionDelta | WorkflowExecutionDelta) -> None:
        status: Any = self._execution.status
        changed = False
        if delta.HasField("phase"):
            status.phase = delta.phase
            changed = True
        for name in HEAD_FIELDS:
            if delta.HasField(name):  # type: ignore[arg-type]
                setattr(status, name, getattr(delta, name))
                changed = True
        if changed:
            self._touch(HEAD)

    def _give_head(self, delta: AgentExecutionDelta | WorkflowExecutionDelta) -> None:
        status: Any = self._execution.status
        delta.phase = status.phase
        for name in HEAD_FIELDS:
            setattr(delta, name, getattr(status, name))


class AgentExecutionState(ExecutionState[AgentExecution, AgentExecutionDelta]):
    delta_type = AgentExecutionDelta

    def __init__(self, execution: AgentExecution, version: int) -> None:
        super().__init__(execution, version)
        self.waiting = ModelWait()
        """The pending request to a model, if there is no output yet."""
        self._texts: dict[int, GrowingText] = {}
        """Growing texts by message index; the messages themselves may be behind."""
        self._editions: dict[int, int] = {}
        """By message index: how often its text was replaced rather than extended."""
        self._index()

    @property
    def execution(self) -> AgentExecution:
        self._settle()
        return self._execution

    def cursor(self) -> Cursor:
        cursor = Cursor(self.version)
        if last := len(self._execution.status.messages):
            cursor.texts[last - 1] = (self._editions.get(last - 1, 0), self._text(last - 1).length)
        for call in self._execution.status.tool_calls:
            if call.status == ToolCallStatus.TOOL_CALL_RUNNING:
                cursor.outputs[call.id] = output_of(call).end
        return cursor

    def objection(self, delta: AgentExecutionDelta | WorkflowExecutionDelta) -> str:
        count = len(self._execution.status.messages)
        for change in delta.messages if isinstance(delta, AgentExecutionDelta) else ():
            if change.index > count:
                return f"message {change.index} of {count} cannot be changed"
            count = max(count, change.index + 1)
        return ""

    def apply(self, delta: AgentExecutionDelta) -> None:
        self.version += 1
        self._apply_head(delta)
        for change in delta.messages:
            self._apply_message(change)
        for call in delta.tool_calls:
            self._apply_call(call)
        for output in delta.outputs:
            self._apply_output(output)
        for sub_agent in delta.sub_agents:
            self._apply_sub_agent(sub_agent)
        if delta.model_calls:
            self._apply_model_calls(delta.model_calls)
        if delta.HasField("todos"):
            self._apply_todos(delta.todos.items)
        if delta.HasField("waiting") or (self.waiting.model and self.phase.is_final):
            self.waiting.CopyFrom(ModelWait() if self.phase.is_final else delta.waiting)
            self._touch(("waiting", 0))

    def replace(self, execution: AgentExecution) -> None:
        super().replace(execution)
        self._texts.clear()
        self._editions.clear()
        self._index()

    def since(self, cursor: Cursor) -> AgentExecutionDelta:
        delta = AgentExecutionDelta()
        indexes: list[int] = []
        outputs: list[str] = []
        for kind, key in self._newer(cursor.version):
            match kind:
                case "head":
                    self._give_head(delta)
                case "message":
                    indexes.append(int(key))
                case "call":
                    call = self._execution.status.tool_calls[self._calls[str(key)]]
                    delta.tool_calls.append(call)
                    cursor.outputs[call.id] = output_of(call).end
                case "output":
                    outputs.append(str(key))
                case "sub_agent":
                    sub_agents = self._execution.status.sub_agent_executions
                    delta.sub_agents.append(sub_agents[self._sub_agents[str(key)]])
                case "model_call":
                    delta.model_calls.append(self._model_calls[str(key)])
                case "todos":
                    delta.todos.items.extend(in_order(self._execution.status.todos))
                case "waiting":
                    delta.waiting.CopyFrom(self.waiting)
        delta.messages.extend(self._message_since(index, cursor) for index in sorted(indexes))
        delta.tool_calls.sort(key=lambda call: self._calls[call.id])
        delta.outputs.extend(each for call_id in outputs if (each := self._output_since(call_id, cursor)).text)
        delta.sub_agents.sort(key=lambda sub_agent: self._sub_agents[sub_agent.id])
        # The newest come first.
        delta.model_calls.reverse()
        cursor.version = self.version
        return delta

    def _apply_message(self, change: MessageDelta) -> None:
        messages = self._execution.status.messages
        if change.index > len(messages):
            raise ValueError(f"message {change.index} of {len(messages)} cannot be changed")
        if change.index == len(messages):
            # Earlier messages no longer grow.
            self._settle()
            messages.append(AgentMessage())
        if change.HasField("message"):
            self._texts.pop(change.index, None)
            messages[change.index].CopyFrom(change.message)
            is_replaced = True
        else:
            text = self._texts[change.index] = self._text(change.index)
            is_replaced = text.change(change.tail.keep, change.tail.text)
        if is_replaced:
            self._editions[change.index] = self._editions.get(change.index, 0) + 1
        self._touch(("message", change.index))

    def _apply_call(self, call: ToolCall) -> None:
        calls = self._execution.status.tool_calls
        if call.id in self._calls:
            calls[self._calls[call.id]].CopyFrom(call)
        else:
            self._calls[call.id] = len(calls)
            calls.append(call)
        self._put_into_message(call)
        self._touch(("call", call.id))

    def _put_into_message(self, call: ToolCall) -> None:
        for message in reversed(self._execution.status.messages):
            if len(message.tool_calls) and message.tool_calls[0].id == call.id:
                message.tool_calls[0].CopyFrom(call)
                break

    def _apply_output(self, output: CallOutput) -> None:
        """Of a call that is not known, there is nothing to show."""
        if output.call_id not in self._calls:
            return
        call = self._execution.status.tool_calls[self._calls[output.call_id]]
        grow_output(call, output)
        self._put_into_message(call)
        self._touch(("output", call.id))

    def _apply_sub_agent(self, sub_agent: SubAgentExecution) -> None:
        sub_agents = self._execution.status.sub_agent_executions
        if sub_agent.id in self._sub_agents:
            sub_agents[self._sub_agents[sub_agent.id]].CopyFrom(sub_agent)
        else:
            self._sub_agents[sub_agent.id] = len(sub_agents)
            sub_agents.append(sub_agent)
        self._touch(("sub_agent", sub_agent.id))

    def _apply_model_calls(self, calls: Iterable[ModelCall]) -> None:
        for call in calls:
            self._model_calls[call.id] = call
            self._touch(("model_call", call.id))
        self._execution.metadata.annotations[MODEL_CALLS] = write_model_calls(self._model_calls.values())

    def _apply_todos(self, items: Iterable[TodoItem]) -> None:
        todos = self._execution.status.todos
        todos.clear()
        for item in items:
            todos[item.id].CopyFrom(item)
        self._touch(("todos", 0))

    def _message_since(self, index: int, cursor: Cursor) -> MessageDelta:
        edition, length = cursor.texts.get(index, (-1, 0))
        current, text = self._editions.get(index, 0), self._text(index)
        cursor.texts[index] = (current, text.length)
        if edition == current:
            return MessageDelta(index=index, tail=TextTail(keep=length, text=text.since(length)))
        delta = MessageDelta(index=index, message=self._execution.status.messages[index])
        delta.message.content = text.whole()
        return delta

    def _output_since(self, call_id: str, cursor: Cursor) -> CallOutput:
        tail = output_of(self._execution.status.tool_calls[self._calls[call_id]])
        new = tail.since(cursor.outputs.get(call_id, 0))
        cursor.outputs[call_id] = tail.end
        return CallOutput(call_id=call_id, before=new.before, text=new.text)

    def _settle(self) -> None:
        for index, text in self._texts.items():
            self._execution.status.messages[index].content = text.whole()
        self._texts.clear()

    def _text(self, index: int) -> GrowingText:
        return self._texts.get(index) or GrowingText(self._execution.status.messages[index].content)

    def _index(self) -> None:
        status = self._execution.status
        self._calls = {call.id: position for position, call in enumerate(status.tool_calls)}
        self._sub_agents = {each.id: position for position, each in enumerate(status.sub_agent_executions)}
        self._model_calls = {call.id: call for call in read_model_calls(self._execution.metadata.annotations)}


def in_order(todos: Mapping[str, TodoItem]) -> list[TodoItem]:
    """By their ids, which are numbers."""
    return sorted(todos.values(), key=lambda item: (len(item.id), item.id))


class WorkflowExecutionState(ExecutionState[WorkflowExecution, WorkflowExecutionDelta]):
    delta_type = WorkflowExecutionDelta

    def __init__(self, execution: WorkflowExecution, version: int) -> None:
        super().__init__(execution, version)
        self._index_tasks()

    def apply(self, delta: WorkflowExecutionDelta) -> None:
        self.version += 1
        self._apply_head(delta)
        if delta.HasField("output"):
            self._execution.status.output.CopyFrom(delta.output)
            self._touch(("output", 0))
        for task in delta.tasks:
            self._apply_task(task)

    def replace(self, execution: WorkflowExecution) -> None:
        super().replace(execution)
        self._index_tasks()

    def since(self, cursor: Cursor) -> WorkflowExecutionDelta:
        delta = WorkflowExecutionDelta()
        positions: list[int] = []
        for kind, key in self._newer(cursor.version):
            match kind:
                case "head":
                    self._give_head(delta)
                case "output":
                    delta.output.CopyFrom(self._execution.status.output)
                case "task":
                    positions.append(self._tasks[str(key)])
        delta.tasks.extend(self._execution.status.tasks[position] for position in sorted(positions))
        cursor.version = self.version
        return delta

    def _apply_task(self, task: WorkflowTask) -> None:
        tasks = self._execution.status.tasks
        if task.task_id in self._tasks:
            tasks[self._tasks[task.task_id]].CopyFrom(task)
        else:
            self._tasks[task.task_id] = len(tasks)
            tasks.append(task)
        self._touch(("task", task.task_id))

    def _index_tasks(self) -> None:
        self._tasks = {task.task_id: position for position, task in enumerate(self._execution.status.tasks)}


AnyState = AgentExecutionState | WorkflowExecutionState


def state_of(kind: Kind, data: bytes, version: int) -> AnyState:
    if kind is AGENT_EXECUTION:
        return AgentExecutionState(AgentExecution.FromString(data), version)
    return WorkflowExecutionState(WorkflowExecution.FromString(data), version)
