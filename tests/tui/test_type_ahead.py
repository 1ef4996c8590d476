"""Keys that are pressed faster than the app can show what they are meant for."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.events import Key
from textual.widgets import Input

from stigmer_tui.tui.screens.run_form import RunForm
from stigmer_tui.tui.widgets.entry_list import EntryList
from tests.tui import states
from tests.tui.hands import press, press_at_once, settle
from tests.tui.stage import StagedApp


class EarlyPressed(StagedApp):
    def on_load(self) -> None:
        """Before there is a screen."""
        for key in ("tab", "j", "k"):
            self.post_message(Key(key, None))


async def test_keys_wait_for_the_first_screen() -> None:
    app = EarlyPressed(states.failed_agent())
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        assert isinstance(app.focused, EntryList)


async def test_what_follows_a_tab_is_for_the_next_field() -> None:
    app = StagedApp(states.LISTED)
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "j", "e")
        assert isinstance(app.screen, RunForm)
        await press_at_once(pilot, *"secret", "tab", *"eu", "shift+tab", "!")
        assert app.screen.draft.fields.items() >= {"API_TOKEN": "secret!", "REGION": "eu"}.items()


async def test_tab_completes_what_was_typed_just_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.md").write_text("Tea")
    app = StagedApp(states.LISTED)
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        app.open_form(states.HELPER)
        await settle(pilot)
        await press_at_once(pilot, *"@no", "tab", "!", "tab", *"A=1")
        assert isinstance(app.screen, RunForm)
        assert (app.screen.draft.message, app.screen.draft.others) == ("@notes.md!", "A=1")


async def test_what_follows_a_tab_is_for_the_next_region() -> None:
    app = StagedApp(states.failed_agent())
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        await press_at_once(pilot, "tab", "tab", "j", "tab", "G")
        assert isinstance(app.focused, EntryList)
        assert not app.asked


async def test_keys_wait_for_the_screen_that_one_of_them_opens() -> None:
    app = StagedApp(states.LISTED)
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        await press_at_once(pilot, "ctrl+p", *"watch")
        assert app.screen.query_one(Input).value == "watch"
