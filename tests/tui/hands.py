"""Keys pressed as fast as they are dealt with. The framework's own pilot waits after each until the processor rests."""

from __future__ import annotations

from typing import Any

from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

SETTLING = 6
"""A key leads to messages, and these to others; so many rounds of them follow each other at most."""


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Each by the framework's name for it, or as the character itself."""
    for key in keys:
        _send(pilot, key)
        await settle(pilot)


async def press_at_once(pilot: Pilot[Any], *keys: str) -> None:
    """All of them, before the app has seen the first."""
    for key in keys:
        _send(pilot, key)
    await settle(pilot)


def _send(pilot: Pilot[Any], key: str) -> None:
    driver = pilot.app._driver
    assert driver is not None
    is_character = len(key) == 1
    event = events.Key(_character_to_key(key) if is_character else key, key if is_character else None)
    event.set_sender(pilot.app)
    driver.send_message(event)


async def settle(pilot: Pilot[Any]) -> None:
    """Until everything that was asked for is done."""
    for _ in range(SETTLING):
        await pilot._wait_for_screen()
        # What is drawn anew is so at the next turn of a clock; it is turned here.
        pilot.app.screen._on_timer_update()


async def click(pilot: Pilot[Any], column: int, row: int, times: int = 1) -> None:
    """The left button, on a cell of the screen."""
    await pilot._post_mouse_events(
        [events.MouseDown, events.MouseUp, events.Click], offset=(column, row), button=1, times=times
    )
    await settle(pilot)


async def scroll(pilot: Pilot[Any], column: int, row: int, up: bool = False) -> None:
    """One notch of the wheel."""
    await pilot._post_mouse_events([events.MouseScrollUp if up else events.MouseScrollDown], offset=(column, row))
    await settle(pilot)
