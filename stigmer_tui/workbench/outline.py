"""An ordered sequence of entries that follows an execution at a cost that depends on what changed, not on its length.

Only the order is kept; an entry is made of the execution's parts when somebody looks at it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from stigmer_tui.workbench.entries import Entry, EntryKey
from stigmer_tui.workbench.execution_tree import Execution, Part
from stigmer_tui.workbench.nodes import Node, NodeKey, NodeKind


@dataclass(frozen=True, slots=True)
class Inserted:
    """`count` entries that are new at `index`."""

    index: int
    count: int


@dataclass(frozen=True, slots=True)
class Changed:
    index: int


Edit = Inserted | Changed
"""A change of the sequence; its index is that at the moment of the change, after the edits before it."""


class Outline(ABC):
    """A sequence with one reader: the one that calls `refresh` and is told what it changed."""

    def __init__(self) -> None:
        self._keys: list[EntryKey] = []
        self._is_read = False
        """Whether the reader knows anything yet; until then there is nothing to tell apart."""
        self._edits: list[Edit] = []
        self._run_index = 0
        self._run_count = 0
        """Entries inserted one after the other, which become one edit."""
        self.closed: set[EntryKey] = set()
        """Sub-agents: what stands below one is hidden until somebody wants to see it."""

    def refresh(self) -> list[Edit]:
        """Brings the sequence up to date with the execution; returns the edits that did it, in order."""
        self._follow()
        if not self._is_read:
            self._is_read = bool(self._keys)
            return [Inserted(0, len(self._keys))] if self._keys else []
        self._end_run()
        edits, self._edits = self._edits, []
        return edits

    @abstractmethod
    def entry(self, key: EntryKey) -> Entry:
        """What stands at a key of this outline, as it is now."""

    @abstractmethod
    def _follow(self) -> None:
        """Reads what changed since the last time, and calls `_put` for the keys of all that did."""

    def text_length(self, key: EntryKey) -> int:
        """Characters of running text at a key, for a guess at its height."""
        return 0

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, index: int) -> Entry:
        return self.entry(self._keys[index])

    def __iter__(self) -> Iterator[Entry]:
        return map(self.entry, self._keys)

    def key(self, index: int) -> EntryKey:
        return self._keys[index]

    def index(self, key: EntryKey) -> int:
        """Where a key stands, or would stand."""
        return bisect_left(self._keys, key)

    def _put(self, key: EntryKey) -> None:
        """Notes that the entry at a key is new or has changed."""
        keys = self._keys
        index = len(keys) if not keys or key > keys[-1] else bisect_left(keys, key)
        is_new = index == len(keys) or keys[index] != key
        if is_new:
            keys.insert(index, key)
        if self._is_read:
            self._note(index, is_new)

    def _close(self, key: EntryKey) -> None:
        """Notes that an entry is a sub-agent's."""
        self.closed.add(key)

    def _touch(self, key: EntryKey) -> None:
        """Notes that an entry looks different because another one changed."""
        if self._is_read:
            self._put(key)

    def _note(self, index: int, is_new: bool) -> None:
        if not is_new:
            self._end_run()
            self._edits.append(Changed(index))
        elif self._run_count and index == self._run_index + self._run_count:
            self._run_count += 1
        else:
            self._end_run()
            self._run_index, self._run_count = index, 1

    def _end_run(self) -> None:
        if self._run_count:
            self._edits.append(Inserted(self._run_index, self._run_count))
            self._run_count = 0


class TreeOutline(Outline):
    """A walk through an execution: each node stands below the one around it, in the order that the walk is about."""

    def __init__(self, execution: Execution) -> None:
        super().__init__()
        self._execution = execution
        self._seen = -1
        self._entry_keys: dict[NodeKey, EntryKey] = {execution.root_key: b""}
        self._node_keys: dict[EntryKey, NodeKey] = {b"": execution.root_key}

    @abstractmethod
    def _follow_parts(self, parts: list[Part]) -> None:
        """Takes over what changed."""

    @abstractmethod
    def _new_key(self, key: NodeKey, node: Node) -> EntryKey:
        """The key of the entry of a node that has none."""

    def _owner(self, key: NodeKey, node: Node) -> NodeKey:
        """The node below which a node stands: the nearest one that has an entry, or the root."""
        owner = self._execution.parent_key(key, node)
        while len(owner) > 1 and self._execution.node(owner).kind is NodeKind.RUN:
            owner = self._execution.parent_key(owner)
        return owner

    def _follow(self) -> None:
        if self._execution.revision != self._seen:
            parts = self._execution.changed_since(self._seen)
            is_reshaped = self._execution.reshaped > self._seen
            self._seen = self._execution.revision
            self._follow_parts(parts)
            if is_reshaped:
                for key in self._keys:
                    self._touch(key)

    def _touch_node(self, key: NodeKey) -> None:
        if entry_key := self._entry_keys.get(key):
            self._touch(entry_key)

    def _place(self, key: NodeKey) -> EntryKey:
        """The key of a node's entry. Nodes that have none yet get theirs from the outside in, however many they are."""
        way = []
        while (entry_key := self._entry_keys.get(key)) is None:
            node = self._execution.node(key)
            way.append((key, node))
            key = self._owner(key, node)
        for key, node in reversed(way):
            entry_key = self._add(key, node)
        return entry_key

    def _add(self, key: NodeKey, node: Node) -> EntryKey:
        """Puts the entry of a node that has none. A run has a key only: it is shown by the node that stands for it."""
        entry_key = self._new_key(key, node)
        self._assign(entry_key, key)
        if node.kind is not NodeKind.RUN:
            self._put(entry_key)
        return entry_key

    def _assign(self, entry_key: EntryKey, key: NodeKey) -> None:
        self._entry_keys[key] = entry_key
        self._node_keys[entry_key] = key


class Nothing(Outline):
    """Without any entries, for where there is no execution."""

    def entry(self, key: EntryKey) -> Entry:
        raise KeyError(key)

    def _follow(self) -> None:
        return
