"""The style sheets, and two calm themes of our own: one accent, text in two strengths, three states."""

from __future__ import annotations

from pathlib import Path

from textual.theme import Theme

HERE = Path(__file__).parent
SHEETS = ("roles.tcss", "main.tcss", "dialogs.tcss")


def style_sheets() -> list[Path]:
    packaged = HERE / "styles"
    folder = packaged if packaged.is_dir() else HERE.parents[1] / "styles"
    return [folder / name for name in SHEETS]


DARK = Theme(
    name="stigmer-dark",
    primary="#7aa2f7",
    secondary="#9ece9e",
    accent="#7dcfff",
    success="#8fd694",
    warning="#e5c07b",
    error="#f7768e",
    foreground="#d6d9e0",
    background="#14161b",
    surface="#1b1e25",
    panel="#262b36",
    dark=True,
)

LIGHT = Theme(
    name="stigmer-light",
    primary="#2f5fb3",
    secondary="#3f7d4e",
    accent="#006a9c",
    success="#2d7a3e",
    warning="#8a6100",
    error="#b3263a",
    foreground="#24272e",
    background="#fbfbf9",
    surface="#f1f1ee",
    panel="#e3e5e8",
    dark=False,
)

OF_THE_TERMINAL = "ansi-dark"
"""Textual's theme with the sixteen colours of the terminal."""


def default_theme(color_system: str | None) -> str:
    """Our theme needs more than sixteen colours."""
    return OF_THE_TERMINAL if color_system == "standard" else DARK.name
