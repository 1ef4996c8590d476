"""Tells the person at this machine that a run has ended, where its desktop has a command for it."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Mapping
from shutil import which

from stigmer_tui.agent_clis.notifications import Notification

LIMIT = 5.0
"""Seconds."""
MAX_BODY = 200
"""Characters; a desktop shows a few lines."""
URGENCY = {"high": "critical"}

MAC_SCRIPT = "on run texts\ndisplay notification (item 2 of texts) with title (item 1 of texts)\nend run"


def desktop_command(notification: Notification, environment: Mapping[str, str], platform: str) -> list[str]:
    """Empty where there is no desktop, or nothing to tell it by."""
    title, body = notification.title, notification.body.strip()[:MAX_BODY]
    if platform == "darwin":
        program = which("osascript", path=environment.get("PATH"))
        return [program, "-e", MAC_SCRIPT, title, body] if program else []
    has_desktop = environment.get("DBUS_SESSION_BUS_ADDRESS") or environment.get("DISPLAY")
    program = which("notify-send", path=environment.get("PATH")) if has_desktop else None
    urgency = URGENCY.get(notification.priority, "normal")
    return [program, "--app-name=stigmer-tui", f"--urgency={urgency}", "--", title, body] if program else []


async def show_on_desktop(notification: Notification, environment: Mapping[str, str]) -> None:
    """Whatever becomes of it, the run has ended as it has."""
    command = desktop_command(notification, environment, sys.platform)
    if not command:
        return
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, env=dict(environment)
        )
    except OSError:
        return
    try:
        async with asyncio.timeout(LIMIT):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
