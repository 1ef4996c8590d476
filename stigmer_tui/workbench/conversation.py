"""A conversation: the executions of a session, one for each message of the person, shown as one transcript."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import is_

from stigmer_tui.workbench.entries import NUMBER, Entry, EntryKey, MessageEntry
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.nodes import Message, Role
from stigmer_tui.workbench.outline import Outline
from stigmer_tui.workbench.transcript import Transcript

NEW_CODE = "The agent was deployed anew: from here on the new code answers, and it knows all that was said before."


class Conversation(Outline):
    """The transcripts of a conversation, one after the other, with a line where the code of the agent has changed."""

    def __init__(self) -> None:
        super().__init__()
        self._executions: list[Execution] = []
        self._turns: list[_Turn] = []
        self._changes_of_code: list[EntryKey] = []
        """The lines about new code that stand nowhere yet: what is to be read is put when it is read."""

    def goes_on_with(self, executions: Sequence[Execution]) -> bool:
        """Whether the executions begin with those that are in it."""
        known = len(self._executions)
        return len(executions) >= known and all(map(is_, self._executions, executions))

    def extend(self, executions: Sequence[Execution]) -> None:
        """Adds those that are not in it yet."""
        for number in range(len(self._executions), len(executions)):
            execution = executions[number]
            if number and _has_new_code(executions[number - 1], execution):
                self._changes_of_code.append(NUMBER.pack(2 * number))
            prefix = NUMBER.pack(2 * number + 1)
            self._turns.append(_Turn(execution, prefix, self._put, self._close))
            self._executions.append(execution)

    def execution_at(self, key: EntryKey) -> Execution:
        """The execution that an entry belongs to."""
        number, _ = _place(key)
        return self._executions[number]

    def entry(self, key: EntryKey) -> Entry:
        number, is_in_turn = _place(key)
        if not is_in_turn:
            return MessageEntry(key, 0, 0, True, Message(Role.SYSTEM, NEW_CODE), True, False)
        turn = self._turns[number]
        entry = turn.entry(key[NUMBER.size :])
        is_first = turn.key(0) == entry.key
        return replace(entry, key=key, has_gap=entry.has_gap or (is_first and number > 0))

    def text_length(self, key: EntryKey) -> int:
        number, is_in_turn = _place(key)
        return self._turns[number].text_length(key[NUMBER.size :]) if is_in_turn else len(NEW_CODE)

    def _follow(self) -> None:
        for key in self._changes_of_code:
            self._put(key)
        self._changes_of_code.clear()
        for turn in self._turns:
            turn.refresh()


class _Turn(Transcript):
    """The transcript of one execution, which passes on what changes."""

    def __init__(
        self, execution: Execution, prefix: EntryKey, put: Callable[[EntryKey], None], close: Callable[[EntryKey], None]
    ) -> None:
        super().__init__(execution)
        self._prefix = prefix
        self._pass_on = put
        self._pass_on_closed = close

    def _put(self, key: EntryKey) -> None:
        super()._put(key)
        self._pass_on(self._prefix + key)

    def _close(self, key: EntryKey) -> None:
        super()._close(key)
        self._pass_on_closed(self._prefix + key)


def _place(key: EntryKey) -> tuple[int, bool]:
    """The number of the execution that an entry is about, and whether it is one of its transcript."""
    number, is_in_turn = divmod(int.from_bytes(key[: NUMBER.size]), 2)
    return number, bool(is_in_turn)


def _has_new_code(before: Execution, after: Execution) -> bool:
    return bool(before.code and after.code and before.code != after.code)
