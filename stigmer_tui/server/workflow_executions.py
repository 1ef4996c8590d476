"""Workflow executions: created by clients, worked on by the workflow runner.

See `docs/compatibility.md` 117, 122, 123, 126.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Iterable
from functools import partial
from typing import cast

from stigmer_tui.api.api_resource_pb2 import ApiResourceId
from stigmer_tui.api.kinds import WORKFLOW_EXECUTION, WORKFLOW_INSTANCE
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import Assignment, WorkflowAssignment
from stigmer_tui.api.workflow_execution_pb2 import (
    ListWorkflowExecutionsByWorkflowRequest,
    ListWorkflowExecutionsRequest,
    SubscribeWorkflowExecutionRequest,
    WorkflowExecution,
    WorkflowExecutionId,
    WorkflowExecutionList,
    WorkflowExecutionUpdateStatusInput,
)
from stigmer_tui.api.workflow_instance_pb2 import WorkflowInstance
from stigmer_tui.core.ids import canonical_id
from stigmer_tui.definition.reading import read
from stigmer_tui.definition.support import refusal
from stigmer_tui.server.approved_tools import check_approve_of_tasks
from stigmer_tui.server.compatibility import merge_workflow_status
from stigmer_tui.server.errors import impossible_now, invalid, not_found
from stigmer_tui.server.execution_calls import ExecutionCalls
from stigmer_tui.server.execution_store import ExecutionFilter, NewExecution
from stigmer_tui.server.executions import LiveExecution
from stigmer_tui.server.resources import note_created
from stigmer_tui.server.workflows import Workflows


class WorkflowExecutions:
    def __init__(self, calls: ExecutionCalls, workflows: Workflows) -> None:
        self._calls = calls
        self._workflows = workflows

    async def create(self, request: WorkflowExecution) -> WorkflowExecution:
        if existing := self._calls.started(WORKFLOW_EXECUTION):
            return cast("WorkflowExecution", existing)
        execution = copy.deepcopy(request)
        spec = execution.spec
        instance = self._instance(execution)
        workflow = self._workflows.load(instance.spec.workflow_id)
        if problem := refusal(read(workflow.spec).definition):
            raise impossible_now(problem)
        self._calls.name(WORKFLOW_EXECUTION, execution.metadata)
        check_approve_of_tasks(execution, workflow, self._workflows.store)
        spec.workflow_instance_id = instance.metadata.id
        spec.workflow_id = workflow.metadata.id
        execution.ClearField("status")
        execution.status.phase = Phase.PENDING.for_workflow
        note_created(execution, self._calls.clock)
        assignment = Assignment(workflow=WorkflowAssignment(workflow=workflow))
        await self._calls.environments.seal(execution, workflow, instance, assignment)
        new = NewExecution(
            execution=execution, assignment=assignment, resource=workflow.metadata.id, slug=workflow.metadata.slug
        )
        return cast("WorkflowExecution", await self._calls.start(new))

    async def update_status(self, request: WorkflowExecutionUpdateStatusInput) -> WorkflowExecution:
        live = self._calls.open(WORKFLOW_EXECUTION, request.execution_id)
        merge = partial(merge_workflow_status, sent=request.status)
        return cast("WorkflowExecution", await self._calls.executions.edit(live, merge))

    async def update(self, request: WorkflowExecution) -> WorkflowExecution:
        return cast("WorkflowExecution", await self._calls.update(WORKFLOW_EXECUTION, request))

    async def get(self, request: WorkflowExecutionId) -> WorkflowExecution:
        return _workflow(self._calls.open(WORKFLOW_EXECUTION, request.value))

    async def delete(self, request: ApiResourceId) -> WorkflowExecution:
        return cast("WorkflowExecution", await self._calls.delete(WORKFLOW_EXECUTION, request.value))

    def subscribe(self, request: SubscribeWorkflowExecutionRequest) -> AsyncIterator[WorkflowExecution]:
        return self._calls.subscribe(WORKFLOW_EXECUTION, request.execution_id)

    async def list(self, request: ListWorkflowExecutionsRequest) -> WorkflowExecutionList:
        wanted = ExecutionFilter(WORKFLOW_EXECUTION, request.phase, frozenset(request.tags))
        entries, pages = self._calls.list(wanted, request.page_size, request.page_token)
        return WorkflowExecutionList(total_pages=pages, entries=cast("Iterable[WorkflowExecution]", entries))

    async def list_by_workflow(self, request: ListWorkflowExecutionsByWorkflowRequest) -> WorkflowExecutionList:
        wanted = ExecutionFilter(WORKFLOW_EXECUTION, resource=canonical_id(request.workflow_id))
        entries, pages = self._calls.list(wanted, request.page_size, request.page_token)
        return WorkflowExecutionList(total_pages=pages, entries=cast("Iterable[WorkflowExecution]", entries))

    def _instance(self, execution: WorkflowExecution) -> WorkflowInstance:
        """The named instance, else the workflow's default one."""
        spec = execution.spec
        instance_id = spec.workflow_instance_id
        if not instance_id:
            if not spec.workflow_id:
                raise invalid("spec: workflow_instance_id or workflow_id is required")
            instance_id = self._workflows.load(spec.workflow_id).status.default_instance_id
        instance: WorkflowInstance | None = self._workflows.store.get(WORKFLOW_INSTANCE, canonical_id(instance_id))
        if instance is None:
            raise not_found(WORKFLOW_INSTANCE.noun, instance_id)
        return instance


def _workflow(live: LiveExecution) -> WorkflowExecution:
    return cast("WorkflowExecution", live.state.execution)
