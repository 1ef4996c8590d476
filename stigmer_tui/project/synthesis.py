"""Synthesis: runs a project's code and reads the manifests that it writes (`docs/compatibility.md` 142–146)."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from google.protobuf.message import DecodeError

from stigmer_tui.api.agent_instance_pb2 import AgentInstance
from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.environment_pb2 import Environment
from stigmer_tui.api.kinds import AUTHORED, Kind
from stigmer_tui.api.skill_pb2 import Skill
from stigmer_tui.api.workflow_instance_pb2 import WorkflowInstance
from stigmer_tui.api.workflow_pb2 import Workflow
from stigmer_tui.core import settings
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.ids import slug_of
from stigmer_tui.core.json_values import from_json
from stigmer_tui.core.units import duration_text
from stigmer_tui.definition import extensions
from stigmer_tui.definition.place_names import place_name
from stigmer_tui.definition.script import parse_script
from stigmer_tui.project.places import Places, read_places
from stigmer_tui.project.project_file import Project
from stigmer_tui.project.project_keys import Runtime
from stigmer_tui.project.runtimes import SynthesisError, run_command, run_go, run_python
from stigmer_tui.project.subprocesses import OnLine, RunPackage, run_package

if TYPE_CHECKING:
    from stigmer_tui.project.manifest_files import PlacedResource

DEPENDENCIES = "dependencies.json"

Instance = AgentInstance | WorkflowInstance
Resource = Agent | Workflow | Environment | Skill | Instance
AnyResource = TypeVar("AnyResource", Agent, Workflow, Environment, Skill, AgentInstance, WorkflowInstance)


@dataclass(frozen=True, slots=True)
class Manifests:
    """All resources of a project, each kind in the order of definition."""

    agents: tuple[Agent, ...] = ()
    workflows: tuple[Workflow, ...] = ()
    dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Which agents a workflow calls: `workflow:tally` → `agent:helper`. Go projects do not report it."""
    environments: tuple[Environment, ...] = ()
    skills: tuple[Skill, ...] = ()
    instances: tuple[Instance, ...] = ()
    places: Places = field(default_factory=dict)
    """Where they are defined."""

    @property
    def resources(self) -> tuple[Resource, ...]:
        """In the order of deployment: what others refer to comes before them."""
        return (*self.environments, *self.skills, *self.agents, *self.workflows, *self.instances)


def read_manifests(folder: Path) -> Manifests:
    """Reads the manifests in a folder. Raises StigmerError, with the file name, for one that is not valid."""
    return Manifests(
        agents=_unique([_read(path, Agent) for path in _numbered(folder, "agent")]),
        workflows=_unique([_read(path, Workflow) for path in _numbered(folder, "workflow")]),
        dependencies=_read_dependencies(folder / DEPENDENCIES),
        environments=_unique([_read(path, Environment) for path in _numbered(folder, "environment")]),
        skills=_unique([_read(path, Skill) for path in _numbered(folder, "skill")]),
        instances=(
            *_unique([_read(path, AgentInstance) for path in _numbered(folder, "agent-instance")]),
            *_unique([_read(path, WorkflowInstance) for path in _numbered(folder, "workflow-instance")]),
        ),
        places=read_places(folder),
    )


def kind_of(resource: Resource) -> Kind:
    """The kind of a resource."""
    return next(kind for kind in AUTHORED if isinstance(resource, kind.message))


def slug_in(resource: Resource) -> str:
    """The slug that a resource will have on the server."""
    return resource.metadata.slug or slug_of(resource.metadata.name)


def _numbered(folder: Path, kind: str) -> list[Path]:
    """The files of a kind by number: `agent-2.pb` before `agent-10.pb`."""
    matches = {path: re.fullmatch(rf"{kind}-(\d+)\.pb", path.name) for path in folder.iterdir()}
    numbers = {path: int(match[1]) for path, match in matches.items() if match}
    return sorted(numbers, key=numbers.__getitem__)


def _read(path: Path, kind: type[AnyResource]) -> AnyResource:
    try:
        message = kind.FromString(path.read_bytes())
    except (OSError, DecodeError) as error:
        raise StigmerError(f"{path.name} is not a valid {kind.__name__} manifest: {error}", _ADVICE) from error
    if message.kind != kind.__name__ or not slug_in(message):
        raise StigmerError(f"{path.name} is not a valid {kind.__name__} manifest: it has no kind or no name", _ADVICE)
    return message


_ADVICE = "Check that the SDK with which the project is written fits this version."


def _of(kind: type[AnyResource], found: Iterable[PlacedResource]) -> list[AnyResource]:
    return [placed.resource for placed in found if isinstance(placed.resource, kind)]


def _unique(resources: list[AnyResource]) -> tuple[AnyResource, ...]:
    seen: dict[str, AnyResource] = {}
    for resource in resources:
        slug = slug_in(resource)
        if slug in seen:
            noun = resource.kind.lower()
            advice = "On the server the second would replace the first. Give one of them another name."
            raise StigmerError(f'The project defines two {noun}s with the name "{slug}"', advice)
        seen[slug] = resource
    return tuple(resources)


