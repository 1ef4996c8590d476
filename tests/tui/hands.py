"""Keys pressed as fast as they are dealt with. The framework's own pilot waits after each until the processor rests."""

from __future__ import annotations

from typing import Any

from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

SETTLING = 3
"""A key leads to messages, and these to others; so many rounds of them follow each other at most."""


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Each by the framework's name for it, or as the character itself."""
    driver = pilot.app._driver
    assert driver is not None
    for key in keys:
        is_character = len(key) == 1
        event = events.Key(_character_to_key(key) if is_character else key, key if is_character else None)
        event.set_sender(pilot.app)
        driver.send_message(event)
        await settle(pilot)


async def settle(pilot: Pilot[Any]) -> None:
    """Until everything that was asked for is done."""
    for _ in range(SETTLING):
        await pilot._wait_for_screen()
