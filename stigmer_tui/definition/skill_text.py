"""SKILL.md: what a skill is for, in its front matter, and its instructions below that."""

from __future__ import annotations

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.front_matter import split_front_matter

FILE = "SKILL.md"
HEADING = "## Skills"
"""Above the list of an agent's skills, in the instructions that its model gets."""
MAX_DESCRIPTION = 1024
"""Characters that an agent reads of it before it reads the skill."""


def description_of(skill_md: str) -> str:
    """The `description` of the front matter, or else the first paragraph. Raises StigmerError for bad front matter."""
    front, text = split_front_matter(skill_md.replace("\r\n", "\n"))
    if front.strip():
        from stigmer_tui.core.yaml_text import read_yaml

        values = read_yaml(front, FILE).value
        if not isinstance(values, dict):
            raise StigmerError(f"{FILE}:2 must hold keys such as name and description between its lines of ---")
        if described := values.get("description"):
            return " ".join(str(described).split())[:MAX_DESCRIPTION]
    paragraphs = (" ".join(part.split()) for part in text.split("\n\n"))
    return next((part for part in paragraphs if part and not part.startswith("#")), "")[:MAX_DESCRIPTION]
