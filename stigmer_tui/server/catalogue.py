"""The catalogue of resources and recent runs: see catalogue.proto."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.catalogue_pb2 import (
    Catalogue,
    ListRequest,
    ListResourcesRequest,
    Resource,
    ResourceList,
    Variable,
)
from stigmer_tui.api.kinds import AGENT, AUTHORED, WORKFLOW, Kind
from stigmer_tui.api.workflow_pb2 import Workflow
from stigmer_tui.core.changes import ChangeSignal
from stigmer_tui.definition.extensions import INPUT, PROJECT
from stigmer_tui.definition.variables import run_variables
from stigmer_tui.server.execution_store import ExecutionStore
from stigmer_tui.server.resource_links import links_of
from stigmer_tui.server.resource_store import ResourceStore

INTERVAL = 0.03
"""Minimum seconds between two catalogues for one watcher."""

DEFAULT_RECENT = 50


class CatalogueCalls:
    def __init__(self, resources: ResourceStore, executions: ExecutionStore, changes: ChangeSignal) -> None:
        self._resources = resources
        self._executions = executions
        self._changes = changes
        self._lines: dict[str, tuple[int, Resource]] = {}
        """Cache by id and revision, because variables are found by reading whole definitions."""
        self._listed: tuple[int, tuple[Resource, ...]] = (-1, ())
        """All resources as of a revision; most updates are about runs and reuse them."""

    async def list(self, request: ListRequest) -> Catalogue:
        return Catalogue(
            resources=[line for line in self._all() if request.org in ("", line.org)],
            runs=self._executions.summaries(request.recent or DEFAULT_RECENT, request.org),
        )

    async def watch(self, request: ListRequest) -> AsyncIterator[Catalogue]:
        while True:
            seen = self._changes.count
            yield await self.list(request)
            await asyncio.sleep(INTERVAL)
            await self._changes.after(seen)

    async def list_resources(self, request: ListResourcesRequest) -> ResourceList:
        kinds = [kind for kind in AUTHORED if not request.kinds or kind.number in request.kinds]
        lines = (line for kind in kinds for line in self._of_kind(kind))
        return ResourceList(resources=[line for line in lines if request.org in ("", line.org)])

    def _all(self) -> tuple[Resource, ...]:
        revision = self._resources.revision
        if self._listed[0] != revision:
            self._listed = (revision, (*self._of_kind(WORKFLOW), *self._of_kind(AGENT)))
        return self._listed[1]

    def _of_kind(self, kind: Kind) -> Iterator[Resource]:
        for resource in sorted(self._resources.all(kind), key=lambda resource: str(resource.metadata.name)):
            changed = resource.status.audit.spec_audit.updated_at.ToNanoseconds()
            known, line = self._lines.get(resource.metadata.id, (0, None))
            if line is None or known != changed:
                line = self._line(kind, resource)
                self._lines[resource.metadata.id] = (changed, line)
            yield line

    def _line(self, kind: Kind, resource: Any) -> Resource:
        metadata = resource.metadata
        return Resource(
            kind=kind.number,
            id=metadata.id,
            slug=metadata.slug,
            name=metadata.name,
            org=metadata.org,
            description=getattr(resource.spec, "description", ""),
            variables=_variables(resource) if isinstance(resource, Agent | Workflow) else (),
            updated_at=resource.status.audit.spec_audit.updated_at.ToJsonString(),
            project=metadata.annotations.get(PROJECT, ""),
            uses=links_of(resource, self._resources),
            input_schema=metadata.annotations.get(INPUT, "") if isinstance(resource, Workflow) else "",
        )


def _variables(resource: Agent | Workflow) -> Iterator[Variable]:
    for variable in run_variables(resource):
        yield Variable(
            name=variable.name,
            description=variable.description,
            default_value=variable.default,
            is_secret=variable.is_secret,
            has_value=variable.has_value,
            used_by=variable.used_by,
        )
