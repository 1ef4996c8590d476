"""Tells the person at this machine that a run has ended: by the desktop, or by their terminal, also by ssh and tmux.

A terminal shows a notification that a program asks for with an escape sequence, OSC 9 or OSC 777; others ignore it.
"""

from __future__ import annotations

import asyncio
import re
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from shutil import which

from stigmer_tui.core.control_text import CONTROL, ESCAPE_SEQUENCE

LIMIT = 5.0
"""Seconds that the desktop may take."""
MAX_BODY = 200
"""Characters; a notification shows a few lines."""

MAC_SCRIPT = "on run texts\ndisplay notification (item 2 of texts) with title (item 1 of texts)\nend run"


class NotifyBy(StrEnum):
    AUTO = "auto"
    """The desktop; where there is none, the terminal, if it is known to show notifications."""
    DESKTOP = "desktop"
    OSC9 = "osc9"
    OSC777 = "osc777"
    BELL = "bell"
    OFF = "off"


SHOWS_OSC9 = ("ITERM_SESSION_ID", "KITTY_WINDOW_ID", "WT_SESSION")
SHOWS_OSC777 = ("WEZTERM_PANE", "GHOSTTY_RESOURCES_DIR")
"""Variables that terminals set; within tmux, which has a TERM_PROGRAM of its own, they tell where it was started."""
PROGRAMS = {
    "iTerm.app": NotifyBy.OSC9,
    "iTerm2": NotifyBy.OSC9,
    "WezTerm": NotifyBy.OSC777,
    "ghostty": NotifyBy.OSC777,
}
"""By TERM_PROGRAM, or by LC_TERMINAL, which ssh hands on."""
TERMS = {
    "xterm-kitty": NotifyBy.OSC9,
    "xterm-ghostty": NotifyBy.OSC777,
    "wezterm": NotifyBy.OSC777,
    "foot": NotifyBy.OSC777,
    "rxvt-unicode": NotifyBy.OSC777,
    "rxvt-unicode-256color": NotifyBy.OSC777,
}


@dataclass(frozen=True, slots=True)
class LocalNotification:
    title: str
    body: str
    is_urgent: bool = False


WriteToTerminal = Callable[[str], None]


async def tell(
    notification: LocalNotification, by: NotifyBy, environment: Mapping[str, str], terminal: WriteToTerminal | None
) -> None:
    """Never fails. `terminal` writes to that of the person; None where there is none, as in a pipe."""
    if by in (NotifyBy.AUTO, NotifyBy.DESKTOP) and await _is_shown_on_desktop(notification, environment):
        return
    if terminal and (text := sequence(notification, by, environment)):
        terminal(text)


def desktop_command(notification: LocalNotification, environment: Mapping[str, str], platform: str) -> list[str]:
    """Empty where there is no desktop, or nothing to tell it by."""
    title, body = notification.title, notification.body.strip()[:MAX_BODY]
    if platform == "darwin":
        program = which("osascript", path=environment.get("PATH"))
        return [program, "-e", MAC_SCRIPT, title, body] if program else []
    has_desktop = environment.get("DBUS_SESSION_BUS_ADDRESS") or environment.get("DISPLAY")
    program = which("notify-send", path=environment.get("PATH")) if has_desktop else None
    urgency = "critical" if notification.is_urgent else "normal"
    return [program, "--app-name=stigmer-tui", f"--urgency={urgency}", "--", title, body] if program else []


def sequence(notification: LocalNotification, by: NotifyBy, environment: Mapping[str, str]) -> str:
    """What the terminal is sent; empty where it is told nothing."""
    title, body = _plain(notification.title), _plain(notification.body)[:MAX_BODY]
    match terminal_way(environment) if by is NotifyBy.AUTO else by:
        case NotifyBy.OSC9:
            text = f"{title}: {body}" if body else title
            # A number at its beginning would be a command of ConEmu's, such as progress.
            return _through_tmux(f"\x1b]9;{' ' if text[:1].isdigit() else ''}{text}\a", environment)
        case NotifyBy.OSC777:
            return _through_tmux(f"\x1b]777;notify;{title.replace(';', ',')};{body}\a", environment)
        case NotifyBy.BELL:
            return "\a"
        case _:
            return ""


def terminal_way(environment: Mapping[str, str]) -> NotifyBy:
    """How the terminal is known to show notifications; OFF where that is not known."""
    for known in (environment.get("LC_TERMINAL", ""), environment.get("TERM_PROGRAM", "")):
        if way := PROGRAMS.get(known):
            return way
    if any(environment.get(variable) for variable in SHOWS_OSC777):
        return NotifyBy.OSC777
    if any(environment.get(variable) for variable in SHOWS_OSC9):
        return NotifyBy.OSC9
    return TERMS.get(environment.get("TERM", ""), NotifyBy.OFF)


def _through_tmux(text: str, environment: Mapping[str, str]) -> str:
    """tmux hands it on where its option allow-passthrough is on, and drops it otherwise."""
    if not environment.get("TMUX"):
        return text
    return "\x1bPtmux;" + text.replace("\x1b", "\x1b\x1b") + "\x1b\\"


def _plain(text: str) -> str:
    """In one line, without anything that a terminal could take for the end of the sequence."""
    return re.sub(r"\s+", " ", CONTROL.sub(" ", ESCAPE_SEQUENCE.sub("", text))).strip()


async def _is_shown_on_desktop(notification: LocalNotification, environment: Mapping[str, str]) -> bool:
    command = desktop_command(notification, environment, sys.platform)
    if not command:
        return False
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, env=dict(environment)
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(LIMIT):
            return await process.wait() == 0
    except TimeoutError:
        process.kill()
        await process.wait()
        return False
