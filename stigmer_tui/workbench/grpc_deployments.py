"""What is deployed on a server, as the project room sees it."""

from __future__ import annotations

from collections.abc import Sequence

from stigmer_tui.api.kinds import AGENT, WORKFLOW, Kind
from stigmer_tui.client.connection import Connection
from stigmer_tui.client.daemon import list_catalogue
from stigmer_tui.client.resources import apply, find
from stigmer_tui.project.plan import DeployedResource
from stigmer_tui.project.synthesis import Resource as Manifest


class GrpcDeployments:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, kind: Kind, slug: str, org: str) -> Manifest | None:
        return await find(self._connection, kind, slug, org)

    async def apply(self, resource: Manifest) -> Manifest:
        return await apply(self._connection, resource)

    async def deployed(self, org: str) -> Sequence[DeployedResource] | None:
        catalogue = await list_catalogue(self._connection, org)
        if catalogue is None:
            return None
        kinds = {kind.number: kind for kind in (AGENT, WORKFLOW)}
        return [DeployedResource(kinds[item.kind], item.slug, item.project) for item in catalogue.resources]
