"""Which entries are unfolded: messages, failures, and those that the user unfolded."""

from __future__ import annotations

from stigmer_tui.tui.render.entry_details import has_details
from stigmer_tui.workbench.entries import LEVEL, Entry, EntryKey, GroupEntry, MessageEntry, NodeEntry
from stigmer_tui.workbench.model import RunState


class Folds:
    def __init__(self) -> None:
        self._chosen: dict[EntryKey, bool] = {}
        self._folded_groups: set[EntryKey] = set()

    @property
    def hides_any(self) -> bool:
        return bool(self._folded_groups)

    def hides(self, key: EntryKey) -> bool:
        """Whether an entry is within a folded group."""
        return self.hides_any and any(key[:end] in self._folded_groups for end in range(LEVEL, len(key), LEVEL))

    def is_unfolded(self, entry: Entry) -> bool:
        chosen = self._chosen.get(entry.key)
        if chosen is not None:
            return chosen
        if isinstance(entry, NodeEntry):
            return entry.node.state is RunState.FAILED and not entry.is_told_below
        return True

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
        if isinstance(entry, GroupEntry):
            self._folded_groups ^= {entry.key}
