"""The least that an app can be: what the framework itself costs."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Static


class MinimalApp(App[None]):
    ENABLE_COMMAND_PALETTE = False

    def compose(self) -> ComposeResult:
        yield Static("ready\n" * 60)


if __name__ == "__main__":
    MinimalApp().run()
