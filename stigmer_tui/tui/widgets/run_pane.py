"""The execution pane: the shown run, why there is one, what is wrong with the code, and what happens in the run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.timer import Timer

from stigmer_tui.core.clock import Clock
from stigmer_tui.tui.commands import Place, bindings
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.pane import (
    daemon_problem_rows,
    lost_daemon_rows,
    problem_rows,
    title_rows,
    waiting_row,
    welcome_rows,
)
from stigmer_tui.tui.render.styled_rows import EMPTY_ROW, Row, Span, StyleRole
from stigmer_tui.tui.render.tests import difference_rows
from stigmer_tui.tui.run_views import VIEWS, RunView
from stigmer_tui.tui.widgets.approval_panel import ApprovalPanel
from stigmer_tui.tui.widgets.entry_list import EntryList
from stigmer_tui.tui.widgets.preview_panel import PreviewPanel
from stigmer_tui.tui.widgets.themed_widget import RowPanel
from stigmer_tui.workbench.conversation import Conversation
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind
from stigmer_tui.workbench.outline import Outline
from stigmer_tui.workbench.state import ShownRun, WorkbenchState

if TYPE_CHECKING:
    from stigmer_tui.tui.widgets.message_input import MessageInput

TICK = 1.0
"""Seconds between two looks at how long the shown run has been going on."""

TAB_GAP = "  "

MESSAGE_INPUT = "message-input"
"""Id of the widget below the transcript of an agent."""


class HeldClock:
    """Stands still while nothing is known of what runs."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: datetime | None = None

    @property
    def is_held(self) -> bool:
        return self._held is not None

    def hold(self, held: bool) -> None:
        if held is not self.is_held:
            self._held = self._clock.now() if held else None

    def now(self) -> datetime:
        return self._held or self._clock.now()

    def monotonic(self) -> float:
        return self._clock.monotonic()


MAX_LOOKS = 20
"""Frames in which a text is looked for that a run does not show."""


@dataclass(slots=True)
class Wanted:
    """A text that is to be selected in a run."""

    execution_id: str
    text: str
    looks: int = 0


class Tabs(RowPanel):
    """The views of a run; a click chooses one."""

    def show_view(self, shown: RunView) -> None:
        spans: list[Span] = []
        for view in VIEWS:
            spans += [
                (view.label, StyleRole.STRONG | StyleRole.RUNNING if view is shown else StyleRole.MUTED),
                (TAB_GAP, StyleRole.TEXT),
            ]
        self.show([Row(tuple(spans))])

    def on_click(self, event: events.Click) -> None:
        pane = self.parent
        if isinstance(pane, RunPane):
            ends = accumulate(len(view.label) + len(TAB_GAP) for view in VIEWS)
            # Half of a gap belongs to the tab before it; whatever is beyond the last tab, to that one.
            views = (view for view, end in zip(VIEWS, ends, strict=True) if event.x < end - 1)
            pane.show_view(next(views, VIEWS[-1]))


