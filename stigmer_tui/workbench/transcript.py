"""What happened, in the order in which it happened: what was said, with the uses of tools where they were made, and
tasks as they started, each with everything that happened in it below."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from struct import Struct

from stigmer_tui.core.agent_tools import WRITE_TODOS
from stigmer_tui.workbench.entries import LAST, NUMBER, EndEntry, Entry, EntryKey, MessageEntry, NodeEntry
from stigmer_tui.workbench.execution_tree import Execution, Part
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.nodes import SCRIPTED, Message, Node, NodeKey, NodeKind, Role, branch_of
from stigmer_tui.workbench.outline import TreeOutline
from stigmer_tui.workbench.todos import todos_of

ENDING = NUMBER.pack(LAST)

UNNAMED = 2**31
"""Where nodes that no message names stand: after all that the last message names."""

FAR = 64
"""Messages. Who said something further back than this is not remembered: the speaker is named again."""

NOT_KNOWN = datetime.max.replace(tzinfo=UTC)
"""The start of what says nothing of it: after what does."""

PAIR = Struct(">2I")

STARTED = (RunState.RUNNING, RunState.WAITING, RunState.COMPLETED, RunState.FAILED)


@dataclass(slots=True)
class _Section:
    """What stands below one node."""

    prefix: EntryKey
    messages: Sequence[Message]
    last: EntryKey = b""
    newest: int = 0
    """Messages that there were when a node was last added that none of them names, and how many were added since."""
    unnamed: int = 0


class Transcript(TreeOutline):
    """The first message of a run stands at `(1, 0)` below it, the calls that it names at `(1, 1)`, `(1, 2)` and so on.
    Tasks in each other are numbered together, as they start.

    In a run that another node stands for, the first message is left out: it is what the node was given. Nor is the
    agent named there, unless nobody but a script speaks.
    """

    def __init__(self, execution: Execution) -> None:
        super().__init__(execution)
        self._sections: dict[NodeKey, _Section] = {}
        self._sections_in: dict[NodeKey, _Section] = {}
        """Where tasks stand, by the task around them."""
        self._former_lasts: dict[EntryKey, EntryKey] = {}
        """What stood last in a section before the present changes, by its prefix."""
        self._todo_lists: dict[NodeKey, NodeKey] = {}
        """The newest list of things to do in each run."""
        self._cause = ""

    def entry(self, key: EntryKey) -> Entry:
        if key == ENDING:
            return self._ending()
        node_key = self._node_keys.get(key)
        if node_key is None:
            return self._message_entry(key)
        node = self._execution.find(node_key)
        if node is None:
            # Named by a message, and not reported yet.
            node = Node(node_key[-1], NodeKind.TOOL_CALL, node_key[-1])
            return NodeEntry(key, 0, depth_of(self._execution, node_key[:-1]), self._has_gap(key), node)
        branch = branch_of(node)
        run = self._execution.run_below(node_key)
        return NodeEntry(
            key,
            node.revision,
            depth_of(self._execution, node_key),
            self._has_gap(key),
            node,
            f"{branch}/" if branch else "",
            run.waiting if run else None,
            self._execution.is_error_below(node_key),
            self._todo_lists.get(node_key[:-1], node_key) != node_key and node.name == WRITE_TODOS,
        )

    def text_length(self, key: EntryKey) -> int:
        if key == ENDING or key in self._node_keys:
            return 0
        run, index = self._message_place(key)
        return len(self._execution.messages(run)[index].text)

    def _follow_parts(self, parts: list[Part]) -> None:
        # From the outside in, and messages first: they say where a call belongs, whichever was reported first.
        levels: dict[int, tuple[list[Part], list[NodeKey]]] = defaultdict(lambda: ([], []))
        for part in parts:
            key, index = part
            if index < 0:
                levels[len(key) - 1][1].append(key)
            else:
                levels[len(key)][0].append(part)
        for _, (messages, nodes) in sorted(levels.items()):
            for run, index in messages:
                self._follow_message(run, index)
            for key, node in self._by_start(nodes):
                self._follow_node(key, node)
        for last in self._former_lasts.values():
            self._touch_message(last)
        self._former_lasts.clear()
        if has_ending(self._execution):
            cause = self._execution.cause()
            self._cause = cause.name if cause else ""
            self._put(ENDING)

    def _follow_message(self, run: NodeKey, index: int) -> None:
        section = self._section(run)
        if self._is_message_shown(run, index):
            self._put_in(section, section.prefix + PAIR.pack(index + 1, 0))
        for position, call_id in enumerate(self._execution.messages(run)[index].calls, 1):
            call = (*run, call_id)
            if call not in self._entry_keys:
                key = section.prefix + PAIR.pack(index + 1, position)
                self._assign(key, call)
                self._put_in(section, key)

    def _follow_node(self, key: NodeKey, node: Node) -> None:
        if node.kind is NodeKind.RUN:
            if section := self._sections.get(key):
                self._touch_message(section.last)
            # What stands for it shows what it waits for.
            self._touch_node(key[:-1])
            return
        entry_key = self._entry_keys.get(key)
        if entry_key is not None:
            self._put(entry_key)
        elif _has_started(node):
            self._add(key, node)
        if node.kind is NodeKind.SUB_AGENT:
            self._close(self._entry_keys[key])
        if node.state is RunState.FAILED:
            self._touch_node(super()._owner(key, node))
        if todos_of(node):
            self._note_todos(key)

    def _note_todos(self, key: NodeKey) -> None:
        former = self._todo_lists.get(key[:-1], key)
        if self._entry_keys[key] >= self._entry_keys[former]:
            self._todo_lists[key[:-1]] = key
        if former != key:
            self._touch_node(former)
            self._touch_node(key)

    def _owner(self, key: NodeKey, node: Node) -> NodeKey:
        owner = self._execution.parent_key(key, node)
        if node.kind is NodeKind.TASK and node.parent:
            # Not below the task around it, but in the same section.
            while self._execution.node(owner).kind is NodeKind.TASK:
                owner = self._execution.parent_key(owner)
        return owner

    def _new_key(self, key: NodeKey, node: Node) -> EntryKey:
        is_inside = node.kind is NodeKind.TASK and node.parent
        section = self._section_of_task(key, node) if is_inside else self._section(self._owner(key, node))
        newest = len(section.messages)
        if newest != section.newest:
            section.newest, section.unnamed = newest, 0
        new = section.prefix + PAIR.pack(newest, UNNAMED + section.unnamed)
        section.unnamed += 1
        self._note_last(section, new)
        return new

    def _section_of_task(self, key: NodeKey, node: Node) -> _Section:
        """Looked up once for all tasks in a task: a loop can have 100,000 of them."""
        around = (*key[:-1], node.parent)
        section = self._sections_in.get(around)
        if section is None:
            section = self._section(self._owner(key, node))
            if self._execution.find(around):
                self._sections_in[around] = section
        return section

    def _section(self, owner: NodeKey) -> _Section:
        section = self._sections.get(owner)
        if section is None:
            node = self._execution.node(owner)
            messages = self._execution.messages(owner) if node.kind is NodeKind.RUN else ()
            section = self._sections[owner] = _Section(self._place(owner), messages)
        return section

    def _put_in(self, section: _Section, key: EntryKey) -> None:
        self._note_last(section, key)
        self._put(key)

    def _note_last(self, section: _Section, key: EntryKey) -> None:
        if key > section.last:
            if self._is_read:
                self._former_lasts.setdefault(section.prefix, section.last)
            section.last = key

    def _touch_message(self, key: EntryKey) -> None:
        """The last of a section, which may grow no more."""
        if key and key not in self._node_keys:
            self._touch(key)

    def _message_place(self, key: EntryKey) -> tuple[NodeKey, int]:
        """The run of a message, and its index there."""
        end = len(key) - PAIR.size
        return self._node_keys[key[:end]], PAIR.unpack_from(key, end)[0] - 1

    def _message_entry(self, key: EntryKey) -> MessageEntry:
        run, index = self._message_place(key)
        message = self._execution.messages(run)[index]
        is_growing = (
            key == self._sections[run].last
            and message.role is Role.AGENT
            and self._execution.node(run).state in (RunState.PENDING, RunState.RUNNING)
        )
        is_root = len(run) == 1
        has_heading = not self._continues(message, run, index) and (is_root or message.model == SCRIPTED)
        has_gap = is_root and index > 0
        return MessageEntry(
            key, message.revision, depth_of(self._execution, run), has_gap, message, has_heading, is_growing
        )

    def _is_message_shown(self, run: NodeKey, index: int) -> bool:
        message = self._execution.messages(run)[index]
        if len(run) > 1 and index == 0 and message.role is Role.HUMAN:
            return False
        return bool(message.text) and not (message.role is Role.TOOL and message.calls)

    def _continues(self, message: Message, run: NodeKey, index: int) -> bool:
        """Whether the one who spoke last goes on."""
        for before in range(index - 1, max(-1, index - FAR), -1):
            if self._is_message_shown(run, before):
                other = self._execution.messages(run)[before]
                who = (message.role, message.model, message.is_reasoning)
                return (other.role, other.model, other.is_reasoning) == who
        return False

    def _has_gap(self, key: EntryKey) -> bool:
        """Whether a node of the root comes right after something that somebody else said, not after words of the agent
        itself."""
        if len(key) > PAIR.size:
            return False
        number, position = PAIR.unpack(key)
        run, index = self._execution.root_key, number - 1
        messages = self._execution.messages()[max(0, index - FAR) : index + 1]
        if position > 1 and (position != UNNAMED or any(message.calls for message in messages[-1:])):
            return False
        for before in range(index, index - len(messages), -1):
            if self._is_message_shown(run, before):
                return self._execution.messages()[before].role is not Role.AGENT
            if before < index and self._execution.messages()[before].calls:
                return False
        return False

    def _by_start(self, keys: Iterable[NodeKey]) -> Iterator[tuple[NodeKey, Node]]:
        """As nodes started; within one moment, as they follow each other."""
        execution, places = self._execution, dict[NodeKey, tuple[int, ...]]()
        rows = []
        for key in keys:
            node = execution.node(key)
            around = (*key[:-1], node.parent)
            place = places.get(around)
            if place is None:
                parent = execution.parent_key(key, node)
                place = places[around] = execution.place(parent) if parent else ()
            rows.append((node.started_at or NOT_KNOWN, (*place, node.position), key, node))
        rows.sort(key=itemgetter(0, 1))
        for _, _, key, node in rows:
            yield key, node

    def _ending(self) -> EndEntry:
        """An error that a task shows is not repeated."""
        root = self._execution.root
        error = "" if self._cause else root.error
        has_gap = self._keys[0] != ENDING
        return EndEntry(ENDING, root.revision, 0, has_gap, root.state, error, root.output, self._cause)


def depth_of(execution: Execution, key: NodeKey) -> int:
    """How many entries stand around a node; around what is in a run, for a run, which has none of its own."""
    return sum(1 for other in execution.ancestors(key) if execution.node(other).kind is not NodeKind.RUN)


def has_ending(execution: Execution) -> bool:
    """Whether there is more to say than that it is completed."""
    if not execution.state.is_final:
        return False
    return execution.state is not RunState.COMPLETED or bool(execution.error) or execution.output is not None


def _has_started(node: Node) -> bool:
    """Calls and sub-agents are shown as soon as they are asked for."""
    return node.started_at is not None or node.kind is not NodeKind.TASK or node.state in STARTED
