"""Where resources and their tasks are defined: a line of the project's code, or of a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from stigmer_tui.core.json_values import from_json
from stigmer_tui.definition.place_names import FILE

Places = Mapping[str, "Place"]
"""By the names of `definition/place_names`; only those that are known."""


class Place(NamedTuple):
    """Lines and columns count from 1; 0 is unknown."""

    file: Path
    line: int
    column: int = 0

    def __str__(self) -> str:
        return ":".join(str(part) for part in self if part)


def read_places(folder: Path) -> dict[str, Place]:
    """What the SDK has written; it is only for messages, so that what cannot be understood is left out."""
    try:
        data = from_json((folder / FILE).read_text(encoding="utf-8"))
        return {str(name): Place(Path(file), int(line)) for name, (file, line) in data.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
