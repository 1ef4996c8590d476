"""Skills: folders with instructions and scripts for special work."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from stigmer_tui.sdk.errors import DefinitionError, calling_line
from stigmer_tui.sdk.registry import SkillDefinition, current_registry
from stigmer_tui.sdk.values import literal_text

FILE = "SKILL.md"

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_REFERENCE = re.compile(rf"({_NAME.pattern})(?:@[A-Za-z0-9._-]+)?")


class Skill:
    """A folder with a SKILL.md, and perhaps scripts and other files, that agents read and run when they need it.

        review = Skill("skills/review")
        Agent("reviewer", instructions="Review what you are given.", skills=[review])

    The path is relative to the file that names it. A skill is called like its folder, unless it has a `name`; `tag`
    marks this version of it. It is pushed when something in the folder has changed, and stands in the agent's working
    folder below `/skills`, where it can be read and run, but not changed.

    One that is deployed already is named by a text, `skills=["review"]`, a version of it with its tag or hash:
    `"review@v2"`.
    """

    def __init__(self, folder: str | Path, *, name: str = "", tag: str = "") -> None:
        location = calling_line()
        path = (Path(location.file).parent / folder).resolve()
        if not (path / FILE).is_file():
            raise DefinitionError(f"There is no skill {folder}", f"{path / FILE} was looked for.")
        self.name = literal_text(name, "name") or path.name
        """By which agents refer to it."""
        if not _NAME.fullmatch(self.name):
            raise DefinitionError(
                f'"{self.name}" is no name for a skill', "It has lower case letters, digits and hyphens: name=…"
            )
        try:
            text = (path / FILE).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise DefinitionError(f"{path / FILE} cannot be read: {error}") from None
        current_registry().add_skill(SkillDefinition(self.name, str(path), text, literal_text(tag, "tag"), location))

    def __repr__(self) -> str:
        return f"<skill {self.name}>"


def skill_names(skills: Iterable[object], whose: str) -> tuple[str, ...]:
    """Names of skills; a text is that of one that is deployed already, such as `review`, or `review@v2` for the version
    with that tag or hash. Raises DefinitionError for anything else.
    """
    found: dict[str, str] = {}
    for skill in skills:
        text = skill.name if isinstance(skill, Skill) else skill if isinstance(skill, str) else ""
        reference = _REFERENCE.fullmatch(text)
        if reference is None:
            raise DefinitionError(f"skills of {whose} holds {skill!r}", 'It is a list: [Skill("skills/review")].')
        if reference[1] in found:
            raise DefinitionError(f'{whose} has the skill "{reference[1]}" twice')
        found[reference[1]] = text
    return tuple(found.values())
