"""Maps every method of the wire to a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor

from stigmer_tui.api import (
    agent_execution_pb2,
    agent_instance_pb2,
    agent_pb2,
    approval_pb2,
    catalogue_pb2,
    daemon_pb2,
    environment_pb2,
    execution_context_pb2,
    execution_pb2,
    model_call_pb2,
    runner_pb2,
    session_pb2,
    skill_pb2,
    task_run_pb2,
    workflow_execution_pb2,
    workflow_instance_pb2,
    workflow_pb2,
)
from stigmer_tui.server.access import Access
from stigmer_tui.server.agent_executions import AgentExecutions
from stigmer_tui.server.agents import AgentInstances, Agents
from stigmer_tui.server.approvals import Approvals
from stigmer_tui.server.attached_files import AttachedFiles
from stigmer_tui.server.catalogue import CatalogueCalls
from stigmer_tui.server.controllers import Controller
from stigmer_tui.server.daemon_status import DaemonCalls
from stigmer_tui.server.environments import Environments, ExecutionContexts
from stigmer_tui.server.execution_calls import ExecutionCalls
from stigmer_tui.server.execution_search import ExecutionSearch
from stigmer_tui.server.model_requests import ModelRequests
from stigmer_tui.server.resources import Resources
from stigmer_tui.server.runner_calls import RunnerCalls
from stigmer_tui.server.sessions import Sessions
from stigmer_tui.server.skills import Skills
from stigmer_tui.server.task_runs import TaskRuns
from stigmer_tui.server.workflow_executions import WorkflowExecutions
from stigmer_tui.server.workflows import WorkflowInstances, Workflows

Methods = dict[str, Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class Calls:
    """The objects that implement the services."""

    agents: Agents
    agent_instances: AgentInstances
    workflows: Workflows
    workflow_instances: WorkflowInstances
    sessions: Sessions
    environments: Environments
    execution_contexts: ExecutionContexts
    skills: Skills
    agent_executions: AgentExecutions
    workflow_executions: WorkflowExecutions
    executions: ExecutionCalls
    catalogue: CatalogueCalls
    search: ExecutionSearch
    daemon: DaemonCalls
    runners: RunnerCalls
    approvals: Approvals
    model_requests: ModelRequests
    attached_files: AttachedFiles
    task_runs: TaskRuns


def contract_controllers(calls: Calls) -> list[Controller]:
    """The services of the wire contract."""
    runs, agent_runs = calls.workflow_executions, calls.agent_executions
    contexts, skills = calls.execution_contexts, calls.skills
    return [
        *_controllers(agent_pb2, "Agent", _changes(calls.agents), _reads(calls.agents)),
        *_controllers(
            agent_instance_pb2,
            "AgentInstance",
            _changes(calls.agent_instances),
            _reads(calls.agent_instances) | {"getByAgent": calls.agent_instances.get_by_agent},
        ),
        *_controllers(workflow_pb2, "Workflow", _changes(calls.workflows), _reads(calls.workflows)),
        *_controllers(
            workflow_instance_pb2,
            "WorkflowInstance",
            _changes(calls.workflow_instances),
            _reads(calls.workflow_instances) | {"getByWorkflow": calls.workflow_instances.get_by_workflow},
        ),
        *_controllers(
            session_pb2,
            "Session",
            _changes(calls.sessions),
            {"get": calls.sessions.get, "list": calls.sessions.list, "listByAgent": calls.sessions.list_by_agent},
        ),
        *_controllers(environment_pb2, "Environment", _changes(calls.environments), _reads(calls.environments)),
        *_controllers(
            execution_context_pb2,
            "ExecutionContext",
            {"apply": contexts.apply, "create": contexts.create, "delete": contexts.delete},
            _reads(contexts),
        ),
        *_controllers(
            skill_pb2,
            "Skill",
            {"push": skills.push, "delete": skills.delete},
            _reads(skills) | {"getArtifact": skills.get_artifact},
        ),
        *_controllers(
            agent_execution_pb2,
            "AgentExecution",
            _execution_changes(agent_runs),
            {
                "get": agent_runs.get,
                "list": agent_runs.list,
                "listBySession": agent_runs.list_by_session,
                "subscribe": agent_runs.subscribe,
            },
        ),
        *_controllers(
            workflow_execution_pb2,
            "WorkflowExecution",
            _execution_changes(runs),
            {
                "get": runs.get,
                "list": runs.list,
                "listByWorkflow": runs.list_by_workflow,
                "subscribe": runs.subscribe,
            },
        ),
    ]


def own_controllers(calls: Calls) -> list[Controller]:
    """Our own services."""
    return [
        Controller(
            _service(execution_pb2, "ExecutionController"),
            Access.PUBLIC,
            {
                "cancel": calls.executions.cancel,
                "follow": calls.executions.executions.follow,
                "attachedFile": calls.attached_files.content,
            },
        ),
        Controller(
            _service(model_call_pb2, "ModelCallController"),
            Access.PUBLIC,
            {"request": calls.model_requests.request},
        ),
        Controller(
            _service(catalogue_pb2, "CatalogueController"),
            Access.PUBLIC,
            {
                "list": calls.catalogue.list,
                "watch": calls.catalogue.watch,
                "listResources": calls.catalogue.list_resources,
                "search": calls.search.search,
            },
        ),
        Controller(
            _service(daemon_pb2, "DaemonController"),
            Access.PUBLIC,
            {
                "status": calls.daemon.status,
                "watch": calls.daemon.watch,
                "takeKeys": calls.daemon.take_keys,
                "restart": calls.daemon.restart,
            },
        ),
        Controller(_service(task_run_pb2, "TaskRunController"), Access.PUBLIC, {"record": calls.task_runs.record}),
        Controller(_service(approval_pb2, "ApprovalController"), Access.PUBLIC, {"decide": calls.approvals.decide}),
        Controller(_service(approval_pb2, "ApprovalRunnerController"), Access.RUNNER, {"wait": calls.approvals.wait}),
        Controller(
            _service(runner_pb2, "RunnerController"),
            Access.RUNNER,
            {
                "attach": calls.runners.attach,
                "report": calls.runners.report,
                "startAgent": calls.runners.start_agent,
                "startWorkflow": calls.runners.start_workflow,
                "startSubAgent": calls.runners.start_sub_agent,
            },
        ),
    ]


def _controllers(module: ModuleType, name: str, changes: Methods, reads: Methods) -> list[Controller]:
    return [
        Controller(_service(module, f"{name}CommandController"), Access.PUBLIC, changes),
        Controller(_service(module, f"{name}QueryController"), Access.PUBLIC, reads),
    ]


def _service(module: ModuleType, name: str) -> ServiceDescriptor:
    return module.DESCRIPTOR.services_by_name[name]  # type: ignore[no-any-return]


def _changes(resources: Resources[Any]) -> Methods:
    return {
        "apply": resources.apply,
        "create": resources.create,
        "delete": resources.delete,
        "update": resources.update,
    }


def _reads(resources: Resources[Any]) -> Methods:
    return {"get": resources.get, "getByReference": resources.get_by_reference}


def _execution_changes(runs: AgentExecutions | WorkflowExecutions) -> Methods:
    return {"create": runs.create, "delete": runs.delete, "update": runs.update, "updateStatus": runs.update_status}
