"""Texts with expressions in them: which of what is written down they take their values from.

Formatting an expression changes nothing. What the text has come from is remembered, and is used only where the text
becomes part of a task: so a project may print whatever it likes, and deploys the same.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from stigmer_tui.sdk.collection import current_registry
from stigmer_tui.sdk.mistakes import DefinitionError

OPENING = "${"


class ReferenceOrigin(Protocol):
    """What an expression takes its value from."""

    def check(self) -> None:
        """Raises DefinitionError where the expression has no value."""
        ...

    def use(self) -> None:
        """Called when the expression becomes part of a task. Raises DefinitionError where it has no value."""
        ...


class Meanings:
    """Of the text that an expression gave: from different places of a project the same text may come.

    Where it is used, the newest one that has a value there is meant.
    """

    def __init__(self) -> None:
        self._all: dict[tuple[ReferenceOrigin, ...], None] = {}

    def add(self, origins: tuple[ReferenceOrigin, ...]) -> None:
        # The newest last.
        self._all.pop(origins, None)
        self._all[origins] = None

    def check(self) -> None:
        self._meant()

    def use(self) -> None:
        for origin in self._meant():
            origin.use()

    def _meant(self) -> tuple[ReferenceOrigin, ...]:
        refusal: DefinitionError | None = None
        for origins in reversed(self._all):
            try:
                for origin in origins:
                    origin.check()
            except DefinitionError as error:
                refusal = refusal or error
            else:
                return origins
        if refusal is not None:
            raise refusal
        return ()


class NamedTask(NamedTuple):
    """A task that an expression names which somebody wrote by hand."""

    name: str

    def check(self) -> None:
        draft = current_registry().open_draft
        if draft is not None and (task := draft.tasks.get(self.name)):
            task.check()

    def use(self) -> None:
        draft = current_registry().open_draft
        if draft is not None:
            self.check()
            draft.named.add(self.name)


def remember(text: str, origins: tuple[ReferenceOrigin, ...]) -> None:
    """What an expression has given."""
    known = current_registry().placeholders
    if text not in known:
        known[text] = Meanings()
    known[text].add(origins)


def origins_in(text: str) -> tuple[ReferenceOrigin, ...]:
    """Of all expressions in a text. Raises DefinitionError where one was written into it by hand, and wrongly."""
    known = current_registry().placeholders
    origins: list[ReferenceOrigin] = []
    by_hand = False
    start = text.find(OPENING)
    while start >= 0:
        end = _known_end(text, start)
        by_hand = by_hand or end < 0
        if end >= 0:
            origins.append(known[text[start:end]])
        start = text.find(OPENING, max(end, start + 1))
    if by_hand:
        from stigmer_tui.sdk.handwritten import tasks_named_in

        origins += map(NamedTask, tasks_named_in(text))
    return tuple(origins)


def _known_end(text: str, start: int) -> int:
    """Where the expression ends that begins here; -1 for one that no expression gave."""
    known = current_registry().placeholders
    end = text.find("}", start)
    # Braces in it are in pairs, or in quotes, so no beginning of one expression is another one.
    while end >= 0:
        if text[start : end + 1] in known:
            return end + 1
        end = text.find("}", end + 1)
    return -1
