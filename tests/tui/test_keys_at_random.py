"""Whatever is pressed, in bursts that no screen can keep up with, the app goes on."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from stigmer_tui.tui.commands import COMMANDS
from stigmer_tui.tui.screens.main import MainScreen
from stigmer_tui.workbench.state import WorkbenchState
from tests.tui import states
from tests.tui.hands import press, press_at_once
from tests.tui.stage import StagedApp

BOUND = sorted({key for command in COMMANDS for key in command.keys.split(",") if key})
TYPED = [*"aZ9 .{", "enter", "escape", "backspace", "tab", "up", "down"]

STATES: list[Callable[[], WorkbenchState]] = [
    lambda: states.LISTED,
    states.running_workflow,
    states.failed_agent,
    states.broken_daemon,
    states.outside,
]


class Unending(StagedApp):
    """Does not end when it is told to."""

    def exit(self, *_: object, **__: object) -> None:
        return


@pytest.mark.parametrize("seed", range(len(STATES)))
async def test_the_app_goes_on(seed: int) -> None:
    at_random = random.Random(seed)
    app = Unending(STATES[seed]())
    async with app.run_test(size=(at_random.randint(40, 180), at_random.randint(10, 60))) as pilot:
        for _ in range(20):
            await press_at_once(pilot, *at_random.choices(BOUND + TYPED, k=at_random.randint(1, 6)))
        while not isinstance(app.screen, MainScreen):
            await press(pilot, "escape")
        assert app.is_running
