"""Environments, execution contexts, and the one environment that a run sees (`docs/compatibility.md` 118–120)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stigmer_tui.api.agent_execution_pb2 import AgentExecution
from stigmer_tui.api.agent_instance_pb2 import AgentInstance
from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.api_resource_pb2 import ApiResourceReference
from stigmer_tui.api.environment_pb2 import Environment, EnvironmentValue
from stigmer_tui.api.execution_context_pb2 import ExecutionContext, ExecutionValue
from stigmer_tui.api.kinds import ENVIRONMENT, EXECUTION_CONTEXT
from stigmer_tui.api.runner_pb2 import Assignment
from stigmer_tui.api.workflow_instance_pb2 import WorkflowInstance
from stigmer_tui.api.workflow_pb2 import Workflow
from stigmer_tui.core.redaction import REDACTED, Redactor
from stigmer_tui.definition import extensions
from stigmer_tui.definition.reading import read
from stigmer_tui.definition.variables import variables as definition_variables
from stigmer_tui.server.errors import already_exists, impossible_now, not_found
from stigmer_tui.server.execution_state import AnyExecution
from stigmer_tui.server.resource_store import ResourceStore
from stigmer_tui.server.resources import Resources, checked_slug
from stigmer_tui.server.vault import Vault, variables_of

MESSAGE = "/message"
"""Vault name of a message that contains a secret; cannot be the name of a variable."""


class RunEnvironments:
    def __init__(self, store: ResourceStore, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    async def seal(
        self,
        execution: AnyExecution,
        resource: Agent | Workflow,
        instance: AgentInstance | WorkflowInstance,
        assignment: Assignment,
    ) -> None:
        """Puts the merged variables into the assignment: declarations of the resource, then the environments of the
        instance in order, then values of the run. Secrets are moved to the vault and replaced by marks.

        A variable is secret if any of these says so, or if an expression refers to it as a secret.
        """
        given = execution.spec.runtime_env
        sources = [(resource.metadata.id, variables_of(resource))]
        for reference in _references(instance):
            environment = self._referenced(reference, resource.metadata.org)
            sources.append((environment.metadata.id, environment.spec.data))
        sources.append((execution.metadata.id, given))
        said = extensions.read_declarations(resource.metadata.annotations)
        # An empty default is a value, but the wire cannot distinguish it from no value.
        merged = {name: "" for name in variables_of(resource) if said.get(name) == ""}
        for owner, variables in sources:
            merged |= await self._revealed(owner, variables)
        secret = {name for _, variables in sources for name, variable in variables.items() if variable.is_secret}
        if isinstance(resource, Workflow):
            secret |= {use.name for use in definition_variables(read(resource.spec).definition) if use.is_secret}
        values = {name: value for name, value in merged.items() if name in secret}
        await self._keep(execution, values)
        for name, value in merged.items():
            is_secret = name in secret
            assignment.environment[name].CopyFrom(
                ExecutionValue(value=REDACTED if is_secret else value, is_secret=is_secret)
            )
        for name in secret & given.keys():
            given[name].is_secret = True
            if given[name].value:
                given[name].value = REDACTED

    async def share(self, owner: str, known: Assignment, execution: AgentExecution, assignment: Assignment) -> None:
        """Gives a part of the execution `owner` the variables that its assignment `known` names."""
        for name, variable in known.environment.items():
            assignment.environment[name].CopyFrom(variable)
        values = await self._revealed(owner, known.environment)
        secrets = {name: value for name, value in values.items() if known.environment[name].is_secret}
        await self._keep(execution, secrets)

    async def unsealed(self, execution: AnyExecution, assignment: Assignment) -> Assignment:
        """The assignment for a runner: with the current execution and with secrets instead of marks.

        Raises ApiError if the secrets were only in the memory of a former server.
        """
        for name, value in (await self._revealed(execution.metadata.id, assignment.environment)).items():
            assignment.environment[name].value = value
        mine = assignment.agent if isinstance(execution, AgentExecution) else assignment.workflow
        mine.execution.CopyFrom(execution)  # type: ignore[arg-type]
        if REDACTED in _message(execution):
            secrets = await self._vault.reveal(execution.metadata.id)
            _set_message(mine.execution, secrets.get(MESSAGE, _message(execution)))
        return assignment

    async def _keep(self, execution: AnyExecution, secrets: dict[str, str]) -> None:
        """Moves the secrets to the vault, with the message if it holds one."""
        message = _message(execution)
        redacted = Redactor(secrets.values()).text(message)
        if redacted != message:
            secrets[MESSAGE] = message
            _set_message(execution, redacted)
        await self._vault.keep(execution.metadata.id, secrets)

    async def forget(self, execution_id: str) -> None:
        await self._vault.forget(execution_id)

    def _referenced(self, reference: ApiResourceReference, org: str) -> Environment:
        found: Environment | None = self._store.find(ENVIRONMENT, reference.slug, reference.org or org)
        if found is None and not reference.org:
            found = self._store.find(ENVIRONMENT, reference.slug)
        if found is None:
            raise not_found(ENVIRONMENT.noun, reference.slug)
        return found

    async def _revealed(self, owner: str, variables: Mapping[str, EnvironmentValue | ExecutionValue]) -> dict[str, str]:
        """Values by name; declarations without a value are left out."""
        has_secrets = any(variable.is_secret for variable in variables.values())
        secrets = await self._vault.reveal(owner) if has_secrets else {}
        revealed = {}
        for name, variable in variables.items():
            value = variable.value
            if variable.is_secret and value == REDACTED:
                if name not in secrets:
                    raise impossible_now(
                        f"the value of the secret {name} is gone: without an OS keyring it lives in the memory of the "
                        "server, which was started anew since; give the value again"
                    )
                value = secrets[name]
            if value:
                revealed[name] = value
        return revealed


def _message(execution: AnyExecution) -> str:
    return execution.spec.message if isinstance(execution, AgentExecution) else execution.spec.trigger_message


def _set_message(execution: AnyExecution, message: str) -> None:
    if isinstance(execution, AgentExecution):
        execution.spec.message = message
    else:
        execution.spec.trigger_message = message


def _references(instance: AgentInstance | WorkflowInstance) -> Iterable[ApiResourceReference]:
    return instance.spec.environment_refs if isinstance(instance, AgentInstance) else instance.spec.env_refs


class Environments(Resources[Environment]):
    kind = ENVIRONMENT


class ExecutionContexts(Resources[ExecutionContext]):
    kind = EXECUTION_CONTEXT

    async def apply(self, request: ExecutionContext) -> ExecutionContext:
        """Raises ApiError if it exists: a context is never replaced."""
        slug = checked_slug(request.metadata)
        if self.store.find(EXECUTION_CONTEXT, slug, request.metadata.org) is not None:
            raise already_exists(self.kind.noun, slug)
        return await self.create(request)