def _read_dependencies(path: Path) -> dict[str, tuple[str, ...]]:
    try:
        data = from_json(path.read_text(encoding="utf-8"))
        return {str(name): tuple(map(str, others)) for name, others in data.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise StigmerError(f"{path.name} cannot be understood: {error}", _ADVICE) from error


ADVICE = "It is the script of the agent {agent}. The one that is deployed stays until this one can be played."


def check_scripts(manifests: Manifests) -> None:
    """Raises SynthesisError with file and line for the first script that cannot be played."""
    for agent in manifests.agents:
        given = agent.metadata.annotations
        if text := given.get(extensions.SCRIPT):
            file = given.get(extensions.SCRIPT_FILE) or f"script of {agent.metadata.name}"
            try:
                parse_script(text, file, bool(agent.spec.mcp_servers))
            except StigmerError as error:
                line, column, problem = _split_place(error.message, file)
                advice = ADVICE.format(agent=agent.metadata.name)
                raise SynthesisError(problem, advice, Path(file), line, column) from error


def _split_place(message: str, file: str) -> tuple[int, int, str]:
    """Line, column and text of a message such as `scripts/host.yaml:3:5 has …`."""
    match = re.match(r":(\d+):(\d+) (.*)", message.removeprefix(file), re.DOTALL)
    return (int(match[1]), int(match[2]), match[3]) if match else (0, 0, message)


OUTPUT_FOLDER = "STIGMER_OUT_DIR"
TIME_LIMIT = settings.SYNTHESIS_TIMEOUT.variable
DEFAULT_TIME_LIMIT = 60.0


def time_limit(environment: Mapping[str, str]) -> float:
    """Seconds that synthesis may take. Raises StigmerError for a setting that is not a positive number."""
    text = environment.get(TIME_LIMIT, "").strip()
    try:
        seconds = float(text or DEFAULT_TIME_LIMIT)
    except ValueError:
        seconds = 0
    if not 0 < seconds < float("inf"):
        raise StigmerError(f"{TIME_LIMIT} is {text!r}", "It is a number of seconds, such as 60.")
    return seconds


async def synthesize(
    project: Project,
    on_line: OnLine = lambda line: None,
    environment: Mapping[str, str] | None = None,
    run_package: RunPackage = run_package,
) -> Manifests:
    """Runs the project's code, with an output folder of its own, and reads the manifests.

    `on_line` gets each line that the code prints as it comes, `run_package` runs the SDK. Cancelling ends all processes
    at once.
    Raises SynthesisError for code that fails or defines nothing, and StigmerError for a bad time limit.
    """
    environment = os.environ if environment is None else environment
    limit = time_limit(environment)
    if project.runtime is Runtime.YAML:
        return await asyncio.to_thread(_read_files, project)
    is_command = project.runtime is Runtime.COMMAND
    name = " ".join(project.command) if is_command else project.main.name
    if not is_command and not project.main.is_file():
        raise SynthesisError(f"{project.main} is not there", "main in Stigmer.yaml names the file to begin with.")
    with tempfile.TemporaryDirectory(prefix="stigmer-", ignore_cleanup_errors=True) as output:
        try:
            async with asyncio.timeout(limit):
                variables = {**environment, OUTPUT_FOLDER: output}
                if project.runtime is Runtime.PYTHON:
                    await run_python(project, Path(output), variables, on_line, run_package)
                elif is_command:
                    await run_command(project, variables, on_line)
                else:
                    await run_go(project, Path(output), variables, on_line)
        except TimeoutError:
            advice = f"{TIME_LIMIT} gives it more seconds. Is it waiting for something, such as input or a server?"
            raise SynthesisError(f"{name} did not finish within {duration_text(limit)}", advice) from None
        except OSError as error:
            raise SynthesisError(f"{name} cannot be run: {error}") from error
        try:
            manifests = _read_output(Path(output), project)
        except StigmerError as error:
            raise SynthesisError(error.message, error.advice) from error
    check_scripts(manifests)
    if not manifests.resources:
        raise SynthesisError(f"{name} finished and defined no agent and no workflow", _NOTHING[project.runtime])
    return manifests


def _read_output(folder: Path, project: Project) -> Manifests:
    """What code has written: encoded messages, or manifests as people write them."""
    if any(path.suffix in (".yaml", ".yml") for path in folder.iterdir()):
        from stigmer_tui.project.manifest_files import read_manifest_files

        return _sorted(read_manifest_files(folder, folder, project.folder))
    return read_manifests(folder)


def _sorted(found: Sequence[PlacedResource]) -> Manifests:
    return Manifests(
        agents=_unique(_of(Agent, found)),
        workflows=_unique(_of(Workflow, found)),
        environments=_unique(_of(Environment, found)),
        skills=_unique(_of(Skill, found)),
        instances=(*_unique(_of(AgentInstance, found)), *_unique(_of(WorkflowInstance, found))),
        places={place_name(kind_of(placed.resource).noun, slug_in(placed.resource)): placed.place for placed in found},
    )


def _read_files(project: Project) -> Manifests:
    from stigmer_tui.project.manifest_files import read_manifest_files

    found = read_manifest_files(project.main, project.folder)
    try:
        manifests = _sorted(found)
    except StigmerError as error:
        raise SynthesisError(error.message, error.advice) from error
    check_scripts(manifests)
    if not manifests.resources:
        raise SynthesisError(f"{project.main.name} holds no manifests", _NOTHING[Runtime.YAML])
    return manifests


_NOTHING = {
    Runtime.YAML: "A manifest begins with its kind: kind: Agent",
    Runtime.PYTHON: 'Define one: Agent("helper", instructions="Answer in one sentence.")',
    Runtime.COMMAND: f"It writes them into the folder that {OUTPUT_FOLDER} names, such as agents.yaml.",
    Runtime.GO: "Define one within stigmer.Run, and end with an error when it returns one: log.Fatal(err).",
}
