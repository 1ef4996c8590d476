"""The screens that open over the workbench. They are loaded when they do: the first one must stand at once."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from stigmer_tui.core.clock import Clock
from stigmer_tui.core.terminal import terminal_encoding
from stigmer_tui.tui.commands import COMMANDS
from stigmer_tui.tui.render.glyphs import glyphs_for
from stigmer_tui.tui.type_ahead import TypeAheadApp
from stigmer_tui.tui.widgets.entry_list import EntryList
from stigmer_tui.tui.widgets.picker import Picker
from stigmer_tui.workbench.model_requests import requests_of
from stigmer_tui.workbench.session import Session
from stigmer_tui.workbench.state import Level

if TYPE_CHECKING:
    from stigmer_tui.tui.screens.help import KeyHelp


class OverlayApp(TypeAheadApp):
    def __init__(self, session: Session, clock: Clock, lifeline: int | None = None) -> None:
        super().__init__(lifeline)
        self.session = session
        self._clock = clock
        self._glyphs = glyphs_for(terminal_encoding(os.environ))

    async def action_help(self) -> None:
        from stigmer_tui.tui.screens.help import HelpScreen

        await self.push_screen(HelpScreen(list(self._key_help())))

    async def action_providers(self) -> None:
        from stigmer_tui.tui.screens.providers import ProvidersScreen

        if server := self.session.configuration.server:
            self.session.store.note(f"The server at {server} chooses its models itself", Level.WARNING)
            return
        await self.push_screen(ProvidersScreen(self.session.daemon.model_providers()))

    async def action_notices(self) -> None:
        from stigmer_tui.tui.screens.dialogs import NoticesScreen

        await self.push_screen(NoticesScreen(self.session.state.notices))

    async def action_differences(self) -> None:
        from stigmer_tui.tui.screens.differences import DifferencesScreen

        await self.push_screen(DifferencesScreen(self.session.differences))

    async def action_run_all(self) -> None:
        from stigmer_tui.tui.screens.all_runs import AllRunsScreen

        intents = self.session.all_runs
        if not intents.group().runs:
            self.session.store.note("There is nothing to run", Level.WARNING)
            return
        await self.push_screen(AllRunsScreen(intents, self._glyphs, self._clock))

    async def action_history(self) -> None:
        from stigmer_tui.tui.screens.run_history import RunHistoryScreen

        await self.push_screen(RunHistoryScreen(self.session, self._glyphs, self._clock))

    async def action_side_by_side(self) -> None:
        from stigmer_tui.tui.screens.side_by_side import SideBySideScreen

        intents = self.session.side_by_side
        await self.push_screen(SideBySideScreen(intents, intents.compared(), self._glyphs, self._clock))

    async def action_request(self) -> None:
        from stigmer_tui.tui.screens.model_request import ModelRequestScreen

        shown = self.session.state.shown
        if shown is None:
            return
        names = requests_of(shown.conversation)
        if not names:
            self.session.store.note("No model was asked in this run")
            return
        await self.push_screen(ModelRequestScreen(names, len(names) - 1, self.session.model_request, self._glyphs))

    async def action_logs(self) -> None:
        from stigmer_tui.tui.screens.logs import LogScreen

        shown = self.session.state.shown
        execution = shown.execution.id if shown and isinstance(self.focused, EntryList) else ""
        await self.push_screen(LogScreen(self.session.configuration.home, self._glyphs, execution))

    async def on_picker_tools_requested(self, message: Picker.ToolsRequested) -> None:
        from stigmer_tui.tui.screens.server_tools import ServerToolsScreen

        await self.push_screen(ServerToolsScreen(message.resource.slug, self.session.server_tools()))

    def _key_help(self) -> Iterable[KeyHelp]:
        """The keys of the focused region, then all others."""
        from stigmer_tui.tui.screens.help import KeyHelp

        active = {binding.binding.id: binding.enabled for binding in self.screen.active_bindings.values()}
        here = [command for command in COMMANDS if active.get(command.id) and command.keys]
        for command in here:
            yield KeyHelp("Here", " ".join(command.key_names), command.help)
        for command in COMMANDS:
            if command.keys and command not in here:
                yield KeyHelp(command.place, " ".join(command.key_names), command.help)
