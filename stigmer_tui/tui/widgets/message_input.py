"""The line below the transcript of an agent, where a person goes on with the conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.tui.commands import Place, bindings
from stigmer_tui.tui.editor import edited
from stigmer_tui.tui.render.cells import one_line
from stigmer_tui.tui.widgets.message_area import MENTION_HINT, MessageArea
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.mentioned_files import mentions, mentions_instead, starting_folder

NEWER_CODE = "Deployed again: the next message runs on the new code"


class MessageInput(MessageArea):
    """It grows with what is written. `up` on its first row brings earlier messages, `down` on its last newer ones."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.WRITING)

    class Submitted(Message):
        """`execution_id` is that of the message in whose place this one is sent; empty for a new one. `files` belong to
        it.
        """

        def __init__(self, text: str, execution_id: str, files: str) -> None:
            super().__init__()
            self.text = text
            self.execution_id = execution_id
            self.files = files

    class Failed(Message):
        """An editor, or a mentioned file that cannot be read. What was written stays as it is."""

        def __init__(self, error: StigmerError) -> None:
            super().__init__()
            self.error = error

    class Left(Message):
        """The person is done with writing, for now."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(takes_files=True, id=id)
        self._agent = ""
        self._history: Sequence[str] = ()
        """What the person said in this conversation, the oldest first."""
        self._place = 0
        """In the history; its length for the message that is being written."""
        self._draft = ""
        """That message, while an earlier one stands here."""
        self._edited: Execution | None = None
        """The execution whose message is edited."""
        self._has_newer_code = False
        self._about_mentions = ""
        self._session = ""
        self._drafts: dict[str, str] = {}
        """By session."""

    def show(self, agent: str, session: str, history: Sequence[str]) -> None:
        """Is about a conversation from now on. What was written to another one is kept for when that is shown."""
        if session != self._session:
            self._drafts[self._session] = self.text
            self._session, self._edited = session, None
            self.text = self._drafts.pop(session, "")
            self._place = len(history)
        if len(history) != len(self._history):
            self._place = len(history)
        self._history = history
        if agent != self._agent:
            self._agent = agent
            self._show_title()

    def announce_new_code(self, is_newer: bool) -> None:
        """Whether what is written here runs on newer code than what was answered last."""
        if is_newer is not self._has_newer_code:
            self._has_newer_code = is_newer
            self._show_title()

    def edit_message(self, execution: Execution) -> None:
        """Has the message of an earlier execution edited."""
        self._edited = execution
        self.text = execution.message
        self.move_cursor(self.document.end)
        self._show_title()
        self.screen.set_focus(self)

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        return key == "enter" or super().check_consume_key(key, character)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self.text.strip()) if action == "send" else True

    def action_send(self) -> None:
        text, edited = self.text.strip(), self._edited
        if not text:
            return
        try:
            if edited:
                files = mentions_instead(text, starting_folder(), edited.message, edited.files)
            else:
                files = mentions(text, starting_folder())
        except StigmerError as error:
            self.post_message(self.Failed(error))
            return
        self.post_message(self.Submitted(text, edited.id if edited else "", files))
        self._clear()

    def action_leave(self) -> None:
        if self._edited:
            self._clear()
        self.post_message(self.Left())

    async def action_editor(self) -> None:
        try:
            self.text = await edited(self.app, self.text)
        except StigmerError as error:
            self.post_message(self.Failed(error))
            return
        self.move_cursor(self.document.end)

    def action_cursor_up(self, select: bool = False) -> None:
        if select or self.cursor_location[0] or not self._place:
            super().action_cursor_up(select)
            return
        if self._place == len(self._history):
            self._draft = self.text
        self._bring(self._place - 1)

    def action_cursor_down(self, select: bool = False) -> None:
        if select or self.cursor_location[0] < self.document.line_count - 1 or self._place >= len(self._history):
            super().action_cursor_down(select)
        else:
            self._bring(self._place + 1)

    def tell_files(self, text: str) -> None:
        self._about_mentions = text
        self._show_title()

    def enter(self) -> None:
        self.action_send()

    def _bring(self, place: int) -> None:
        self._place = place
        self.text = self._history[place] if place < len(self._history) else self._draft
        self.move_cursor(self.document.end)

    def _clear(self) -> None:
        self._edited, self._draft, self._place = None, "", len(self._history)
        self.text = ""
        self._show_title()

    def _show_title(self) -> None:
        agent = one_line(self._agent)
        newer = NEWER_CODE if self._has_newer_code else ""
        about = "Your message, edited: it is sent in a fork of the conversation" if self._edited else newer
        self.border_title = "  ·  ".join(filter(None, (about, self._about_mentions)))
        self.placeholder = f"Write to {agent}  ·  {MENTION_HINT}"