class RunPane(Vertical):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.PANE)

    def __init__(self, *, clock: Clock, glyphs: Glyphs, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._clock = HeldClock(clock)
        self._glyphs = glyphs
        self._state = WorkbenchState()
        self._view = VIEWS[0]
        self._execution: Execution | None = None
        self._outlines: dict[str, Outline] = {}
        """By the id of the view."""
        self._ticker: Timer | None = None
        self._wanted: Wanted | None = None

    def compose(self) -> ComposeResult:
        yield RowPanel(glyphs=self._glyphs, id="problem")
        yield RowPanel(glyphs=self._glyphs, id="title")
        yield Tabs(glyphs=self._glyphs, id="tabs")
        yield RowPanel(glyphs=self._glyphs, id="welcome")
        yield PreviewPanel(glyphs=self._glyphs, id="preview")
        yield EntryList(clock=self._clock, glyphs=self._glyphs, id="entries")
        yield ApprovalPanel(clock=self._clock, glyphs=self._glyphs, id="approval")

    def on_mount(self) -> None:
        self._title, self._tabs = self.query_one("#title", RowPanel), self.query_one(Tabs)
        self._problem, self._welcome = self.query_one("#problem", RowPanel), self.query_one("#welcome", RowPanel)
        self._preview, self._is_choosing = self.query_one(PreviewPanel), False
        self._entries, self._approval = self.query_one(EntryList), self.query_one(ApprovalPanel)
        self.update(self._state)

    def on_resize(self) -> None:
        self.update(self._state)

    def update(self, state: WorkbenchState) -> None:
        """Shows the state; once a frame is enough."""
        self._state = state
        self._clock.hold(not state.daemon.connected)
        self._show_problem()
        shown = state.shown
        self.set_class(shown is not None, "has-run")
        if self._approval.update(shown.execution if shown else None):
            self._let_answer()
        self._show_preview()
        if shown is None:
            self._show_welcome()
            return
        if shown.execution is not self._execution:
            self._execution = shown.execution
            self._outlines = {view.id: self._outline(view, shown) for view in VIEWS}
            self._tabs.show_view(self._view)
            self._show_input(shown)
        for message_input in self.query(f"#{MESSAGE_INPUT}"):
            cast("MessageInput", message_input).announce_new_code(shown.has_newer_code)
        self._show_title()
        self._show_entries(shown.execution)

    def look_for(self, execution_id: str, text: str) -> None:
        """Selects what has the text, as soon as this run is shown with it."""
        self._wanted = Wanted(execution_id, text) if text else None

    def show_view(self, view: RunView) -> None:
        self._view = view
        self._tabs.show_view(view)
        self.update(self._state)
        self.refresh_bindings()

    def action_write(self) -> None:
        for message_input in self.query(f"#{MESSAGE_INPUT}"):
            # At once, unlike `focus()`: the next key may be here already.
            self.screen.set_focus(message_input)

    def on_entry_list_write_requested(self) -> None:
        self.action_write()

    def on_entry_list_edit_requested(self, message: EntryList.EditRequested) -> None:
        outline = self._outlines[self._view.id]
        if isinstance(outline, Conversation):
            execution = outline.execution_at(message.key)
            for message_input in self.query(f"#{MESSAGE_INPUT}"):
                cast("MessageInput", message_input).edit_message(execution)

    def _let_answer(self) -> None:
        """The keys of a question work outside of the message, which a person who writes one leaves by themselves."""
        for message_input in self.query(f"#{MESSAGE_INPUT}"):
            if message_input.has_focus and not cast("MessageInput", message_input).text:
                self._entries.focus()

    def on_message_input_left(self) -> None:
        self._entries.focus()

    def action_view(self, id_: str) -> None:
        self.show_view(next(view for view in VIEWS if view.id == id_))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "write":
            return self.has_class("can-write")
        if action != "view":
            return True
        (view,) = (view for view in VIEWS if view.id in parameters)
        return view is not self._view and view.when(self._state)

    def _outline(self, view: RunView, shown: ShownRun) -> Outline:
        """A conversation goes on in the outline that it was shown in."""
        if not (view.is_of_conversation and shown.execution.kind is ResourceKind.AGENT):
            return view.outline(shown.execution)
        known = self._outlines.get(view.id)
        is_same = isinstance(known, Conversation) and known.goes_on_with(shown.conversation)
        conversation = known if is_same and isinstance(known, Conversation) else Conversation()
        conversation.extend(shown.conversation)
        return conversation

    def _show_input(self, shown: ShownRun) -> None:
        self.set_class(shown.can_continue, "can-write")
        if not shown.can_continue:
            return
        # Loaded when there is an agent to write to: the first screen must stand at once.
        from stigmer_tui.tui.widgets.message_input import MessageInput

        found = self.query(MessageInput)
        message_input = found.first() if found else MessageInput(id=MESSAGE_INPUT)
        if not found:
            self.mount(message_input)
        history = [execution.message for execution in shown.conversation]
        message_input.show(shown.resource.name, shown.execution.session, history)

    def look_ahead(self, is_choosing: bool) -> None:
        """Whether a person is about to choose what to run: then its preview is shown, if a run is shown or not."""
        if is_choosing is not self._is_choosing:
            self._is_choosing = is_choosing
            self._show_preview()

    def _show_preview(self) -> None:
        preview, shown = self._state.preview, self._state.shown
        # A question is not hidden: its keys count wherever one is.
        is_run_hidden = shown is None or (self._is_choosing and self._approval.call is None)
        if preview is None or self._state.daemon.problem or not is_run_hidden:
            self.remove_class("has-preview")
            return
        self.add_class("has-preview")
        self._preview.update(preview, self._state, self.size.width, self.size.height)

    def _show_title(self) -> None:
        shown = self._state.shown
        if shown is None:
            return
        error = self._view.error(shown.execution) if shown.execution.state.is_final else ""
        is_connected = not self._state.daemon.problem
        width, now = self._title.size.width or self.size.width, self._clock.now()
        self._title.show(title_rows(shown, width, self._glyphs, now, is_connected, error))
        if not shown.execution.state.is_final and self._ticker is None and not self._clock.is_held:
            self._ticker = self.set_timer(TICK, self._tick)

    def _show_entries(self, execution: Execution) -> None:
        if self._outlines:
            waiting = waiting_row(execution, self._clock.now(), self._glyphs)
            empty = self._view.empty(execution)
            if not (self._state.daemon.abilities.can_control or execution.state.is_final):
                empty = f"{empty.rstrip(' …')}; this server does not tell of every task"
            can_write = self.has_class("can-write")
            outline, is_live = self._outlines[self._view.id], not self._clock.is_held
            self._entries.update(outline, empty, waiting, is_live=is_live, can_write=can_write)
            self._select_wanted(execution)

    def _select_wanted(self, execution: Execution) -> None:
        """What other runs have said that it has started comes a moment after its own."""
        wanted = self._wanted
        if wanted is None or wanted.execution_id != execution.id:
            return
        wanted.looks += 1
        if self._entries.select_text(wanted.text) or wanted.looks == MAX_LOOKS:
            self._wanted = None

    def _tick(self) -> None:
        self._ticker = None
        self._show_title()
        if (shown := self._state.shown) and shown.execution.waiting:
            self._show_entries(shown.execution)

    def _show_problem(self) -> None:
        """Above a run; where there is none, the daemon's problem is what the pane is filled with."""
        daemon, project = self._state.daemon, self._state.project
        width = self._problem.size.width or self.size.width
        if daemon.problem and self._state.shown:
            rows = lost_daemon_rows(daemon, width, self._glyphs)
        elif project and project.problem and not daemon.problem:
            rows = problem_rows(project.problem, width, self._glyphs, self._state.shown is not None)
        elif (shown := self._state.shown) and (test := self._state.tests.of_run(shown.execution.id)):
            rows = difference_rows(test, width, self._glyphs)
        else:
            rows = []
        self._problem.styles.height = len(rows)
        self._problem.display = bool(rows)
        self._problem.show(rows)

    def _show_welcome(self) -> None:
        width = max(1, self._welcome.size.width or self.size.width)
        daemon = self._state.daemon
        rows = daemon_problem_rows(daemon, width) if daemon.problem else welcome_rows(self._state, width)
        self._welcome.styles.height = len(rows) + 1
        self._welcome.show([EMPTY_ROW, *rows])
