"""A screen leaves once, however often it is told to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import ModalScreen, Screen

from stigmer_tui.tui.screens.dismissal import Modal, Palette
from stigmer_tui.tui.screens.main import MainScreen
from tests.tui import states
from tests.tui.hands import press, press_at_once, settle
from tests.tui.stage import StagedApp

LEAVING = {
    "ctrl+p": ("escape", "escape", "escape"),
    "question_mark": ("escape", "escape", "q"),
    "e": ("enter", "enter", "escape"),
    "s": ("escape", "escape"),
    "D": ("escape", "escape"),
    "q": ("escape", "escape"),
    "l": ("escape", "escape"),
}
"""By the key that opens a screen."""


@pytest.mark.parametrize("key", LEAVING)
async def test_it_takes_no_other_away(key: str) -> None:
    app = StagedApp(replace(states.LISTED, notices=()))
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        if key == "q":
            app.stage.unfinished_runs = list(states.RUNS[:1])
        await press(pilot, key)
        assert not isinstance(app.screen, MainScreen)
        await press_at_once(pilot, *LEAVING[key])
        assert isinstance(app.screen, MainScreen)
        assert app.is_running


async def test_a_command_that_is_chosen_twice_is_done_once() -> None:
    app = StagedApp(states.LISTED)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "ctrl+p", *"watch")
        await found(pilot)
        await press_at_once(pilot, "enter", "enter", "enter")
        assert isinstance(app.screen, MainScreen)
        assert app.asked == ["toggle watch"]


async def found(pilot: Pilot[int]) -> None:
    """The palette looks for its lines in a worker."""
    await pilot.app.workers.wait_for_complete()
    await settle(pilot)


def test_every_modal_screen_of_ours_is_one() -> None:
    ours = [kind for kind in below(ModalScreen) if kind.__module__.startswith("stigmer_tui.")]
    assert len(ours) > 8
    assert all(issubclass(kind, Modal | Palette) for kind in ours)


def below(kind: type[Screen[Any]]) -> Iterator[type[Screen[Any]]]:
    for child in kind.__subclasses__():
        yield child
        yield from below(child)
