"""A variable of a run, as the definition, the catalogue and the screen see it."""

from __future__ import annotations

from dataclasses import dataclass

SECRET_PREFIX = "secret:"  # noqa: S105 - no password
"""Before the name of a variable that a person says is secret."""


@dataclass(frozen=True, slots=True)
class RunVariable:
    """A value that a run takes from its environment."""

    name: str
    description: str = ""
    default: str = ""
    """Empty for secrets."""
    is_secret: bool = False
    has_value: bool = False
    """Whether a value or a default is there already, secret or not."""
    used_by: tuple[str, ...] = ()
    """Tasks that cannot do without it."""
