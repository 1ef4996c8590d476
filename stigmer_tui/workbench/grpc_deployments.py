"""What is deployed on a server, as the project room sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.kinds import AGENT, AUTHORED, WORKFLOW, Kind
from stigmer_tui.api.skill_pb2 import Skill
from stigmer_tui.api.workflow_pb2 import Workflow
from stigmer_tui.client.connection import Connection
from stigmer_tui.client.resources import apply, find
from stigmer_tui.client.stored_resources import list_resources
from stigmer_tui.project.plan import DeployedResource
from stigmer_tui.project.synthesis import Resource as Manifest
from stigmer_tui.project.synthesis import kind_of


class GrpcDeployments:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, kind: Kind, slug: str, org: str) -> Manifest | None:
        if kind in (AGENT, WORKFLOW):
            return await find(self._connection, kind, slug, org)
        from stigmer_tui.client.stored_resources import get_resource

        found: Manifest | None = await get_resource(self._connection, kind, slug, org)
        return found

    async def apply(self, resource: Manifest) -> Manifest:
        if isinstance(resource, Agent | Workflow):
            return await apply(self._connection, resource)
        # Most projects define nothing else.
        from stigmer_tui.client.stored_resources import apply_resource, push_skill

        if isinstance(resource, Skill):
            from stigmer_tui.project.skill_folder import archive_of

            archive = await asyncio.to_thread(archive_of, resource)
            return await push_skill(self._connection, resource, archive)
        applied: Manifest = await apply_resource(self._connection, kind_of(resource), resource)
        return applied

    async def deployed(self, org: str) -> Sequence[DeployedResource] | None:
        listed = await list_resources(self._connection, org)
        if listed is None:
            return None
        kinds = {kind.number: kind for kind in AUTHORED}
        return [DeployedResource(kinds[item.kind], item.slug, item.project) for item in listed]
