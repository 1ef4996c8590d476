"""Which entries are unfolded: those that say something by themselves, what failed, and what the person unfolded."""

from __future__ import annotations

from stigmer_tui.tui.render.details import has_details
from stigmer_tui.tui.render.head import state_of
from stigmer_tui.workbench.entries import Call, Entry, Group, Speech, Step
from stigmer_tui.workbench.keys import LEVEL, Key
from stigmer_tui.workbench.model import State


class Folds:
    def __init__(self) -> None:
        self._chosen: dict[Key, bool] = {}
        self._folded_groups: set[Key] = set()

    @property
    def hides_any(self) -> bool:
        return bool(self._folded_groups)

    def hides(self, key: Key) -> bool:
        """Whether an entry stands below a group that is folded."""
        return self.hides_any and any(key[:end] in self._folded_groups for end in range(LEVEL, len(key), LEVEL))

    def is_unfolded(self, entry: Entry) -> bool:
        chosen = self._chosen.get(entry.key)
        if chosen is not None:
            return chosen
        if isinstance(entry, Step):
            return entry.task.state is State.FAILED and not entry.is_told_below
        return state_of(entry) is State.FAILED if isinstance(entry, Call) else True

    def is_foldable(self, entry: Entry) -> bool:
        match entry:
            case Group():
                return True
            case Speech(message=message):
                return "\n" in message.text.strip()
            case _:
                return has_details(entry)

    def toggle(self, entry: Entry) -> None:
        self._chosen[entry.key] = not self.is_unfolded(entry)
        if isinstance(entry, Group):
            self._folded_groups ^= {entry.key}
