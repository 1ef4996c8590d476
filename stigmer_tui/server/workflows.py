"""Workflows and their instances (`docs/compatibility.md` 122)."""

from __future__ import annotations

from stigmer_tui.api.api_resource_pb2 import ApiResourceOwnerScope
from stigmer_tui.api.kinds import API_VERSION, WORKFLOW, WORKFLOW_INSTANCE, Kind
from stigmer_tui.api.serverless_validation_pb2 import ServerlessWorkflowValidation, ValidationState
from stigmer_tui.api.workflow_instance_pb2 import (
    GetWorkflowInstancesByWorkflowRequest,
    WorkflowInstance,
    WorkflowInstanceList,
    WorkflowInstanceSpec,
)
from stigmer_tui.api.workflow_pb2 import Workflow
from stigmer_tui.core.ids import canonical_id
from stigmer_tui.definition.problems import InvalidDefinition
from stigmer_tui.definition.support import warnings
from stigmer_tui.definition.validation import parse
from stigmer_tui.server.errors import invalid, not_found
from stigmer_tui.server.paging import page_number
from stigmer_tui.server.resource_store import ResourceRow
from stigmer_tui.server.resources import Resources, default_instance_metadata, note_created


class Workflows(Resources[Workflow]):
    kind = WORKFLOW

    def check(self, resource: Workflow) -> None:
        """Raises ApiError with all problems of the definition; stores its warnings."""
        try:
            definition = parse(resource.spec)
        except InvalidDefinition as error:
            raise invalid("; ".join(map(str, error.problems))) from error
        remarks = map(str, warnings(definition))
        validation = ServerlessWorkflowValidation(state=ValidationState.VALID, warnings=remarks)
        validation.validated_at.FromDatetime(self.clock.now())
        resource.status.serverless_workflow_validation.CopyFrom(validation)

    def complete(self, resource: Workflow) -> list[ResourceRow]:
        """Returns the default instance, which is stored in the same transaction."""
        instance = WorkflowInstance(
            api_version=API_VERSION,
            kind=WORKFLOW_INSTANCE.name,
            metadata=default_instance_metadata(resource.metadata, WORKFLOW_INSTANCE, self.backend),
            spec=WorkflowInstanceSpec(
                workflow_id=resource.metadata.id, description="Made with the workflow, for runs that name no other."
            ),
        )
        note_created(instance, self.clock)
        resource.status.default_instance_id = instance.metadata.id
        return [ResourceRow(WORKFLOW_INSTANCE, instance, resource.metadata.id)]

    def dependents(self, resource: Workflow) -> list[tuple[Kind, str]]:
        instances = self.store.children(WORKFLOW_INSTANCE, resource.metadata.id)
        return [(WORKFLOW_INSTANCE, instance.metadata.id) for instance in instances]


class WorkflowInstances(Resources[WorkflowInstance]):
    kind = WORKFLOW_INSTANCE

    def check(self, resource: WorkflowInstance) -> None:
        resource.spec.workflow_id = canonical_id(resource.spec.workflow_id)
        workflow: Workflow | None = self.store.get(WORKFLOW, resource.spec.workflow_id)
        if workflow is None:
            raise not_found(WORKFLOW.noun, resource.spec.workflow_id)
        scopes = {workflow.metadata.owner_scope, resource.metadata.owner_scope}
        if scopes == {ApiResourceOwnerScope.organization} and workflow.metadata.org != resource.metadata.org:
            raise invalid(f"metadata.org: the workflow belongs to another organization ({workflow.metadata.org})")

    def parent(self, resource: WorkflowInstance) -> str:
        return resource.spec.workflow_id

    async def get_by_workflow(self, request: GetWorkflowInstancesByWorkflowRequest) -> WorkflowInstanceList:
        instances = self.store.children(WORKFLOW_INSTANCE, canonical_id(request.workflow_id))
        entries, pages = page_number(instances, request.page_info.num, request.page_info.size)
        return WorkflowInstanceList(total_pages=pages, entries=entries)
