"""Problems of a definition, each with its place and advice; all are reported at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.units import plural


@dataclass(frozen=True, slots=True)
class DefinitionProblem:
    """A problem of a workflow definition."""

    path: str
    """The path of the task, such as `/eachOrder/charge`; empty for the workflow itself."""
    field: str
    """The field of the task, such as `task_config.method`; may be empty."""
    message: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.path, self.field, self.message)))


class InvalidDefinition(StigmerError):  # noqa: N818 - named like the other outcomes of the API
    """A workflow definition has problems."""

    def __init__(self, workflow: str, problems: Sequence[DefinitionProblem]) -> None:
        message = f"The workflow {workflow or '(without a name)'} has {plural(len(problems), 'problem')}"
        super().__init__(message, "\n".join(map(str, problems)))
        self.problems = tuple(problems)


def near_miss(name: str, known: Iterable[str]) -> str:
    """A hint for a message about an unknown name; empty if no known name is similar."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""
