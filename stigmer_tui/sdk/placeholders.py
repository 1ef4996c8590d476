"""Placeholders: the form of expressions in texts, `${ … }`, and which values a text takes from them.

Formatting an expression has no effect. The text that it gives is remembered with its sources, and these are used only
when the text becomes part of a task: a project may print what it likes, and deploys the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from stigmer_tui.sdk.builder import WorkflowBuilder
from stigmer_tui.sdk.errors import DefinitionError

OPENING = "${"


class ReferenceSource(Protocol):
    """What an expression takes its value from. `open_workflow` is the one whose `with` block is running."""

    def check(self, open_workflow: WorkflowBuilder | None) -> None:
        """Raises DefinitionError where the expression has no value."""
        ...

    def use(self, open_workflow: WorkflowBuilder | None) -> None:
        """The expression becomes part of a task. Raises DefinitionError where it has no value."""
        ...


class Placeholder:
    """A text that expressions have given. Different expressions may give the same one.

    The newest that has a value where the text is used is meant.
    """

    def __init__(self) -> None:
        self._candidates: dict[tuple[ReferenceSource, ...], None] = {}
        """The sources of each expression, the newest last."""

    def add(self, sources: tuple[ReferenceSource, ...]) -> None:
        """Another expression has given this text."""
        self._candidates.pop(sources, None)
        self._candidates[sources] = None

    def check(self, open_workflow: WorkflowBuilder | None) -> None:
        """Raises DefinitionError where none of the expressions has a value."""
        self._sources(open_workflow)

    def use(self, open_workflow: WorkflowBuilder | None) -> None:
        """The text becomes part of a task. Raises DefinitionError where none of the expressions has a value."""
        for source in self._sources(open_workflow):
            source.use(open_workflow)

    def _sources(self, open_workflow: WorkflowBuilder | None) -> tuple[ReferenceSource, ...]:
        first_error: DefinitionError | None = None
        for sources in reversed(self._candidates):
            try:
                for source in sources:
                    source.check(open_workflow)
            except DefinitionError as error:
                first_error = first_error or error
            else:
                return sources
        if first_error is not None:
            raise first_error
        return ()


class NamedTask(NamedTuple):
    """A task whose output a handwritten expression reads, by its name."""

    name: str

    def check(self, open_workflow: WorkflowBuilder | None) -> None:
        """Raises DefinitionError where the output of this task cannot be read."""
        if open_workflow is not None and (task := open_workflow.nodes.get(self.name)):
            open_workflow.check_visible(task)

    def use(self, open_workflow: WorkflowBuilder | None) -> None:
        """Exports the output, also of a task that follows. Raises DefinitionError where it cannot be read."""
        if open_workflow is not None:
            self.check(open_workflow)
            open_workflow.read_by_name.add(self.name)


class Placeholders:
    """All placeholders of a project, by their text."""

    def __init__(self) -> None:
        self.known: dict[str, Placeholder] = {}

    def remember(self, text: str, sources: tuple[ReferenceSource, ...]) -> None:
        """An expression has given this text."""
        if text not in self.known:
            self.known[text] = Placeholder()
        self.known[text].add(sources)

    def sources_in(self, text: str) -> tuple[ReferenceSource, ...]:
        """The sources of all expressions in a text. Raises DefinitionError for a handwritten one that is not valid."""
        sources: list[ReferenceSource] = []
        is_handwritten = False
        for part in self._parts(text):
            if part in self.known:
                sources.append(self.known[part])
            elif OPENING in part:
                is_handwritten = True
        if is_handwritten:
            from stigmer_tui.sdk.raw_jq import tasks_named_in

            sources += map(NamedTask, tasks_named_in(text))
        return tuple(sources)

    def literals_in(self, text: str) -> list[str]:
        """The parts of a text outside of expressions. Raises DefinitionError as `sources_in`."""
        literals = [part for part in self._parts(text) if part not in self.known]
        if any(OPENING in part for part in literals):
            from stigmer_tui.sdk.raw_jq import literals_in

            return literals_in(text)
        return literals

    def _parts(self, text: str) -> Iterator[str]:
        """The placeholders in a text, and what stands between them, handwritten expressions included."""
        begin = 0
        start = text.find(OPENING)
        while start >= 0:
            end = self._end(text, start)
            if end >= 0:
                if start > begin:
                    yield text[begin:start]
                yield text[start:end]
                begin = end
            start = text.find(OPENING, max(end, start + 1))
        if begin < len(text):
            yield text[begin:]

    def _end(self, text: str, start: int) -> int:
        """The end of the placeholder that begins at `start`; -1 for a handwritten expression."""
        end = text.find("}", start)
        # Braces in it are in pairs, or in quotes, so no beginning of one placeholder is another one.
        while end >= 0:
            if text[start : end + 1] in self.known:
                return end + 1
            end = text.find("}", end + 1)
        return -1
