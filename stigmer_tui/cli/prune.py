"""`apply --prune`: deletes what the project has deployed, and no longer defines."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from stigmer_tui.api.catalogue_pb2 import Resource
from stigmer_tui.api.kinds import AGENT_INSTANCE, WORKFLOW_INSTANCE
from stigmer_tui.cli.resources import Server, ask, consequences, kind_of, label, reached_server
from stigmer_tui.client.stored_resources import StoredResource, delete_resource, get_resource
from stigmer_tui.core.paths import working_folder
from stigmer_tui.core.units import plural
from stigmer_tui.project.plan import FOLDER
from stigmer_tui.project.project_file import is_project, project_folder


async def prune(
    project: str,
    defined: Collection[tuple[str, str]],
    organization: str,
    dry_run: bool,
    is_sure: bool,
    echo: Callable[[str], None],
) -> None:
    """`defined` has noun and slug of all that the project defines. Raises click.Abort where the person says no, and
    StigmerError where there is nobody to ask.
    """
    async with reached_server(organization) as server:
        listed = await server.list()
        orphans = [
            (resource, stored)
            for resource in listed
            if resource.project == project
            and (kind_of(resource).noun, resource.slug) not in defined
            and (stored := await _deployed_from_here(resource, server))
        ]
        if not orphans:
            echo("Nothing to prune: all that this project has deployed is defined")
            return
        # Instances first, which would be deleted with what they are of.
        orphans.sort(key=lambda orphan: orphan[0].kind not in (AGENT_INSTANCE.number, WORKFLOW_INSTANCE.number))
        remaining = [other for other in listed if all(other.id != resource.id for resource, _ in orphans)]
        for resource, stored in orphans:
            echo(f"No longer defined: {label(resource)}")
            for line in consequences(kind_of(resource), stored, remaining):
                echo(line)
        if dry_run:
            return
        if not is_sure:
            ask(f"Delete {plural(len(orphans), 'resource')}?")
        for resource, _ in orphans:
            await delete_resource(server.connection, kind_of(resource), resource.id)
            echo(f"✓ Deleted the {label(resource)}")


async def _deployed_from_here(resource: Resource, server: Server) -> StoredResource | None:
    """Another project can have the same name: where the folder is known, it says which one it was."""
    stored = await get_resource(server.connection, kind_of(resource), resource.id, server.organization)
    if stored is None:
        return None
    folder = stored.metadata.annotations.get(FOLDER, "")
    is_elsewhere = folder and Path(folder) != project_folder(working_folder()).resolve() and is_project(Path(folder))
    return None if is_elsewhere else stored
