"""`D`: a person sees how the project's code differs from what is deployed."""

from __future__ import annotations

from collections.abc import Sequence

from textual.widgets import Static

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.tui.screens.differences import DifferencesScreen
from stigmer_tui.workbench.differences import DifferenceLine, LineKind, ResourceDifference
from tests.tui import states
from tests.tui.hands import press, settle
from tests.tui.stage import StagedApp

FOUND = ResourceDifference(
    "agent",
    "helper",
    "updated",
    ("description",),
    (
        DifferenceLine(LineKind.REMOVED, "  description: old"),
        DifferenceLine(LineKind.ADDED, "  description: \x1b[31mnew"),
    ),
)


async def shown(found: Sequence[ResourceDifference] | StigmerError) -> str:
    app = StagedApp(states.LISTED)
    app.stage.differs = found
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "D")
        await app.workers.wait_for_complete()
        await settle(pilot)
        text = str(app.screen.query_one("#differences-text", Static).render())
        await press(pilot, "escape")
        assert not isinstance(app.screen, DifferencesScreen)
    return text


async def test_each_resource_with_its_lines() -> None:
    assert (await shown([FOUND])).splitlines() == [
        "agent helper · updated: description",
        "-  description: old",
        "+  description: new",
        "",
    ]


async def test_nothing_differs() -> None:
    assert await shown([]) == "All that the project defines is deployed"


async def test_code_that_fails() -> None:
    error = StigmerError("main.py:3 NameError: name 'x' is not defined", "Mend it.")
    assert await shown(error) == "main.py:3 NameError: name 'x' is not defined\n\nMend it."
