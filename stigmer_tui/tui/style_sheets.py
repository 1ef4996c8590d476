"""Where the style sheets are: in the wheel beside this module, in a checkout at the top."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
SHEETS = ("inks.tcss", "main.tcss", "dialogs.tcss")


def style_sheets() -> list[Path]:
    packaged = HERE / "styles"
    folder = packaged if packaged.is_dir() else HERE.parents[1] / "styles"
    return [folder / name for name in SHEETS]
