"""Agents: instructions that a model follows."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stigmer_tui.sdk.errors import DefinitionError, calling_line
from stigmer_tui.sdk.expressions import Expression, Secret
from stigmer_tui.sdk.mcp_servers import McpServer
from stigmer_tui.sdk.registry import AgentDefinition, current_registry, variables_in
from stigmer_tui.sdk.schemas import known_fields, schema_text
from stigmer_tui.sdk.skills import Skill, skill_names
from stigmer_tui.sdk.sub_agents import SubAgent, sub_agent_definitions
from stigmer_tui.sdk.values import instructions_text, literal_text, resource_name, temperature_value


class Agent:
    """An agent of the project. People can talk to it, and workflows can call it.

        helper = Agent("helper", instructions="Answer in one sentence.")

    `model` and `temperature` (0 to 1) are used where a run or a calling task does not choose; without them, what is
    configured on the server is used. Servers other than that of stigmer-tui ignore them. Of a list of models, the next
    one takes the place of one that is overloaded or cannot be reached: `model=["claude-opus-5-5", "gpt-6-sol"]`.

    `script` is a file with turns that are played where no model is configured, for demonstrations and tests. Its path
    is relative to the file that names it. `environment` lists the variables that the agent's tools need:

        Agent(
            "deployer",
            instructions="Deploy what you are asked to, and report the result.",
            model="claude-sonnet-4.5",
            temperature=0.2,
            environment=[secret("DEPLOY_TOKEN"), env("REGION", default="eu")],
        )

    `mcp_servers` give it more tools, see `McpServer`, and `sub_agents` others to hand tasks to, see `SubAgent`.
    `skills` are folders with instructions and scripts, see `Skill`.

    With `output`, its answers are JSON objects: a model of pydantic, or a JSON schema. Workflows then know the fields.

        verdict = {"type": "object", "properties": {"score": {"type": "integer"}}, "required": ["score"]}
        Agent("judge", instructions="Judge the text that you are given.", output=verdict)
    """

    def __init__(
        self,
        name: str,
        *,
        instructions: str,
        description: str = "",
        icon_url: str = "",
        model: str | Sequence[str] = "",
        temperature: float | None = None,
        script: str | Path = "",
        environment: Iterable[Expression | Secret] = (),
        mcp_servers: Iterable[McpServer] = (),
        sub_agents: Iterable[SubAgent] = (),
        skills: Iterable[Skill | str] = (),
        output: type | Mapping[str, Any] | None = None,
    ) -> None:
        location = calling_line()
        self.name = resource_name(name, "an agent")
        """Its name, by which workflows and people refer to it."""
        instructions = instructions_text(instructions, f'agent "{name}"')
        servers = tuple(server.definition for server in mcp_servers)
        for server in servers:
            if [other.name for other in servers].count(server.name) > 1:
                raise DefinitionError(
                    f'Agent "{name}" has two MCP servers with the name "{server.name}"',
                    "Give one of them another name.",
                )
        variables = [name for value in environment for name in _variables(value)]
        variables += [name for server in servers for name in server.variables]
        schema = schema_text(output, "output")
        self.output_fields = known_fields(schema)
        """The fields of its answers; None where they are texts, or may have others."""
        file = Path(location.file).parent / script
        current_registry().add_agent(
            AgentDefinition(
                self.name,
                instructions,
                literal_text(description, "description"),
                literal_text(icon_url, "icon_url"),
                *_models(model),
                temperature_value(temperature),
                _read_script(file, Path(script)) if script else "",
                _path_in_project(file) if script else "",
                tuple(dict.fromkeys(variables)),
                servers,
                sub_agent_definitions(sub_agents, name, servers),
                skill_names(skills, f'agent "{name}"'),
                schema,
                location,
            )
        )

    def __repr__(self) -> str:
        return f"<agent {self.name}>"


class AgentRef:
    """A reference to an agent that is deployed from elsewhere, for a workflow to call.

        flow.call_agent("check", AgentRef("reviewer"), message=f"Review {change.diff}")

    `name` is its name in the organization that the workflow is deployed to.
    """

    def __init__(self, name: str) -> None:
        self.name = resource_name(name, "an agent")

    def __repr__(self) -> str:
        return f"<agent {self.name}, deployed from elsewhere>"


def _models(model: str | Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The first one, and those that may take its place."""
    names = [literal_text(name, "model") for name in ([model] if isinstance(model, str) else model)]
    if not names or (len(names) > 1 and not all(map(str.strip, names))):
        raise DefinitionError(
            f"model is {list(model)!r}", 'It is a name, or a list of names: ["claude-opus-5-5", "gpt-6-sol"].'
        )
    return names[0], tuple(names[1:])


def _read_script(file: Path, path: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DefinitionError(f"There is no script {path}", f"It was looked for at {file}.") from None
    except (OSError, ValueError) as error:
        raise DefinitionError(f"The script {path} cannot be read: {error}") from None


def _path_in_project(file: Path) -> str:
    """Relative to the project, so that it is the same wherever the project lies."""
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
