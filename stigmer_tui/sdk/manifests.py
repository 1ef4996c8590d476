"""Manifests: what a project defines, as files to deploy (`docs/compatibility.md` 144–146)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from google.protobuf.message import DecodeError, Message

from stigmer_tui import __version__
from stigmer_tui.api.agent_instance_pb2 import AgentInstance as AgentInstanceMessage
from stigmer_tui.api.agent_instance_pb2 import AgentInstanceSpec
from stigmer_tui.api.agent_pb2 import Agent as AgentMessage
from stigmer_tui.api.agent_pb2 import (
    AgentSpec,
    DockerServer,
    HttpServer,
    McpServerDefinition,
    McpToolSelection,
    PortMapping,
    StdioServer,
    SubAgent,
    VolumeMount,
)
from stigmer_tui.api.api_resource_kind_pb2 import ApiResourceKind
from stigmer_tui.api.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceOwnerScope,
    ApiResourceReference,
    WorkflowTaskKind,
)
from stigmer_tui.api.environment_pb2 import Environment as EnvironmentMessage
from stigmer_tui.api.environment_pb2 import EnvironmentSpec, EnvironmentValue
from stigmer_tui.api.skill_pb2 import Skill as SkillMessage
from stigmer_tui.api.structs import to_struct
from stigmer_tui.api.workflow_instance_pb2 import WorkflowInstance as WorkflowInstanceMessage
from stigmer_tui.api.workflow_instance_pb2 import WorkflowInstanceSpec
from stigmer_tui.api.workflow_pb2 import Export, FlowControl, WorkflowDocument, WorkflowSpec, WorkflowTask
from stigmer_tui.api.workflow_pb2 import Workflow as WorkflowMessage
from stigmer_tui.definition import extensions, place_names
from stigmer_tui.definition.place_names import place_name
from stigmer_tui.sdk.builder import WorkflowBuilder
from stigmer_tui.sdk.errors import DefinitionError, near_miss
from stigmer_tui.sdk.layout import EXPORT_ALL, PlacedTask
from stigmer_tui.sdk.registry import (
    AgentDefinition,
    DeclaredVariable,
    DockerSettings,
    EnvironmentDefinition,
    HttpSettings,
    InstanceDefinition,
    Registry,
    ServerDefinition,
    SkillDefinition,
    StdioSettings,
    SubAgentDefinition,
    variables_in,
)

API_VERSION = "agentic.stigmer.ai/v1"
DSL_VERSION = "1.0.0"
DEPENDENCIES = "dependencies.json"
KIND_PREFIX = "WORKFLOW_TASK_KIND_"


def manifest_files(registry: Registry, generated_at: int, folder: Path = Path()) -> dict[str, bytes]:
    """The content of every manifest of a project, by file name. `generated_at` is in seconds since 1970; paths of the
    code are relative to `folder`.

    Raises DefinitionError for problems that show only when everything is defined.
    """
    files = {}
    numbers: Counter[str] = Counter()
    for kind, name, build in _resources(registry, generated_at):
        files[f"{kind}-{numbers[kind]}.pb"] = _bytes(build, name)
        numbers[kind] += 1
    files[DEPENDENCIES] = json.dumps(_dependencies(registry), indent=2).encode()
    files[place_names.FILE] = json.dumps(_places(registry, folder)).encode()
    return files


def manifest_messages(registry: Registry) -> list[Message]:
    """Every manifest of a project. Raises DefinitionError as `manifest_files` does."""
    messages = []
    for _, name, build in _resources(registry, 0):
        _bytes(build, name)
        messages.append(build())
    return messages


def _resources(registry: Registry, generated_at: int) -> Iterator[tuple[str, str, Callable[[], Message]]]:
    """The beginning of the file's name, the name of the resource, and what makes its message."""
    registry.check()
    for agent in registry.agents.values():
        yield "agent", agent.name, partial(_agent, agent, registry, generated_at)
    for skill in registry.skills.values():
        yield "skill", skill.name, partial(_skill, skill, generated_at)
    for workflow in registry.workflows.values():
        _check_kinds(workflow)
        yield "workflow", workflow.name, partial(_workflow, workflow, registry, generated_at)
    for environment in registry.environments.values():
        yield "environment", environment.name, partial(_environment, environment, generated_at)
    for instance in registry.instances.values():
        yield instance.noun.replace(" ", "-"), instance.name, partial(_instance, instance, generated_at)


