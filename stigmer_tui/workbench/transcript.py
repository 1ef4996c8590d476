"""What happened, in the order in which it happened: the conversation of an agent, or the tasks of a workflow with the
conversations of their agents below them."""

from __future__ import annotations

from datetime import UTC, datetime

from stigmer_tui.workbench.changes import Part, PartKind
from stigmer_tui.workbench.conversation import Conversation
from stigmer_tui.workbench.entries import EndEntry, Entry, TaskEntry
from stigmer_tui.workbench.entry_keys import LAST, EntryKey, key_of, numbers_of
from stigmer_tui.workbench.model import Execution, ModelWait, ResourceKind, RunState, Task
from stigmer_tui.workbench.outline import Outline
from stigmer_tui.workbench.task_paths import Failures, ancestors, branch_of, place_of

ENDING = key_of(LAST)

NOT_KNOWN = datetime.max.replace(tzinfo=UTC)
"""The start of a task that says nothing of it: after those that do."""


def transcript(execution: Execution) -> Outline:
    if execution.kind is ResourceKind.AGENT:
        return AgentTranscript(execution)
    return WorkflowTranscript(execution)


class AgentTranscript(Outline):
    def __init__(self, execution: Execution) -> None:
        super().__init__()
        self._execution = execution
        self._seen = -1
        self._conversation = Conversation(execution)

    def entry(self, key: EntryKey) -> Entry:
        return _ending(self._execution) if key == ENDING else self._conversation.entry(key)

    def text_length(self, key: EntryKey) -> int:
        return 0 if key == ENDING else self._conversation.text_length(key)

    def _follow(self) -> None:
        if self._execution.revision == self._seen:
            return
        self._seen = self._execution.revision
        for key in self._conversation.changed_keys():
            self._put(key)
        if _has_ending(self._execution):
            self._put(ENDING)


class WorkflowTranscript(Outline):
    """Tasks are numbered as they start; the conversation of a task's agent stands below its number."""

    def __init__(self, execution: Execution) -> None:
        super().__init__()
        self._execution = execution
        self._seen = -1
        self._started: list[str] = []
        self._keys_of: dict[str, EntryKey] = {}
        self._conversations: dict[EntryKey, Conversation] = {}
        self._waits: dict[EntryKey, ModelWait | None] = {}
        self._failures = Failures()
        self._cause = ""

    def entry(self, key: EntryKey) -> Entry:
        if key == ENDING:
            return _ending(self._execution, self._cause)
        if conversation := self._conversation(key):
            return conversation.entry(key)
        (number,) = numbers_of(key)
        task = self._execution.tasks[self._started[number]]
        branch = branch_of(task)
        prefix = f"{branch}/" if branch else ""
        is_told_below = self._failures.are_told_below(task, self._execution.tasks)
        return TaskEntry(
            key, task.revision, self._depth(task), False, task, prefix, self._waits.get(key), is_told_below
        )

    def text_length(self, key: EntryKey) -> int:
        conversation = self._conversation(key)
        return conversation.text_length(key) if conversation else 0

    def _follow(self) -> None:
        if self._execution.revision != self._seen:
            parts = self._execution.changed_since(self._seen)
            self._seen = self._execution.revision
            self._follow_tasks(parts)
            if _has_ending(self._execution):
                self._cause = _cause_of(self._execution)
                self._put(ENDING)
        for place, conversation in self._conversations.items():
            for key in conversation.changed_keys():
                self._put(key)
            if conversation.waiting != self._waits.get(place):
                self._waits[place] = conversation.waiting
                self._put(place)

    def _follow_tasks(self, parts: list[Part]) -> None:
        tasks = [self._execution.tasks[str(name)] for kind, name in parts if kind is PartKind.TASK]
        for task in tasks:
            self._failures.note(task)
        shown = [task for task in tasks if task.id in self._keys_of or _has_started(task)]
        for task in sorted(shown, key=self._start):
            if task.id not in self._keys_of:
                self._keys_of[task.id] = key_of(len(self._started))
                self._started.append(task.id)
            self._put(self._keys_of[task.id])
        for kind, name in parts:
            if kind in (PartKind.TASK, PartKind.CHILD):
                self._open_conversation(str(name))

    def _start(self, task: Task) -> tuple[datetime, tuple[int, ...]]:
        """When it started; within one moment, as the tasks follow each other."""
        return task.started_at or NOT_KNOWN, place_of(task, self._execution)

    def _open_conversation(self, task_id: str) -> None:
        child = self._execution.children.get(task_id)
        key = self._keys_of.get(task_id)
        if child is not None and key is not None and key not in self._conversations:
            depth = self._depth(self._execution.tasks[task_id]) + 1
            self._conversations[key] = Conversation(child, key, depth)

    def _conversation(self, key: EntryKey) -> Conversation | None:
        """The one that a key is a part of; None for the key of a task."""
        return self._conversations[key[: len(ENDING)]] if len(key) > len(ENDING) else None

    def _depth(self, task: Task) -> int:
        return sum(1 for _ in ancestors(task, self._execution.tasks))


def _has_started(task: Task) -> bool:
    return task.started_at is not None or task.state in (
        RunState.RUNNING,
        RunState.WAITING,
        RunState.COMPLETED,
        RunState.FAILED,
    )


def _has_ending(execution: Execution) -> bool:
    """Whether there is more to say than that it is completed."""
    if not execution.state.is_final:
        return False
    return execution.state is not RunState.COMPLETED or bool(execution.error) or execution.output is not None


def _cause_of(execution: Execution) -> str:
    """The task whose error is that of the execution; of tasks in each other, the innermost."""
    failed = [
        task
        for task in execution.tasks.values()
        if task.state is RunState.FAILED and task.error and task.error in execution.error
    ]
    return min(failed, key=lambda task: len(task.error)).name if failed else ""


def _ending(execution: Execution, cause: str = "") -> EndEntry:
    """An error that a task shows is not repeated."""
    has_gap = bool(execution.messages or execution.tasks)
    error = "" if cause else execution.error
    return EndEntry(ENDING, execution.revision, 0, has_gap, execution.state, error, execution.output, cause)
