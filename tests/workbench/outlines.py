"""Looking at outlines in tests: as lines of text, and through their edits."""

from __future__ import annotations

from stigmer_tui.workbench.entries import EndEntry, Entry, GroupEntry, MessageEntry, NodeEntry
from stigmer_tui.workbench.outline import Changed, Inserted, Outline


def shown(outline: Outline) -> list[str]:
    """An entry a line, indented by its depth."""
    outline.refresh()
    return ["  " * entry.depth + describe(entry) for entry in outline]


def describe(entry: Entry) -> str:
    match entry:
        case MessageEntry(message=message):
            heading = f"{message.role.value}: " if entry.has_heading else ""
            return f"{heading}{message.text}{'…' if entry.is_growing else ''}"
        case NodeEntry(node=node):
            return f"{entry.prefix}{node.name} {node.state}"
        case GroupEntry(name=name, state=state):
            return f"[{name}] {state}"
        case EndEntry(state=state):
            return f"{state}: {entry.error or entry.output}"
    raise AssertionError(entry)


class Reader:
    """Knows an outline by its edits only, and finds out when these do not tell everything."""

    def __init__(self, outline: Outline) -> None:
        self.outline = outline
        self._known: list[Entry | None] = []

    def read(self) -> None:
        for edit in self.outline.refresh():
            match edit:
                case Inserted(index, count):
                    assert 0 <= index <= len(self._known)
                    self._known[index:index] = [None] * count
                case Changed(index):
                    self._known[index] = None
        assert len(self._known) == len(self.outline)
        for known, entry in zip(self._known, self.outline, strict=True):
            assert known in (None, entry), "an entry changed and no edit said so"
        self._known = list(self.outline)
