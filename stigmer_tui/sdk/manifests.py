"""Manifests: what a project defines as files, for whoever deploys it (`docs/compatibility.md` 144, 146)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from google.protobuf.message import DecodeError, Message

from stigmer_tui import __version__
from stigmer_tui.api.agent_pb2 import Agent as AgentMessage
from stigmer_tui.api.agent_pb2 import AgentSpec
from stigmer_tui.api.api_resource_pb2 import ApiResourceMetadata, ApiResourceOwnerScope, WorkflowTaskKind
from stigmer_tui.api.environment_pb2 import EnvironmentSpec, EnvironmentValue
from stigmer_tui.api.structs import to_struct
from stigmer_tui.api.workflow_pb2 import Export, FlowControl, WorkflowDocument, WorkflowSpec, WorkflowTask
from stigmer_tui.api.workflow_pb2 import Workflow as WorkflowMessage
from stigmer_tui.definition.support import SCRIPT_ANNOTATION, SCRIPT_FILE_ANNOTATION
from stigmer_tui.definition.variables import VARIABLES_ANNOTATION, write_declarations
from stigmer_tui.sdk.agents import Agent
from stigmer_tui.sdk.blocks import EXPORT_ALL, PlacedTask
from stigmer_tui.sdk.collection import Registry
from stigmer_tui.sdk.mistakes import DefinitionError
from stigmer_tui.sdk.variables import DeclaredVariable, variables_in
from stigmer_tui.sdk.workflows import Workflow

API_VERSION = "agentic.stigmer.ai/v1"
DSL_VERSION = "1.0.0"
DEPENDENCIES = "dependencies.json"


def manifest_files(collection: Registry, generated_at: int) -> dict[str, bytes]:
    """Every file of a project's manifests, by its name. `generated_at` is in seconds since 1970.

    Raises DefinitionError for what only shows when everything is defined.
    """
    collection.check()
    files = {}
    for index, agent in enumerate(collection.agents.values()):
        files[f"agent-{index}.pb"] = _bytes(partial(_agent, agent, collection, generated_at), agent.name)
    for index, workflow in enumerate(collection.workflows.values()):
        files[f"workflow-{index}.pb"] = _bytes(partial(_workflow, workflow, collection, generated_at), workflow.name)
    files[DEPENDENCIES] = json.dumps(_dependencies(collection), indent=2).encode()
    return files


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


def write_files(files: dict[str, bytes], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _agent(agent: Agent, collection: Registry, generated_at: int) -> AgentMessage:
    message = AgentMessage(
        api_version=API_VERSION,
        kind="Agent",
        metadata=_metadata(agent.name, generated_at),
        spec=AgentSpec(
            description=agent.description,
            icon_url=agent.icon_url,
            instructions=agent.instructions,
            env_spec=_environment(collection.variables[name] for name in agent.variables),
        ),
    )
    _declare(message, [collection.variables[name] for name in agent.variables], collection)
    if agent.script:
        message.metadata.annotations[SCRIPT_ANNOTATION] = agent.script
        message.metadata.annotations[SCRIPT_FILE_ANNOTATION] = agent.script_file
    return message


def _workflow(workflow: Workflow, collection: Registry, generated_at: int) -> WorkflowMessage:
    used = list(_used_variables(workflow, collection))
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
            env_spec=_environment(used),
        ),
    )
    _declare(message, used, collection)
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
        kind=WorkflowTaskKind.Value(f"WORKFLOW_TASK_KIND_{task.kind}"),
        task_config=to_struct(task.config),
        export=Export(**{"as": EXPORT_ALL}) if task.is_exported else None,
        flow=FlowControl(then=task.then) if task.then else None,
    )


def _environment(variables: Iterable[DeclaredVariable]) -> EnvironmentSpec | None:
    data = {
        variable.name: EnvironmentValue(
            value=variable.default or "", is_secret=variable.is_secret, description=variable.description
        )
        for variable in variables
    }
    return EnvironmentSpec(data=data) if data else None


def _declare(message: AgentMessage | WorkflowMessage, variables: list[DeclaredVariable], collection: Registry) -> None:
    """In the order of the code; those that only a text written by hand names come last."""
    order = {name: index for index, name in enumerate(collection.variables)}
    ordered = sorted(variables, key=lambda variable: order.get(variable.name, len(order)))
    if ordered:
        declarations = {variable.name: variable.default for variable in ordered}
        message.metadata.annotations[VARIABLES_ANNOTATION] = write_declarations(declarations)


def _used_variables(workflow: Workflow, collection: Registry) -> Iterable[DeclaredVariable]:
    """Those that `env` and `secret` gave, and those that only a text written by hand names."""
    for task in workflow.tasks:
        for name, is_secret in variables_in(task.config):
            yield collection.variables.get(name) or DeclaredVariable(name, is_secret, None, "", task.location)


def _dependencies(collection: Registry) -> dict[str, list[str]]:
    """The agents that each workflow calls (`docs/compatibility.md` 145)."""
    dependencies = {}
    for workflow in collection.workflows.values():
        agents = {f"agent:{'external:' if call.is_external else ''}{call.agent}" for call in workflow.agent_calls}
        if agents:
            dependencies[f"workflow:{workflow.name}"] = sorted(agents)
    return dependencies
