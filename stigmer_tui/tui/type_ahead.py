"""Type-ahead: a key that comes before the screen or the text field that it is meant for is kept until that is there.

The framework gives a key to whatever has the focus when it arrives, and runs actions of screens without widgets, too.
"""

from __future__ import annotations

from typing import Any

from textual.events import Event, Key

from stigmer_tui.tui.terminal import TerminalApp


class TypeAheadApp(TerminalApp):
    def __init__(self, lifeline: int | None = None) -> None:
        super().__init__(lifeline)
        self._held_keys: list[Key] = []
        """They wait until the screen is mounted, in their order."""

    async def on_event(self, event: Event) -> None:
        if not isinstance(event, Key) or event.is_forwarded or (self.screen.is_mounted and not self._held_keys):
            await super().on_event(event)
            return
        self._held_keys.append(event)
        if len(self._held_keys) == 1:
            self.run_worker(self._deliver_held_keys())

    async def _deliver_held_keys(self) -> None:
        for key in self._held_keys:
            # The key before may have opened another screen, for which this one is meant.
            screen: Any = self.screen
            await screen._mounted_event.wait()
            await super().on_event(key)
        self._held_keys.clear()

    async def _on_key(self, event: Key) -> None:
        """A text field would have taken this key: it was pressed before the field had the focus, and is passed on."""
        focused = self.focused
        if focused is not None and focused.check_consume_key(event.key, event.character):
            event.stop()
            event.prevent_default()
            focused.post_message(Key(event.key, event.character))
