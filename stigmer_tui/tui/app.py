"""The full-screen app: it draws the session's state at a steady rate, and hands the person's wishes to the session."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import BindingType
from textual.screen import Screen

from stigmer_tui.core import settings
from stigmer_tui.core.clock import Clock
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.units import size_text
from stigmer_tui.core.watch_rules import Queueing, When
from stigmer_tui.tui.away_notice import tell_of_end
from stigmer_tui.tui.clipboard import copy_to_terminal
from stigmer_tui.tui.commands import Place, bindings, can_do
from stigmer_tui.tui.frame_throttle import FrameThrottle, interval_for
from stigmer_tui.tui.gc_tuner import GcTuner
from stigmer_tui.tui.overlays import OverlayApp
from stigmer_tui.tui.screens.main import PANE, MainScreen
from stigmer_tui.tui.themes import DARK, LIGHT, default_theme, style_sheets
from stigmer_tui.tui.widgets.entry_list import EntryList
from stigmer_tui.tui.widgets.notice_area import NoticeArea
from stigmer_tui.tui.widgets.picker import Picker
from stigmer_tui.workbench.approvals import Allow, Verdict, WaitingCall
from stigmer_tui.workbench.events import Event, RunEnded
from stigmer_tui.workbench.execution_tree import run_of
from stigmer_tui.workbench.input_form import is_complete
from stigmer_tui.workbench.model import Resource, ResourceKind, Run
from stigmer_tui.workbench.project_tests import Form
from stigmer_tui.workbench.session import Session
from stigmer_tui.workbench.state import Level, Notice, RunInput, WorkbenchState
from stigmer_tui.workbench.suggestions import input_from

if TYPE_CHECKING:
    from textual.command import Provider

    from stigmer_tui.tui.screens.all_runs import AllRunsScreen
    from stigmer_tui.tui.screens.dialogs import Leaving
    from stigmer_tui.tui.screens.logs import LogScreen
    from stigmer_tui.tui.screens.run_form import Draft
    from stigmer_tui.tui.screens.run_history import RunHistoryScreen
    from stigmer_tui.tui.widgets.message_input import MessageInput


def _command_provider() -> type[Provider]:
    from stigmer_tui.tui.palette import CommandProvider

    return CommandProvider


class StigmerApp(OverlayApp):
    TITLE = "stigmer"
    CSS_PATH = style_sheets()  # type: ignore[assignment]
    ENABLE_COMMAND_PALETTE = True
    PAUSE_GC_ON_SCROLL = True

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.APP)
    COMMANDS: ClassVar[set[Callable[[], type[Provider]]]] = {_command_provider}  # type: ignore[assignment]

    def __init__(self, session: Session, clock: Clock, lifeline: int | None = None) -> None:
        """Raises StigmerError for an unknown theme."""
        super().__init__(session, clock, lifeline)
        # Before there are widgets, whose styles would all have to be applied anew.
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        theme = os.environ.get(settings.THEME.variable, "") or default_theme(self.console.color_system)
        if theme not in self.available_themes:
            known = ", ".join(sorted(self.available_themes))
            raise StigmerError(f"Unknown theme {theme}", f"{settings.THEME.variable} can be one of these: {known}")
        self.theme = self._styled_for = theme
        self.stylesheet.set_variables(self.get_css_variables())
        self._collections = GcTuner(clock)
        self.main = MainScreen(clock=clock, glyphs=self._glyphs, state=session.state)
        self._frames: FrameThrottle[WorkbenchState] | None = None
        self._working: asyncio.Task[None] | None = None
        self._drafts: dict[str, Draft] = {}
        self._notice = 0
        self._looked_at: Resource | None = None

    def get_default_screen(self) -> Screen[Any]:
        return self.main

    def on_mount(self) -> None:
        self._frames = FrameThrottle(self._show, interval_for(os.environ))
        self.session.store.subscribe(self._changed)
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """Starts the session after the first paint, which must not wait for slow imports."""
        self._collections.begin()
        self._working = asyncio.create_task(self.session.run())
        self._working.add_done_callback(self._ended)

    async def on_unmount(self) -> None:
        self._collections.end()
        if self._frames:
            self._frames.close()
        if self._working:
            self._working.cancel()
            await asyncio.wait((self._working,))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return can_do(action, self.session.state)

    def action_command_palette(self) -> None:
        from stigmer_tui.tui.screens.dismissal import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette())

    def refresh_css(self, animate: bool = True) -> None:
        """Skips the first call: the style sheets were parsed with this theme."""
        is_styled, self._styled_for = self._styled_for == self.theme, ""
        if not is_styled:
            super().refresh_css(animate)

    # What the person does

    def on_picker_chosen(self, message: Picker.Chosen) -> None:
        match message.item:
            case Run():
                self._open(message.item)
            case Resource():
                self.run_resource(message.item)

    def on_picker_highlighted(self) -> None:
        self._look_ahead()

    def on_picker_edit_requested(self, message: Picker.EditRequested) -> None:
        self.open_form(message.resource)

    async def on_picker_source_requested(self, message: Picker.SourceRequested) -> None:
        from stigmer_tui.tui.editor import opened

        project = self.session.state.project
        if project:
            try:
                await opened(self, Path(project.folder) / message.source.file, message.source.line)
            except StigmerError as error:
                self.session.store.note(str(error), Level.ERROR)

    async def on_picker_by_name_requested(self) -> None:
        await self.action_run_by_name()

    def on_picker_export_requested(self, message: Picker.ExportRequested) -> None:
        self.session.tests.export(message.run.id, Form.TEST)

    def on_picker_copy_requested(self, message: Picker.CopyRequested) -> None:
        self._copy(message.text)

    def on_entry_list_copy_requested(self, message: EntryList.CopyRequested) -> None:
        self._copy(message.text)

    async def on_log_screen_run_chosen(self, message: LogScreen.RunChosen) -> None:
        await self._run_by_name(message.execution)

    def on_message_input_submitted(self, message: MessageInput.Submitted) -> None:
        if message.execution_id:
            self.session.resend(message.execution_id, message.text, message.files)
        else:
            self.session.send(message.text, message.files)

    def on_message_input_failed(self, message: MessageInput.Failed) -> None:
        self.session.store.note(str(message.error), Level.ERROR)

    def run_resource(self, resource: Resource) -> None:
        """Starts a workflow at once if no value is missing; else, and for agents and tasks, opens the run form."""
        last = self.session.inputs.last(resource.slug)
        suggestions = self.session.inputs.suggestions(resource)
        has_input = is_complete(resource.input_schema, last.message or self.session.inputs.default_message)
        is_missing = not has_input or any(suggestion.is_missing for suggestion in suggestions)
        if resource.kind is not ResourceKind.WORKFLOW or is_missing:
            self.open_form(resource)
        else:
            self._start(resource, input_from(last, suggestions))

    def action_edit(self) -> None:
        if shown := self.session.state.shown:
            self.open_form(shown.resource)

    def action_allow(self) -> None:
        if waiting := self.main.waiting_call:
            self.session.answer(waiting, Allow())

    def action_allow_tool(self) -> None:
        if waiting := self.main.waiting_call:
            self.session.answer(waiting, Allow(is_for_run=True))

    async def action_change_arguments(self) -> None:
        from stigmer_tui.tui.screens.approval import ArgumentsDialog

        if waiting := self.main.waiting_call:
            await self.push_screen(ArgumentsDialog(waiting), partial(self._answer, waiting))

    async def action_deny(self) -> None:
        from stigmer_tui.tui.screens.approval import DenyDialog

        if waiting := self.main.waiting_call:
            await self.push_screen(DenyDialog(waiting), partial(self._answer, waiting))

    def _answer(self, waiting: WaitingCall, verdict: Verdict | None) -> None:
        if verdict is not None:
            self.session.answer(waiting, verdict)

    def action_cancel(self) -> None:
        self.session.cancel()

    def action_rerun(self) -> None:
        self.session.rerun()

    def action_retry(self) -> None:
        self.session.daemon.retry()

    def action_failed_test(self) -> None:
        self.session.tests.open_failed()
        self.main.show_region(PANE)

    def action_run_tests(self) -> None:
        self.session.tests.run_all()

    def action_run_all_tests(self) -> None:
        self.session.tests.run_all()

    def action_export_test(self) -> None:
        self.action_export(Form.TEST)

    def action_export(self, form: str) -> None:
        if shown := self.session.state.shown:
            self.session.tests.export(shown.execution.id, Form(form))

    def action_turn_watch_off(self) -> None:
        self.session.toggle_watch()

    def action_turn_watch_on(self) -> None:
        self.session.toggle_watch()

    def action_rerun_when(self, when: str) -> None:
        self.session.choose_watch_rules(when=When(when))

    def action_queue_reruns(self, queueing: str) -> None:
        self.session.choose_watch_rules(queueing=Queueing(queueing))

    def action_stop_daemon(self) -> None:
        self.session.daemon.stop()

    def action_restart_daemon(self) -> None:
        self.session.daemon.restart()

    def action_restart_component(self, name: str) -> None:
        self.session.daemon.restart_component(name)

    def action_retry_failed(self) -> None:
        self.session.daemon.restart_failed()

    async def action_run_by_name(self) -> None:
        from stigmer_tui.tui.screens.dialogs import ByNameScreen

        await self.push_screen(ByNameScreen(), self._run_by_name)

    async def _run_by_name(self, reference: str | None) -> None:
        if not reference:
            return
        try:
            found = await self.session.find(reference)
        except StigmerError as error:
            self.session.store.note(str(error), Level.ERROR)
            return
        match found:
            case Resource():
                self.run_resource(found)
            case Run():
                self._open(found)
            case None:
                where = self.session.state.daemon.address
                self.session.store.note(
                    f"No agent, workflow or run is named {reference} on the server at {where}", Level.WARNING
                )

    def on_run_history_screen_chosen(self, message: RunHistoryScreen.Chosen) -> None:
        self._open(message.run)
        self.main.look_for(message.run.id, message.text)

    def on_run_history_screen_run_requested(self, message: RunHistoryScreen.RunRequested) -> None:
        resource, run_input = message.resource, message.run_input
        is_missing = any(suggestion.is_missing for suggestion in self.session.inputs.suggestions(resource))
        if message.is_edited or is_missing:
            self.open_form(resource, run_input)
        else:
            self._start(resource, run_input)

    def on_run_history_screen_copy_requested(self, message: RunHistoryScreen.CopyRequested) -> None:
        self._copy(message.text)

    def on_all_runs_screen_chosen(self, message: AllRunsScreen.Chosen) -> None:
        self._open(run_of(message.execution, message.resource.id))

    async def action_quit(self) -> None:
        from stigmer_tui.tui.screens.dialogs import QuitDialog

        unfinished = self.session.unfinished()
        if not unfinished or isinstance(self.screen, QuitDialog):
            self.exit(0)
            return
        can_cancel = self.session.state.daemon.abilities.can_control
        await self.push_screen(QuitDialog([run.resource for run in unfinished], can_cancel), self._leave)

    async def _leave(self, choice: Leaving | None) -> None:
        from stigmer_tui.tui.screens.dialogs import Leaving

        if choice is Leaving.CANCEL_RUNS:
            await self.session.cancel_all()
        if choice in (Leaving.CANCEL_RUNS, Leaving.KEEP_RUNNING):
            self.exit(0)

    def open_form(self, resource: Resource, run_input: RunInput | None = None) -> None:
        """With an input; else with the draft of it, or with what the resource was run with last."""
        from stigmer_tui.tui.screens.run_form import RunForm

        inputs = self.session.inputs
        draft = None if run_input else self._drafts.get(resource.slug)
        given = run_input or inputs.last(resource.slug)
        form = RunForm(resource, given, inputs.suggestions(resource), draft, inputs.default_message)

        def left(run_input: RunInput | None) -> None:
            if run_input is None:
                self._drafts[resource.slug] = form.draft
            else:
                self._drafts.pop(resource.slug, None)
                if form.secrets_to_keep:
                    self.session.keep_secrets(form.secrets_to_keep)
                self._start(resource, run_input)

        self.push_screen(form, left)

    def _open(self, run: Run) -> None:
        self.session.open(run)
        self.main.show_region(PANE)

    def _start(self, resource: Resource, run_input: RunInput) -> None:
        self.session.start(resource, run_input)
        self.main.show_region(PANE)

    def _copy(self, text: str) -> None:
        copy_to_terminal(self, text)
        self._tell([Notice(f"Copied {size_text(len(text.encode()))}")])

    def _tell(self, notices: Iterable[Notice]) -> None:
        """Where the person looks: on the screen in the place of the workbench, if there is one."""
        areas = (area for screen in reversed(self.screen_stack) for area in screen.query(NoticeArea))
        next(areas).add(notices)

    # What the session says

    def _changed(self, event: Event) -> None:
        if isinstance(event, RunEnded) and not self.app_focus and self._driver:
            by = self.session.configuration.notify_by
            self.run_worker(tell_of_end(event.execution, by, os.environ, self._driver.write))
        if self._frames:
            self._frames.put(self.session.state)

    def _show(self, state: WorkbenchState) -> None:
        self.main.show(state)
        self._look_ahead()
        new = [notice for notice in state.notices if notice.number > self._notice]
        if new:
            self._notice = new[-1].number
            self._tell(notice for notice in new if not notice.is_known)

    def _look_ahead(self) -> None:
        """Previews what is selected, unless it is what is shown running."""
        state, resource = self.session.state, self.main.selected_resource
        is_shown = resource is not None and state.shown is not None and state.shown.resource.key == resource.key
        wanted = resource if state.daemon.connected and not is_shown else None
        if wanted != self._looked_at:
            self._looked_at = wanted
            self.session.look_at(wanted)

    def _ended(self, working: asyncio.Task[None]) -> None:
        """The session ends before the app only because of a bug."""
        if not working.cancelled() and isinstance(error := working.exception(), Exception):
            self._handle_exception(error)

    def _fatal_error(self) -> None:
        """Writes the traceback to standard error, which is the log; Textual would print it with all values."""
        import traceback

        from stigmer_tui.core.known_secrets import clean

        error = self._exception
        if error is not None:
            # The framework has put something of its own in the place of `sys.stderr`.
            os.write(2, clean("".join(traceback.format_exception(error))).encode(errors="replace"))
        log = self.session.configuration.home.log("app")
        self.panic(f"Error: stigmer-tui met an internal error: {clean(repr(error))}\n\nThe traceback is in {log}")
