"""Small dialogs: run by name, questions with a few answers, and the list of notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ScreenResultType
from textual.widgets import Input, Label, OptionList, Static

from stigmer_tui.core.units import plural
from stigmer_tui.tui.commands import Place, bindings, footer_text
from stigmer_tui.tui.render.cells import clean_lines, one_line
from stigmer_tui.tui.screens.dismissal import Modal
from stigmer_tui.workbench.model import Run
from stigmer_tui.workbench.state import Level, Notice


class ByNameScreen(Modal[str]):
    """Returns the text; empty if cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.BY_NAME)

    def compose(self) -> ComposeResult:
        with Vertical(id="by-name"):
            yield Label("Run by name or id", id="by-name-title")
            reference = Input(placeholder="of an agent, a workflow, or a run to show", id="reference")
            reference.cursor_blink = False
            yield reference
            yield Label(footer_text("by_name.run", "by_name.leave"), id="by-name-keys")

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())

    def action_run(self) -> None:
        self.dismiss(self.query_one(Input).value.strip())

    def action_leave(self) -> None:
        self.dismiss("")


class Leaving(Enum):
    KEEP_RUNNING = auto()
    CANCEL_RUNS = auto()
    STAY = auto()


class QuestionDialog(Modal[ScreenResultType]):
    """A question with its answers; the first one, which has the focus, loses nothing."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.QUESTION)

    def __init__(self, question: str, answers: Mapping[str, ScreenResultType], keys: Sequence[str]) -> None:
        """`answers` by what is shown of each; `keys` are the ids of the commands below them."""
        super().__init__()
        self._question = question
        self._answers = answers
        self._keys = keys

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Label(self._question, id="dialog-text", markup=False)
            yield OptionList(*self._answers)
            yield Label(footer_text("question.choose", *self._keys), id="dialog-keys")

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(list(self._answers.values())[event.option_index])

    def action_choose(self) -> None:
        self.query_one(OptionList).action_select()

    def action_move(self, step: int) -> None:
        options = self.query_one(OptionList)
        if step > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()


class QuitDialog(QuestionDialog[Leaving]):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.QUIT)

    def __init__(self, names: list[str], can_cancel: bool = True) -> None:
        """`can_cancel`: whether the server supports it."""
        them = "them" if len(names) > 1 else "it"
        answers = {
            f"Quit and keep {them} running": Leaving.KEEP_RUNNING,
            f"Cancel {them} and quit": Leaving.CANCEL_RUNS,
            "Stay": Leaving.STAY,
        }
        if not can_cancel:
            answers = {"Quit (this server cannot cancel runs)": Leaving.KEEP_RUNNING, "Stay": Leaving.STAY}
        question = f"{plural(len(names), 'run')} in progress: {', '.join(map(one_line, names))}"
        super().__init__(question, answers, ("quit.leave", "quit.stay"))

    def action_leave(self) -> None:
        self.dismiss(Leaving.KEEP_RUNNING)

    def action_stay(self) -> None:
        self.dismiss(Leaving.STAY)


class DeleteDialog(QuestionDialog[bool]):
    """Returns whether to delete a run."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.DELETE)

    def __init__(self, run: Run) -> None:
        question = f"Delete the run {run.id} of {one_line(run.resource)}, and all that is kept of it?"
        super().__init__(question, {"Keep it": False, "Delete it": True}, ("delete.keep",))

    def action_keep(self) -> None:
        self.dismiss(False)


WORDS = {Level.INFORMATION: "", Level.WARNING: "warning", Level.ERROR: "error"}
TIME_WIDTH, WORD_WIDTH = 10, 9


class NoticesScreen(Modal[None]):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.NOTICES)

    def __init__(self, notices: Sequence[Notice]) -> None:
        super().__init__()
        self._notices = notices

    def compose(self) -> ComposeResult:
        with Vertical(id="notices"):
            yield Label("Notices", id="notices-title")
            with VerticalScroll(id="notices-body", can_focus=False):
                yield from (Static(notice_text(notice), classes="notice") for notice in reversed(self._notices))
                if not self._notices:
                    yield Static("No notices yet")
            yield Label(footer_text("notices.leave"), id="notices-hint")

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_scroll(self, rows: int) -> None:
        self.query_one("#notices-body").scroll_relative(y=rows, animate=False)


def notice_text(notice: Notice) -> Text:
    """Time, level and text of a notice."""
    first, *others = clean_lines(notice.text)
    at = f"{notice.at.astimezone():%H:%M:%S}" if notice.at else ""
    lines = [f"{at:<{TIME_WIDTH}}{WORDS[notice.level]:<{WORD_WIDTH}}{first}"]
    lines += [f"{'':<{TIME_WIDTH + WORD_WIDTH}}{line}" for line in others if line.strip()]
    return Text("\n".join(lines))
