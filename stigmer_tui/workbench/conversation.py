"""The messages and tool calls of one agent execution as places in a transcript."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter

from stigmer_tui.workbench.changes import Part, PartKind
from stigmer_tui.workbench.entries import CallEntry, Entry, MessageEntry
from stigmer_tui.workbench.entry_keys import EntryKey, key_of, numbers_of
from stigmer_tui.workbench.model import SCRIPTED, Execution, Message, ModelWait, Role, RunState, ToolCall

UNCLAIMED = 2**31
"""Where calls that no message names stand: after all that the last message names."""

FAR = 64
"""Messages. Who said something further back than this is not remembered: the speaker is named again."""


class Conversation:
    """The first message stands at `(1, 0)` below the prefix, the calls that it names at `(1, 1)`, `(1, 2)` and so on.

    Below a task (`prefix` is then its key) the message that the task sent is left out: it is the task's input. Nor is
    the agent named there, unless nobody but a script speaks.
    """

    def __init__(self, execution: Execution, prefix: EntryKey = b"", depth: int = 0) -> None:
        self._execution = execution
        self._prefix = prefix
        self._depth = depth
        self._seen = -1
        self._call_keys: dict[str, EntryKey] = {}
        self._unclaimed: dict[EntryKey, str] = {}
        self._last: EntryKey = b""

    @property
    def waiting(self) -> ModelWait | None:
        """The model that has been asked and says nothing yet."""
        return self._execution.waiting

    def changed_keys(self) -> Iterator[EntryKey]:
        """Keys of what is new or has changed since the last call; some may come twice."""
        execution = self._execution
        if execution.revision == self._seen:
            return
        # Messages before calls: they say where a call belongs, whichever was heard of first.
        parts = sorted(execution.changed_since(self._seen), key=itemgetter(0))
        self._seen = execution.revision
        last = self._last
        for part in parts:
            for key in self._keys_of(part):
                if key > self._last:
                    self._last = key
                yield key
        if last and last != self._last:
            # It may have been growing until now.
            yield last

    def entry(self, key: EntryKey) -> Entry:
        index, position = self._place(key)
        if position == 0:
            return self._speech(key, index)
        call = self._call(key, index, position)
        has_gap = not self._prefix and self._answers(index, position)
        return CallEntry(key, call.revision, self._depth, has_gap, call)

    def text_length(self, key: EntryKey) -> int:
        index, position = self._place(key)
        return 0 if position else len(self._execution.messages[index].text)

    def _keys_of(self, part: Part) -> Iterator[EntryKey]:
        if part.kind is PartKind.MESSAGE:
            index = int(part.name)
            if self._is_shown(index):
                yield self._key(index, 0)
            for position, call_id in enumerate(self._execution.messages[index].calls, 1):
                if call_id not in self._call_keys:
                    yield self._call_keys.setdefault(call_id, self._key(index, position))
        elif part.kind is PartKind.CALL:
            call_id = str(part.name)
            yield self._call_keys.get(call_id) or self._take_unclaimed(call_id)
        elif part.kind is PartKind.EXECUTION and self._last:
            yield self._last

    def _take_unclaimed(self, call_id: str) -> EntryKey:
        newest, position = len(self._execution.messages) - 1, UNCLAIMED
        while (key := self._key(newest, position)) in self._unclaimed:
            position += 1
        self._unclaimed[key] = call_id
        self._call_keys[call_id] = key
        return key

    def _key(self, index: int, position: int) -> EntryKey:
        return self._prefix + key_of(index + 1, position)

    def _place(self, key: EntryKey) -> tuple[int, int]:
        """The message that a key belongs to, -1 for before the first, and the position below it."""
        number, position = numbers_of(key[len(self._prefix) :])
        return number - 1, position

    def _speech(self, key: EntryKey, index: int) -> MessageEntry:
        message = self._execution.messages[index]
        is_growing = (
            key == self._last
            and message.role is Role.AGENT
            and self._execution.state in (RunState.PENDING, RunState.RUNNING)
        )
        has_gap = not self._prefix and index > 0
        has_heading = not self._continues(message, index) and (not self._prefix or message.model == SCRIPTED)
        return MessageEntry(key, message.revision, self._depth, has_gap, message, has_heading, is_growing)

    def _call(self, key: EntryKey, index: int, position: int) -> ToolCall:
        call_id = self._unclaimed[key] if position >= UNCLAIMED else self._execution.messages[index].calls[position - 1]
        return self._execution.calls.get(call_id) or ToolCall(call_id, name=call_id)

    def _is_shown(self, index: int) -> bool:
        message = self._execution.messages[index]
        if self._prefix and index == 0 and message.role is Role.HUMAN:
            return False
        return bool(message.text) and not (message.role is Role.TOOL and message.calls)

    def _continues(self, message: Message, index: int) -> bool:
        """Whether the one who spoke last goes on."""
        for before in range(index - 1, max(-1, index - FAR), -1):
            if self._is_shown(before):
                other = self._execution.messages[before]
                return (other.role, other.model) == (message.role, message.model)
        return False

    def _answers(self, index: int, position: int) -> bool:
        """Whether a call comes right after something that somebody else said, not after words of the agent itself."""
        messages = self._execution.messages[max(0, index - FAR) : index + 1]
        if position > 1 and (position != UNCLAIMED or any(message.calls for message in messages[-1:])):
            return False
        for before in range(index, index - len(messages), -1):
            if self._is_shown(before):
                return self._execution.messages[before].role is not Role.AGENT
            if before < index and self._execution.messages[before].calls:
                return False
        return False
