"""A field for a message of several lines. Files that it mentions as `@PATH` are shown, and paths completed."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import TextArea

from stigmer_tui.core.units import size_text
from stigmer_tui.tui.commands import Place, bindings
from stigmer_tui.tui.render.cells import one_line
from stigmer_tui.tui.widgets.completed_field import CompletedField
from stigmer_tui.workbench.mentioned_files import Completion, completion, mentioned_files, sizes, starting_folder

MENTION_HINT = "@PATH attaches a file"
MAX_CHOICES = 6
"""Names that are shown where several begin with what is written."""


class MessageArea(CompletedField, TextArea):
    """Enter is for sending, as in every chat; a new line is one key further."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.MESSAGE)

    class Entered(Message):
        pass

    class Mentions(Message):
        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(
        self,
        text: str = "",
        *,
        soft_wrap: bool = True,
        placeholder: str = "",
        takes_files: bool = False,
        id: str | None = None,  # noqa: A002
    ) -> None:
        """`takes_files`: whether files can be mentioned."""
        super().__init__(text, soft_wrap=soft_wrap, show_line_numbers=False, placeholder=placeholder, id=id)
        self.cursor_blink = False
        self.takes_tab = self._takes_files = takes_files

    def enter(self) -> None:
        """What the key does."""
        self.post_message(self.Entered())

    def action_new_line(self) -> None:
        self.insert("\n")

    def action_complete(self) -> None:
        """The path after an `@`, as far as it is certain. Where there is none, the next field has the focus."""
        if found := self._completion():
            self.insert(found.text)
        else:
            screen: Any = self.screen
            screen.action_next_field()

    def on_text_area_changed(self) -> None:
        if self._takes_files:
            self.tell_files(self._about_files() if "@" in self.text else "")

    def tell_files(self, text: str) -> None:
        """Where a person sees it: which files are mentioned, or could be."""
        self.post_message(self.Mentions(text))

    def _completion(self) -> Completion | None:
        """Of what stands before the cursor."""
        if not self._takes_files:
            return None
        row, column = self.cursor_location
        return completion(self.document.get_line(row)[:column], starting_folder())

    def _about_files(self) -> str:
        """How a path may go on that is being written; else the files that are mentioned."""
        if (unfinished := self._completion()) and (choices := unfinished.choices):
            more = "  …" if len(choices) > MAX_CHOICES else ""
            return "  ".join(map(one_line, choices[:MAX_CHOICES])) + more
        files = sizes(mentioned_files(self.text, starting_folder()))
        named = ", ".join(f"{one_line(name)} ({size_text(size)})" for name, size in files)
        return f"with {named}" if named else ""

    async def _on_key(self, event: events.Key) -> None:
        focused = self.screen.focused
        if focused is not self and focused is not None:
            # It was pressed after one that has led elsewhere.
            event.stop()
            event.prevent_default()
            focused.post_message(events.Key(event.key, event.character))
        elif event.key == "enter" or (event.key == "tab" and self.takes_tab):
            event.stop()
            event.prevent_default()
            if event.key == "enter":
                self.enter()
            else:
                self.action_complete()
        else:
            await super()._on_key(event)