def write_files(files: dict[str, bytes], folder: Path) -> None:
    """Writes files by name into a folder, which is made where it is missing. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _check_kinds(workflow: WorkflowBuilder) -> None:
    known = [name.removeprefix(KIND_PREFIX) for name, number in WorkflowTaskKind.items() if number]
    for task in workflow.nodes.values():
        if task.kind not in known:
            raise DefinitionError(f'There is no kind of task "{task.kind}"', near_miss(task.kind, known), task.location)


def _bytes(build: Callable[[], Message], name: str) -> bytes:
    try:
        message = build()
        content = message.SerializeToString(deterministic=True)
        type(message).FromString(content)
    except DecodeError as error:
        # More can be nested in a message when it is written than when it is read.
        raise DefinitionError(
            f'"{name}" is nested too deep', "Make its blocks, or the values in them, flatter."
        ) from error
    except UnicodeEncodeError as error:
        shown = ascii(error.object)[:100]
        raise DefinitionError(f'A text of "{name}" holds half a character, which cannot be stored: {shown}') from error
    return content


def _agent(agent: AgentDefinition, registry: Registry, generated_at: int) -> AgentMessage:
    message = AgentMessage(
        api_version=API_VERSION,
        kind="Agent",
        metadata=_metadata(agent.name, generated_at),
        spec=AgentSpec(
            description=agent.description,
            icon_url=agent.icon_url,
            instructions=agent.instructions,
            mcp_servers=[_mcp_server(server) for server in agent.mcp_servers],
            sub_agents=[_sub_agent(sub_agent) for sub_agent in agent.sub_agents],
            skill_refs=_skill_refs(agent.skills),
            env_spec=_env_spec(registry.variables[name] for name in agent.variables),
        ),
    )
    _declare(message, [registry.variables[name] for name in agent.variables], registry)
    if agent.model:
        message.metadata.annotations[extensions.MODEL] = agent.model
    if agent.fallback_models:
        message.metadata.annotations[extensions.FALLBACK_MODELS] = json.dumps(agent.fallback_models)
    if agent.temperature is not None:
        message.metadata.annotations[extensions.TEMPERATURE] = f"{agent.temperature:g}"
    if agent.output:
        message.metadata.annotations[extensions.OUTPUT] = agent.output
    if agent.script:
        message.metadata.annotations[extensions.SCRIPT] = agent.script
        message.metadata.annotations[extensions.SCRIPT_FILE] = agent.script_file
    return message


def _sub_agent(sub_agent: SubAgentDefinition) -> SubAgent:
    return SubAgent(
        name=sub_agent.name,
        description=sub_agent.description,
        instructions=sub_agent.instructions,
        mcp_servers=sub_agent.mcp_servers,
        mcp_tool_selections={name: McpToolSelection(enabled_tools=tools) for name, tools in sub_agent.tools.items()},
        skill_refs=_skill_refs(sub_agent.skills),
    )


def _skill_refs(names: Iterable[str]) -> list[ApiResourceReference]:
    references = []
    for name in names:
        slug, _, version = name.partition("@")
        scope, kind = ApiResourceOwnerScope.organization, ApiResourceKind.skill
        references.append(ApiResourceReference(scope=scope, kind=kind, slug=slug, version=version))
    return references


def _skill(skill: SkillDefinition, generated_at: int) -> SkillMessage:
    message = SkillMessage(api_version=API_VERSION, kind="Skill", metadata=_metadata(skill.name, generated_at))
    message.metadata.annotations[extensions.SKILL_FOLDER] = skill.folder
    message.spec.skill_md, message.spec.tag = skill.text, skill.tag
    return message


def _environment(environment: EnvironmentDefinition, generated_at: int) -> EnvironmentMessage:
    message = EnvironmentMessage(
        api_version=API_VERSION, kind="Environment", metadata=_metadata(environment.name, generated_at)
    )
    message.spec.description = environment.description
    for name, value in environment.values.items():
        message.spec.data[name].value = value
    for name in environment.secrets:
        message.spec.data[name].is_secret = True
    return message


def _instance(instance: InstanceDefinition, generated_at: int) -> AgentInstanceMessage | WorkflowInstanceMessage:
    """It names its owner by name; the plan puts the id in its place."""
    metadata = _metadata(instance.name, generated_at)
    scope, kind = ApiResourceOwnerScope.organization, ApiResourceKind.environment
    references = [ApiResourceReference(scope=scope, kind=kind, slug=name) for name in instance.environments]
    if instance.noun == "agent instance":
        return AgentInstanceMessage(
            api_version=API_VERSION,
            kind="AgentInstance",
            metadata=metadata,
            spec=AgentInstanceSpec(
                agent_id=instance.owner, description=instance.description, environment_refs=references
            ),
        )
    return WorkflowInstanceMessage(
        api_version=API_VERSION,
        kind="WorkflowInstance",
        metadata=metadata,
        spec=WorkflowInstanceSpec(workflow_id=instance.owner, description=instance.description, env_refs=references),
    )


def _mcp_server(server: ServerDefinition) -> McpServerDefinition:
    message = McpServerDefinition(name=server.name, enabled_tools=server.enabled_tools)
    match server.settings:
        case StdioSettings(command, arguments, environment, folder):
            stdio = StdioServer(command=command, args=arguments, env_placeholders=environment, working_dir=folder)
            message.stdio.CopyFrom(stdio)
        case HttpSettings(url, headers, params, timeout):
            message.http.CopyFrom(HttpServer(url=url, headers=headers, query_params=params, timeout_seconds=timeout))
        case DockerSettings() as docker:
            message.docker.CopyFrom(
                DockerServer(
                    image=docker.image,
                    args=docker.arguments,
                    env_placeholders=docker.environment,
                    volumes=[
                        VolumeMount(host_path=host, container_path=inside, read_only=read_only)
                        for host, inside, read_only in docker.volumes
                    ],
                    network=docker.network,
                    ports=[
                        PortMapping(host_port=host, container_port=inside, protocol=protocol)
                        for host, inside, protocol in docker.ports
                    ],
                    container_name=docker.container_name,
                )
            )
    return message


def _workflow(workflow: WorkflowBuilder, registry: Registry, generated_at: int) -> WorkflowMessage:
    used = list(_used_variables(workflow, registry))
    message = WorkflowMessage(
        api_version=API_VERSION,
        kind="Workflow",
        metadata=_metadata(workflow.name, generated_at),
        spec=WorkflowSpec(
            description=workflow.description,
            document=WorkflowDocument(
                dsl=DSL_VERSION,
                namespace=workflow.namespace,
                name=workflow.name,
                version=workflow.version,
                description=workflow.description,
            ),
            tasks=[_task(task) for task in workflow.tasks],
            env_spec=_env_spec(used),
        ),
    )
    _declare(message, used, registry)
    if workflow.input_schema:
        message.metadata.annotations[extensions.INPUT] = workflow.input_schema
    return message


def _metadata(name: str, generated_at: int) -> ApiResourceMetadata:
    return ApiResourceMetadata(
        name=name,
        slug=name,
        owner_scope=ApiResourceOwnerScope.organization,
        annotations={
            "stigmer.ai/sdk.language": "python",
            "stigmer.ai/sdk.version": __version__,
            "stigmer.ai/sdk.generated-at": str(generated_at),
        },
    )


def _task(task: PlacedTask) -> WorkflowTask:
    return WorkflowTask(
        name=task.name,
        kind=WorkflowTaskKind.Value(KIND_PREFIX + task.kind),
        task_config=to_struct(task.config),
        export=Export(**{"as": EXPORT_ALL}) if task.is_exported else None,
        flow=FlowControl(then=task.then) if task.then else None,
    )


def _env_spec(variables: Iterable[DeclaredVariable]) -> EnvironmentSpec | None:
    data = {
        variable.name: EnvironmentValue(
            value=variable.default or "", is_secret=variable.is_secret, description=variable.description
        )
        for variable in variables
    }
    return EnvironmentSpec(data=data) if data else None


def _declare(message: AgentMessage | WorkflowMessage, variables: list[DeclaredVariable], registry: Registry) -> None:
    """Declares variables in the order of the code. Those that only handwritten text names come last."""
    order = {name: index for index, name in enumerate(registry.variables)}
    ordered = sorted(variables, key=lambda variable: order.get(variable.name, len(order)))
    if ordered:
        declarations = {variable.name: variable.default for variable in ordered}
        message.metadata.annotations[extensions.VARIABLES] = extensions.write_declarations(declarations)


def _used_variables(workflow: WorkflowBuilder, registry: Registry) -> Iterable[DeclaredVariable]:
    """Variables from `env` and `secret`, and those that only handwritten text names."""
    for task in workflow.tasks:
        for name, is_secret in variables_in(task.config):
            yield registry.variables.get(name) or DeclaredVariable(name, is_secret, None, "", task.location)


def _dependencies(registry: Registry) -> dict[str, list[str]]:
    """The agents that each workflow calls (`docs/compatibility.md` 145)."""
    dependencies = {}
    for workflow in registry.workflows.values():
        agents = {f"agent:{'external:' if call.is_external else ''}{call.agent}" for call in workflow.calls}
        if agents:
            dependencies[f"workflow:{workflow.name}"] = sorted(agents)
    return dependencies


def _places(registry: Registry, folder: Path) -> dict[str, tuple[str, int]]:
    """File and line of every resource and task."""
    found = {place_name("agent", agent.name): agent.location for agent in registry.agents.values()}
    found |= {place_name("skill", skill.name): skill.location for skill in registry.skills.values()}
    found |= {place_name("environment", each.name): each.location for each in registry.environments.values()}
    found |= {place_name(each.noun, each.name): each.location for each in registry.instances.values()}
    for workflow in registry.workflows.values():
        found[place_name("workflow", workflow.name)] = workflow.location
        found |= {place_name("workflow", workflow.name, task.name): task.location for task in workflow.nodes.values()}
    return {name: (_within(folder, location.file), location.line) for name, location in found.items()}


def _within(folder: Path, file: str) -> str:
    path = Path(file)
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)
