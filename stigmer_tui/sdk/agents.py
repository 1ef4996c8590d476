"""Agents: instructions that a model works by."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from stigmer_tui.sdk.collection import current_registry
from stigmer_tui.sdk.expressions import Expression, Secret
from stigmer_tui.sdk.mistakes import DefinitionError, calling_line
from stigmer_tui.sdk.values import literal_text, resource_name
from stigmer_tui.sdk.variables import variables_in

MIN_INSTRUCTIONS_LENGTH = 10
"""Characters (`docs/compatibility.md` 100)."""


class Agent:
    """An agent of the project: it can be talked to, and workflows can call it.

        helper = Agent("helper", instructions="Answer in one sentence.")

    `script` is a file with turns that are played where no model is configured, for demonstrations and tests; its path
    is relative to the file that says it. `environment` are variables that its tools need:

        Agent("deployer", instructions="…", environment=[secret("DEPLOY_TOKEN"), env("REGION", default="eu")])
    """

    def __init__(
        self,
        name: str,
        *,
        instructions: str,
        description: str = "",
        icon_url: str = "",
        script: str | Path = "",
        environment: Iterable[Expression | Secret] = (),
    ) -> None:
        self.location = calling_line()
        self.name = resource_name(name, "an agent")
        self.instructions = literal_text(instructions, "instructions")
        self.description = literal_text(description, "description")
        self.icon_url = literal_text(icon_url, "icon_url")
        file = Path(self.location.file).parent / script
        self.script = _read_script(file, Path(script)) if script else ""
        self.script_file = _name_in_project(file) if script else ""
        self.variables = tuple(name for value in environment for name in _variables(value))
        if len(self.instructions.strip()) < MIN_INSTRUCTIONS_LENGTH:
            raise DefinitionError(
                f'The instructions of agent "{name}" are shorter than {MIN_INSTRUCTIONS_LENGTH} characters',
                "Say what the agent is there for and how it answers.",
            )
        current_registry().add_agent(self)

    def __repr__(self) -> str:
        return f"<agent {self.name}>"


class ExistingAgent:
    """An agent that this project does not define; see `existing_agent`."""

    def __init__(self, name: str) -> None:
        self.name = resource_name(name, "an agent")


def existing_agent(name: str) -> ExistingAgent:
    """An agent that is deployed from elsewhere: `flow.call_agent("check", existing_agent("reviewer"), message="…")`."""
    return ExistingAgent(name)


def _read_script(file: Path, path: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DefinitionError(f"There is no script {path}", f"It was looked for at {file}.") from None
    except (OSError, ValueError) as error:
        raise DefinitionError(f"The script {path} cannot be read: {error}") from None


def _name_in_project(file: Path) -> str:
    """As its folder has it, wherever the project lies."""
    entry = getattr(sys.modules["__main__"], "__file__", None)
    folder = Path(entry).parent if entry else Path.cwd()
    return file.relative_to(folder).as_posix() if file.is_relative_to(folder) else file.name


def _variables(value: Expression | Secret) -> list[str]:
    names = [name for name, _ in variables_in(str(value))]
    if not names:
        raise DefinitionError(
            f"environment holds {value!r}", 'It is a list of variables: [secret("TOKEN"), env("REGION")].'
        )
    return names
