"""What people read of the program: the README, and the pages of the guide."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs" / "guide").glob("*.md"))]


def section(title: str) -> str:
    """Of a page, or the whole of a page with this title."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        if text.startswith(f"# {title}\n"):
            return text
        if found := re.search(rf"(?ms)^## {re.escape(title)}$(.*?)(?=^## |\Z)", text):
            return found[1]
    raise AssertionError(f"there is no section {title}")
