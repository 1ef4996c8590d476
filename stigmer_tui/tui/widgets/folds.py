"""Which entries are unfolded: messages but no summaries and no reasoning, failures, the newest list of things to do,
and those that the user unfolded."""

from __future__ import annotations

from collections.abc import Set

from stigmer_tui.tui.render.entry_details import has_details
from stigmer_tui.workbench.entries import LEVEL, Entry, EntryKey, GroupEntry, MessageEntry, NodeEntry
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.todos import todos_of


class Folds:
    def __init__(self, closed: Set[EntryKey] = frozenset()) -> None:
        """`closed` are entries whose content is hidden at first; more may be added to it."""
        self._closed = closed
        self._chosen: dict[EntryKey, bool] = {}
        self._turned: set[EntryKey] = set()
        """Groups that the user closed, and closed entries that the user opened."""

    @property
    def hides_any(self) -> bool:
        return bool(self._closed or self._turned)

    def hides(self, key: EntryKey) -> bool:
        """Whether an entry is within something that is closed."""
        return self.hides_any and any(self._is_closed(key[:end]) for end in range(LEVEL, len(key), LEVEL))

    def has_content(self, entry: Entry) -> bool:
        """Whether other entries are hidden and shown with it."""
        return isinstance(entry, GroupEntry) or entry.key in self._closed

    def is_unfolded(self, entry: Entry) -> bool:
        chosen = self._chosen.get(entry.key)
        if chosen is not None:
            return chosen
        if entry.key in self._closed:
            return False
        if isinstance(entry, NodeEntry):
            is_list = bool(todos_of(entry.node)) and not entry.is_superseded
            return is_list or (entry.node.state is RunState.FAILED and not entry.is_told_below)
        return not (isinstance(entry, MessageEntry) and (entry.message.is_summary or entry.message.is_reasoning))

    def is_foldable(self, entry: Entry) -> bool:
        match entry:
            case GroupEntry():
                return True
            case MessageEntry(message=message):
                return "\n" in message.text.strip()
            case _:
                return has_details(entry)

    def toggle(self, entry: Entry) -> None:
        self._chosen[entry.key] = not self.is_unfolded(entry)
        if self.has_content(entry):
            self._turned ^= {entry.key}

    def _is_closed(self, key: EntryKey) -> bool:
        return (key in self._closed) != (key in self._turned)
