"""Paints the empty regions of the screen before any library is loaded, and restores the terminal.

Imports nothing that takes a millisecond.
"""

from __future__ import annotations

import os
import sys

from stigmer_tui.core.terminal import terminal_encoding
from stigmer_tui.tui.sizes import MEDIUM, MIN_SIZE, PICKER_WIDTH, SIDEBAR_WIDTH, WIDE

RESTORE = "".join(
    (
        "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l",  # mouse
        "\x1b[?1004l",  # focus reports
        "\x1b[?2004l",  # bracketed paste
        "\x1b[?2026l\x1b[?2048l",  # synchronized output, reports of the size
        "\x1b[?7h",  # lines that wrap
        "\x1b[<u\x1b[>4;0m",  # keyboard protocols
        "\x1b[?1049l",  # alternate screen
        "\x1b[?25h\x1b[0m",  # cursor and colours
    )
)
"""Resets every mode that a full-screen program may have set."""


def is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def draw_skeleton() -> None:
    columns, rows = os.get_terminal_size(sys.stdout.fileno())
    if columns < MIN_SIZE[0] or rows < MIN_SIZE[1]:
        return
    joints = []
    if columns >= MEDIUM:
        joints.append(PICKER_WIDTH)
    if columns >= WIDE:
        joints.append(columns - SIDEBAR_WIDTH + 1)
    rule = "".join("┬" if column in joints else "─" for column in range(1, columns + 1))
    lines = ["\x1b[?1049h\x1b[?25l\x1b[2J\x1b[H\x1b[2m stigmer", rule]
    for column in joints:
        lines += [f"\x1b[{row};{column}H│" for row in range(3, rows - 1)]
    lines.append(f"\x1b[{rows - 1};1H{rule.replace('┬', '┴')}\x1b[0m")
    # Not through `sys.stdout`, which would retry at exit if the terminal is gone.
    picture = "\r\n".join(lines[:2]) + "".join(lines[2:])
    if terminal_encoding(os.environ).lower() not in ("utf-8", "utf8"):
        picture = picture.translate(str.maketrans("─┬┴│", "-++|"))
    os.write(sys.stdout.fileno(), picture.encode())


def restore_terminal() -> None:
    os.write(sys.stdout.fileno(), RESTORE.encode())
