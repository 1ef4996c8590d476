"""What a run is started with where nobody says it: by Stigmer.yaml, by files of variables, by the keyring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.project.project_file import DEFAULT_ENV_FILE, is_project, load_project
from stigmer_tui.workbench.model import Resource
from stigmer_tui.workbench.state import RunInput, Value


@dataclass(frozen=True, slots=True)
class RunDefaults:
    message: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What Stigmer.yaml says."""
    dotenv: Mapping[str, str] = field(default_factory=dict)
    """What stands in files of variables; it wins, for variables that a resource declares."""
    remembered: Mapping[str, str] = field(default_factory=dict)
    """What the keyring has; it wins over both, for secrets that a resource declares."""

    def complete(self, resource: Resource, run_input: RunInput) -> RunInput:
        """What is given, and in its gaps the defaults."""
        secret = {variable.name for variable in resource.variables if variable.is_secret}
        declared = {variable.name for variable in resource.variables}
        texts = {
            **self.environment,
            **{name: text for name, text in self.dotenv.items() if name in declared},
            **{name: text for name, text in self.remembered.items() if name in secret},
        }
        values = {name: Value(text, is_secret=name in secret) for name, text in texts.items()}
        return replace(
            run_input, message=run_input.message or self.message, environment={**values, **run_input.environment}
        )


def run_defaults(folder: Path) -> RunDefaults:
    """Those of the project in a folder; elsewhere what its .env file says."""
    if is_project(folder):
        with suppress(StigmerError):
            # What is wrong with the file is said where it is deployed.
            project = load_project(folder)
            return RunDefaults(project.message, project.environment, read_dotenv(project.env_files))
    return RunDefaults(dotenv=read_dotenv([folder / DEFAULT_ENV_FILE]))


def read_dotenv(files: Iterable[Path]) -> dict[str, str]:
    """Variables with a value; of files that are not there, none."""
    found: dict[str, str] = {}
    for path in files:
        if path.is_file():
            from dotenv import dotenv_values

            values = dotenv_values(path, interpolate=False)
            found |= {name: value for name, value in values.items() if value}
    return found
