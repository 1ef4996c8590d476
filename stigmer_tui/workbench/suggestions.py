"""What the variables of a run could be, and where each value comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from stigmer_tui.core.run_variable import RunVariable
from stigmer_tui.workbench.model import Resource
from stigmer_tui.workbench.state import RunInput, Value


class ValueSource(StrEnum):
    LAST_RUN = "last run"
    DOTENV = ".env"
    DEFAULT = "default"
    NOWHERE = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    variable: RunVariable
    text: str
    """Empty for a default, which the server fills in, and for what is missing."""
    source: ValueSource

    @property
    def is_missing(self) -> bool:
        """Whether a task would fail for want of it."""
        return self.source is ValueSource.NOWHERE and bool(self.variable.used_by)


def suggest(resource: Resource, last: RunInput, folder: Path) -> list[Suggestion]:
    """One for each variable that the resource declares or uses."""
    if not resource.variables:
        return []
    dotenv = read_dotenv(folder)
    return [_suggestion(variable, last.environment, dotenv) for variable in resource.variables]


def input_from(last: RunInput, suggestions: Iterable[Suggestion]) -> RunInput:
    """What the resource is run with when nobody says anything else."""
    environment = dict(last.environment)
    for suggestion in suggestions:
        if suggestion.text:
            environment[suggestion.variable.name] = Value(suggestion.text, suggestion.variable.is_secret)
    return RunInput(last.message, environment)


def read_dotenv(folder: Path) -> dict[str, str]:
    """The project's .env file; empty when there is none."""
    path = folder / ".env"
    if not path.is_file():
        return {}
    from dotenv import dotenv_values

    return {name: value for name, value in dotenv_values(path, interpolate=False).items() if value}


def _suggestion(variable: RunVariable, last: Mapping[str, Value], dotenv: Mapping[str, str]) -> Suggestion:
    if variable.name in last:
        return Suggestion(variable, last[variable.name].text, ValueSource.LAST_RUN)
    if variable.name in dotenv:
        return Suggestion(variable, dotenv[variable.name], ValueSource.DOTENV)
    return Suggestion(variable, "", ValueSource.DEFAULT if variable.has_value else ValueSource.NOWHERE)
