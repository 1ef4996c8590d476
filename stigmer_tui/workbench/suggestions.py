"""What the variables of a run could be, and where each value comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from stigmer_tui.core.run_variable import RunVariable
from stigmer_tui.workbench.model import Resource
from stigmer_tui.workbench.run_defaults import RunDefaults
from stigmer_tui.workbench.state import RunInput, Value


class ValueSource(StrEnum):
    LAST_RUN = "last run"
    KEYRING = "keyring"
    DOTENV = ".env"
    PROJECT = "Stigmer.yaml"
    DEFAULT = "default"
    NOWHERE = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    variable: RunVariable
    text: str
    """Empty for a default, which the server fills in, and for what is missing."""
    source: ValueSource
    is_remembered: bool = False
    """Whether the keyring has a value for it."""

    @property
    def is_missing(self) -> bool:
        """Whether a task would fail for want of it."""
        return self.source is ValueSource.NOWHERE and bool(self.variable.used_by)


def suggest(resource: Resource, last: RunInput, defaults: RunDefaults) -> list[Suggestion]:
    """One for each variable that the resource declares or uses."""
    found = [_suggestion(variable, last.environment, defaults) for variable in resource.variables]
    return [replace(each, is_remembered=each.variable.name in defaults.remembered) for each in found]


def input_from(last: RunInput, suggestions: Iterable[Suggestion]) -> RunInput:
    """What the resource is run with when nobody says anything else."""
    environment = dict(last.environment)
    for suggestion in suggestions:
        if suggestion.text:
            environment[suggestion.variable.name] = Value(suggestion.text, suggestion.variable.is_secret)
    return RunInput(last.message, environment)


def _suggestion(variable: RunVariable, last: Mapping[str, Value], defaults: RunDefaults) -> Suggestion:
    name = variable.name
    if name in last:
        return Suggestion(variable, last[name].text, ValueSource.LAST_RUN)
    if variable.is_secret and name in defaults.remembered:
        return Suggestion(variable, defaults.remembered[name], ValueSource.KEYRING)
    if name in defaults.dotenv:
        return Suggestion(variable, defaults.dotenv[name], ValueSource.DOTENV)
    if name in defaults.environment:
        return Suggestion(variable, defaults.environment[name], ValueSource.PROJECT)
    return Suggestion(variable, "", ValueSource.DEFAULT if variable.has_value else ValueSource.NOWHERE)
