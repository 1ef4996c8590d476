"""All that there is to do, done or not: the tasks of a workflow as a tree, or the tool calls of an agent as a list."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from stigmer_tui.workbench.changes import PartKind
from stigmer_tui.workbench.entries import CallEntry, Entry, GroupEntry, TaskEntry
from stigmer_tui.workbench.entry_keys import EntryKey, key_of, level, numbers_of, parent_of
from stigmer_tui.workbench.model import Execution, ResourceKind, RunState, Task
from stigmer_tui.workbench.outline import Outline
from stigmer_tui.workbench.task_paths import Failures, branch_of


def task_tree(execution: Execution) -> Outline:
    if execution.kind is ResourceKind.AGENT:
        return CallList(execution)
    return TaskTree(execution)


class CallList(Outline):
    def __init__(self, execution: Execution) -> None:
        super().__init__()
        self._execution = execution
        self._seen = -1
        self._ids: list[str] = []
        self._keys_of: dict[str, EntryKey] = {}

    def entry(self, key: EntryKey) -> Entry:
        (number,) = numbers_of(key)
        call = self._execution.calls[self._ids[number]]
        return CallEntry(key, call.revision, 0, False, call)

    def _follow(self) -> None:
        if self._execution.revision == self._seen:
            return
        parts = self._execution.changed_since(self._seen)
        self._seen = self._execution.revision
        for kind, name in parts:
            if kind is PartKind.CALL:
                self._put(self._key_of(str(name)))

    def _key_of(self, call_id: str) -> EntryKey:
        if call_id not in self._keys_of:
            self._keys_of[call_id] = key_of(len(self._ids))
            self._ids.append(call_id)
        return self._keys_of[call_id]


@dataclass(slots=True)
class _Branch:
    """An iteration of a FOR, or a branch of another task that has several."""

    name: str
    around: str
    """Id of the task that it belongs to."""
    members: list[str] = field(default_factory=list)
    """Ids of the tasks in it."""


class TaskTree(Outline):
    """A key is the way from the top: the number of a task, that of a branch below it, that of a task in the branch."""

    def __init__(self, execution: Execution) -> None:
        super().__init__()
        self._execution = execution
        self._seen = -1
        self._keys_of: dict[str, EntryKey] = {}
        self._ids: dict[EntryKey, str] = {}
        self._branches: dict[EntryKey, _Branch] = {}
        self._branch_keys: dict[tuple[str, str], EntryKey] = {}
        self._newest_branch: dict[str, EntryKey] = {}
        self._sizes: Counter[EntryKey] = Counter()
        self._failures = Failures()

    def entry(self, key: EntryKey) -> Entry:
        depth = level(key) - 1
        if (branch := self._branches.get(key)) is not None:
            return self._group(key, depth, branch)
        task = self._execution.tasks[self._ids[key]]
        child = self._execution.children.get(task.id)
        waiting = child.waiting if child else None
        is_told_below = self._failures.are_told_below(task, self._execution.tasks)
        return TaskEntry(key, task.revision, depth, False, task, waiting=waiting, is_told_below=is_told_below)

    def _follow(self) -> None:
        if self._execution.revision == self._seen:
            return
        parts = self._execution.changed_since(self._seen)
        self._seen = self._execution.revision
        for kind, name in parts:
            if kind is PartKind.TASK:
                self._follow_task(self._execution.tasks[str(name)])

    def _follow_task(self, task: Task) -> None:
        self._failures.note(task)
        key = self._keys_of.get(task.id) or self._add(task)
        self._put(key)
        if (around := parent_of(key)) in self._branches:
            self._touch(around)
        if task.id in self._newest_branch:
            # It is complete only when its task says that none comes after it.
            self._touch(self._newest_branch[task.id])

    def _add(self, task: Task) -> EntryKey:
        around = self._keys_of.get(task.parent, b"")
        if around and (name := branch_of(task)):
            around = self._branch(around, task.parent, name)
            self._branches[around].members.append(task.id)
        key = self._new_key(around, self._sizes[around])
        self._keys_of[task.id] = key
        self._ids[key] = task.id
        return key

    def _branch(self, around: EntryKey, task_id: str, name: str) -> EntryKey:
        """The key of a branch; iterations stand in the order of their numbers, whichever was reported first."""
        key = self._branch_keys.get((task_id, name))
        if key is None:
            is_number = name.isascii() and name.isdecimal() and len(name) < 10
            key = self._new_key(around, int(name) if is_number else self._sizes[around])
            self._branch_keys[task_id, name] = key
            self._branches[key] = _Branch(name, task_id)
            self._put(key)
            newest = self._newest_branch.get(task_id, key)
            self._newest_branch[task_id] = max(newest, key)
            self._touch(newest)
        return key

    def _new_key(self, around: EntryKey, number: int) -> EntryKey:
        self._sizes[around] += 1
        while (key := around + key_of(number)) in self._ids or key in self._branches:
            number += 1
        return key

    def _group(self, key: EntryKey, depth: int, branch: _Branch) -> GroupEntry:
        members = [self._execution.tasks[member] for member in branch.members]
        around = self._execution.tasks[branch.around]
        is_open = not around.state.is_final and self._newest_branch[branch.around] == key
        state = _state_of_all({member.state for member in members}, is_open)
        starts = [member.started_at for member in members if member.started_at]
        ends = [member.completed_at for member in members if member.completed_at]
        return GroupEntry(
            key,
            max(member.revision for member in members),
            depth,
            has_gap=False,
            name=branch.name,
            state=state,
            started_at=min(starts, default=None),
            completed_at=max(ends, default=None) if state.is_final else None,
        )


def _state_of_all(states: set[RunState], is_open: bool) -> RunState:
    """The state of several tasks together. `is_open` says that more of them may come."""
    for decisive in (RunState.FAILED, RunState.RUNNING, RunState.WAITING, RunState.CANCELLED):
        if decisive in states:
            return decisive
    if RunState.COMPLETED in states:
        return RunState.RUNNING if is_open or RunState.PENDING in states else RunState.COMPLETED
    return RunState.PENDING if RunState.PENDING in states else RunState.SKIPPED
