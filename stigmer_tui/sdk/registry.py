"""What a project has defined so far. Each run of a project's code has a registry of its own."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar, Token
from typing import Any, NamedTuple, Protocol, TypeVar

from stigmer_tui.sdk.builder import WorkflowBuilder
from stigmer_tui.sdk.errors import DefinitionError, Location, near_miss
from stigmer_tui.sdk.placeholders import Placeholders

VARIABLE_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
_VARIABLE = re.compile(rf"\.(secrets|env_vars)\.({VARIABLE_NAME.pattern})")


class StdioSettings(NamedTuple):
    """An MCP server that is a program."""

    command: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    working_dir: str


class HttpSettings(NamedTuple):
    """An MCP server at an address."""

    url: str
    headers: dict[str, str]
    params: dict[str, str]
    timeout: int


class DockerSettings(NamedTuple):
    """An MCP server that Docker runs."""

    image: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    volumes: tuple[tuple[str, str, bool], ...]
    """Path on the machine, path in the container, whether it is read only."""
    ports: tuple[tuple[int, int, str], ...]
    """Port on the machine, port in the container, protocol, which may be empty."""
    network: str
    container_name: str


class ServerDefinition(NamedTuple):
    """An MCP server of an agent."""

    name: str
    settings: StdioSettings | HttpSettings | DockerSettings
    enabled_tools: tuple[str, ...]
    variables: tuple[str, ...]


class SubAgentDefinition(NamedTuple):
    """A sub-agent of an agent."""

    name: str
    instructions: str
    description: str
    mcp_servers: tuple[str, ...]
    """Names of servers of the agent."""
    tools: dict[str, tuple[str, ...]]
    """The only tools of some of these servers."""
    skills: tuple[str, ...]
    """Names."""


class SkillDefinition(NamedTuple):
    """A skill of the project."""

    name: str
    folder: str
    """Absolute."""
    text: str
    """Of its SKILL.md."""
    tag: str
    location: Location


class AgentDefinition(NamedTuple):
    """An agent of the project."""

    name: str
    instructions: str
    description: str
    icon_url: str
    model: str
    fallback_models: tuple[str, ...]
    temperature: float | None
    script: str
    """The text of its script."""
    script_file: str
    """The file of the script, relative to the project."""
    variables: tuple[str, ...]
    mcp_servers: tuple[ServerDefinition, ...]
    sub_agents: tuple[SubAgentDefinition, ...]
    skills: tuple[str, ...]
    """Names."""
    output: str
    """The JSON schema of its answers; empty where they are texts."""
    location: Location


class EnvironmentDefinition(NamedTuple):
    """An environment of the project."""

    name: str
    values: dict[str, str]
    secrets: tuple[str, ...]
    """Names of variables whose values only the server has."""
    description: str
    location: Location


class InstanceDefinition(NamedTuple):
    """An instance of an agent or of a workflow."""

    noun: str
    """`agent instance` or `workflow instance`."""
    name: str
    owner: str
    """Name of the agent or workflow."""
    environments: tuple[str, ...]
    """Names."""
    description: str
    location: Location


class DeclaredVariable(NamedTuple):
    """What a project declares about a variable. Without a default, its value is asked for when a run starts."""

    name: str
    is_secret: bool
    default: str | None
    description: str
    location: Location

    def merged(self, other: DeclaredVariable) -> DeclaredVariable | None:
        """Both declarations in one, or None when they contradict each other."""
        if self.is_secret != other.is_secret:
            return None
        default = self.default if self.default is not None else other.default
        description = self.description or other.description
        if other.default not in (None, default) or other.description not in ("", description):
            return None
        return self._replace(default=default, description=description)


class Registry:
    """All resources in the order of their definition, and the variables that they use."""

    def __init__(self) -> None:
        self.agents: dict[str, AgentDefinition] = {}
        self.skills: dict[str, SkillDefinition] = {}
        self.workflows: dict[str, WorkflowBuilder] = {}
        self.environments: dict[str, EnvironmentDefinition] = {}
        self.instances: dict[tuple[str, str], InstanceDefinition] = {}
        """By noun and name."""
        self.variables: dict[str, DeclaredVariable] = {}
        self.placeholders = Placeholders()
        self.open_workflow: WorkflowBuilder | None = None
        """The workflow whose `with` block is running."""

    def add_agent(self, agent: AgentDefinition) -> None:
        """Raises DefinitionError for a name that another agent has."""
        _add(self.agents, agent.name, agent, f'agent "{agent.name}"')

    def add_skill(self, skill: SkillDefinition) -> None:
        """The same folder may be named repeatedly. Raises DefinitionError for a name that another one has."""
        known = self.skills.get(skill.name)
        if known is None or (known.folder, known.tag) != (skill.folder, skill.tag):
            _add(self.skills, skill.name, skill, f'skill "{skill.name}"')

    def add_workflow(self, workflow: WorkflowBuilder) -> None:
        """Raises DefinitionError for a name that another workflow has."""
        _add(self.workflows, workflow.name, workflow, f'workflow "{workflow.name}"')

    def add_environment(self, environment: EnvironmentDefinition) -> None:
        """Raises DefinitionError for a name that another environment has."""
        _add(self.environments, environment.name, environment, f'environment "{environment.name}"')

    def add_instance(self, instance: InstanceDefinition) -> None:
        """Raises DefinitionError for a name that another one of its kind has."""
        _add(self.instances, (instance.noun, instance.name), instance, f'{instance.noun} "{instance.name}"')

    def add_variable(self, variable: DeclaredVariable) -> None:
        """A variable may be declared repeatedly. Raises DefinitionError for declarations that contradict each other."""
        known = self.variables.get(variable.name, variable)
        merged = known.merged(variable)
        if merged is None and is_typed():
            merged = variable
        if merged is None:
            raise DefinitionError(
                f"{variable.name} is described differently in {known.location}",
                "Describe it once, keep the result in a variable of Python, and use that.",
            )
        self.variables[variable.name] = merged

    def open(self, workflow: WorkflowBuilder) -> None:
        """The `with` block of a workflow begins. Raises DefinitionError within that of another one."""
        if (other := self.open_workflow) is not None:
            raise DefinitionError(
                f'Workflow "{other.name}" is not finished',
                f'Begin "{workflow.name}" after its `with` block, not within.',
            )
        workflow.begin()
        self.open_workflow = workflow

    def close(self, workflow: WorkflowBuilder) -> None:
        """The `with` block of a workflow has ended."""
        workflow.close()
        self.open_workflow = None

    def check(self) -> None:
        """Raises DefinitionError for the first problem that shows only when everything is defined."""
        for workflow in self.workflows.values():
            if not workflow.tasks:
                raise DefinitionError(
                    f'Workflow "{workflow.name}" has no tasks',
                    f'Write them in a `with` block: with Workflow("{workflow.name}") as flow.',
                    workflow.location,
                )
            for call in workflow.calls:
                if not call.is_external and call.agent not in self.agents:
                    raise DefinitionError(
                        f'This project has no agent "{call.agent}"',
                        f"{near_miss(call.agent, list(self.agents))} To call one that is deployed from elsewhere, "
                        f'pass AgentRef("{call.agent}").',
                        call.location,
                    )


_current: ContextVar[Registry] = ContextVar("stigmer_tui.sdk.registry")


def current_registry() -> Registry:
    """The registry of the code that is running; a new one if there is none."""
    registry = _current.get(None)
    return registry if registry is not None else begin_registry()


def begin_registry() -> Registry:
    """An empty registry, which takes everything that is defined from now on."""
    registry = Registry()
    _current.set(registry)
    return registry


def enter_registry(registry: Registry) -> Token[Registry]:
    """This one takes what is defined, until `leave_registry`."""
    return _current.set(registry)


def leave_registry(token: Token[Registry]) -> None:
    """The one from before takes what is defined."""
    _current.reset(token)


def variables_in(data: Any) -> Iterator[tuple[str, bool]]:
    """The variables that the texts in some data use: the name of each, and whether it is a secret."""
    match data:
        case str():
            for namespace, name in _VARIABLE.findall(data):
                yield name, namespace == "secrets"
        case Mapping():
            for item in data.values():
                yield from variables_in(item)
        case list() | tuple():
            for item in data:
                yield from variables_in(item)


def is_typed() -> bool:
    """Whether a person types the code, or the cells of a notebook: what is defined again takes the place of the old."""
    return hasattr(sys, "ps1")


class _Defined(Protocol):
    @property
    def location(self) -> Location: ...


Key = TypeVar("Key")
Definition = TypeVar("Definition", bound=_Defined)


def _add(table: dict[Key, Definition], key: Key, definition: Definition, what: str) -> None:
    if key in table and not is_typed():
        where = table[key].location
        raise DefinitionError(f"The {what} is defined already, in {where}", "Give one of them another name.")
    table[key] = definition
