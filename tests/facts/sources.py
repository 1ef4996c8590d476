"""The source of the program, for tests that say where a fact may stand."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def sources() -> dict[str, str]:
    """Text of each file that is written by hand, by its path in the repository."""
    files = (path for path in (ROOT / "stigmer_tui").rglob("*.py") if "_pb2" not in path.name)
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in files}


def files_with(pattern: str) -> list[str]:
    """Paths of the files in which a regular expression is found."""
    return sorted(path for path, text in sources().items() if re.search(pattern, text))
