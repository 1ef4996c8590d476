"""All that there is to do, done or not, each task, tool call and sub-agent below the one around it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from stigmer_tui.workbench.entries import LEVEL, NUMBER, Entry, EntryKey, GroupEntry, NodeEntry
from stigmer_tui.workbench.execution_tree import Execution, Part
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.nodes import Node, NodeKey, NodeKind, branch_of
from stigmer_tui.workbench.outline import TreeOutline


@dataclass(slots=True)
class _Branch:
    """An iteration of a FOR, or a branch of another task that has several."""

    name: str
    around: EntryKey
    """Of the task that it belongs to."""
    members: list[EntryKey] = field(default_factory=list)
    """Of the tasks in it."""


class TaskTree(TreeOutline):
    """A key is the way from the top: the number of a task, that of a branch below it, that of a task in the branch."""

    def __init__(self, execution: Execution) -> None:
        super().__init__(execution)
        self._branches: dict[EntryKey, _Branch] = {}
        self._branch_keys: dict[tuple[EntryKey, str], EntryKey] = {}
        self._newest_branch: dict[EntryKey, EntryKey] = {}
        """Each by the entry of the task that the branch belongs to."""
        self._sizes: Counter[EntryKey] = Counter()

    def entry(self, key: EntryKey) -> Entry:
        depth = len(key) // LEVEL - 1
        if (branch := self._branches.get(key)) is not None:
            return self._group(key, depth, branch)
        node_key = self._node_keys[key]
        node, run = self._execution.node(node_key), self._execution.run_below(node_key)
        return NodeEntry(
            key,
            node.revision,
            depth,
            False,
            node,
            waiting=run.waiting if run else None,
            is_told_below=self._execution.is_error_below(node_key),
        )

    def _follow_parts(self, parts: list[Part]) -> None:
        for key, index in parts:
            if index < 0:
                self._follow_node(key)

    def _follow_node(self, key: NodeKey) -> None:
        node = self._execution.node(key)
        if node.kind is NodeKind.RUN:
            self._touch_node(key[:-1])
            return
        entry_key = self._entry_keys.get(key)
        if entry_key is None:
            entry_key = self._add(key, node)
        else:
            self._put(entry_key)
        if node.kind is NodeKind.SUB_AGENT:
            self._close(entry_key)
        if (around := entry_key[:-LEVEL]) in self._branches:
            self._touch(around)
        if newest := self._newest_branch.get(entry_key):
            # It is complete only when its task says that none comes after it.
            self._touch(newest)
        if node.state is RunState.FAILED:
            self._touch_node(self._owner(key, node))

    def _new_key(self, key: NodeKey, node: Node) -> EntryKey:
        around = self._place(self._owner(key, node))
        if around and node.kind is NodeKind.TASK and (name := branch_of(node)):
            around = self._branch(around, name)
            entry_key = self._free_key(around, self._sizes[around])
            self._branches[around].members.append(entry_key)
            return entry_key
        return self._free_key(around, self._sizes[around])

    def _branch(self, around: EntryKey, name: str) -> EntryKey:
        """The key of a branch; iterations stand in the order of their numbers, whichever was reported first."""
        key = self._branch_keys.get((around, name))
        if key is None:
            is_number = name.isascii() and name.isdecimal() and len(name) < 10
            key = self._free_key(around, int(name) if is_number else self._sizes[around])
            self._branch_keys[around, name] = key
            self._branches[key] = _Branch(name, around)
            self._put(key)
            newest = self._newest_branch.get(around, key)
            self._newest_branch[around] = max(newest, key)
            self._touch(newest)
        return key

    def _free_key(self, around: EntryKey, number: int) -> EntryKey:
        self._sizes[around] += 1
        while (key := around + NUMBER.pack(number)) in self._node_keys or key in self._branches:
            number += 1
        return key

    def _group(self, key: EntryKey, depth: int, branch: _Branch) -> GroupEntry:
        members = [self._execution.node(self._node_keys[member]) for member in branch.members]
        around = self._execution.node(self._node_keys[branch.around])
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
