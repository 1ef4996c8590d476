"""`list`, `get`, `describe` and `delete`: what is deployed, of every kind."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import click

from stigmer_tui.api.catalogue_pb2 import Resource
from stigmer_tui.api.kinds import AGENT, AGENT_INSTANCE, AUTHORED, WORKFLOW, WORKFLOW_INSTANCE, Kind
from stigmer_tui.cli.printing import Column, local_time, message_data, message_text, print_result, print_rows
from stigmer_tui.client.connection import Connection, connected
from stigmer_tui.client.errors import NotFound
from stigmer_tui.client.stored_resources import StoredResource, delete_resource, get_resource, list_resources
from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.configuration import load_configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import working_folder
from stigmer_tui.core.terminal import can_ask
from stigmer_tui.core.units import plural
from stigmer_tui.daemon.record import daemon_runs
from stigmer_tui.definition.extensions import PROJECT
from stigmer_tui.workbench.servers import server_of
from stigmer_tui.workbench.services import organization_for

COLUMNS = (
    Column("KIND", "kind"),
    Column("NAME", "name"),
    Column("PROJECT", "project"),
    Column("UPDATED", "updated_at", local_time),
    Column("ID", "id"),
    Column("DESCRIPTION", "description"),
)


def kind_name(kind: Kind) -> str:
    """As the command line writes it, such as `agent-instance`."""
    return kind.noun.replace(" ", "-")


def _listing(kind: Kind) -> str:
    return f"stigmer-tui list {kind_name(kind)}"


KINDS = {kind_name(kind): kind for kind in AUTHORED}


@dataclass(frozen=True, slots=True)
class Server:
    """A server, and the organization that the command is about."""

    connection: Connection
    organization: str

    async def get(self, kind: Kind, name: str) -> StoredResource:
        """Raises NotFound, with the command that lists what there is."""
        if not name.strip():
            raise StigmerError(f"The name of the {kind.noun} is empty", f"See what there is: {_listing(kind)}")
        found = await get_resource(self.connection, kind, name, self.organization)
        if found is None:
            error = NotFound(f"There is no {kind.noun} {name} in the organization {self.organization}")
            error.advice = f"See what there is: {_listing(kind)}"
            raise error
        return found

    async def list(self, kinds: Sequence[Kind] = ()) -> tuple[Resource, ...]:
        """Raises StigmerError at a server that cannot list."""
        listed = await list_resources(self.connection, self.organization, kinds)
        if listed is None:
            raise StigmerError(
                f"The server at {self.connection.address} cannot list its resources",
                "It can find one by its name: stigmer-tui get agent NAME",
            )
        return listed


@asynccontextmanager
async def reached_server(organization: str) -> AsyncIterator[Server]:
    """The server of this configuration; our own daemon is started where it does not run."""
    configuration = load_configuration(os.environ)
    async with connected(server_of(configuration, SystemClock()).locate) as connection:
        yield Server(connection, organization_for(configuration, working_folder(), organization))


@asynccontextmanager
async def running_server(organization: str) -> AsyncIterator[Server | None]:
    """As `reached_server`, but None where our own daemon does not run: it is not started."""
    configuration = load_configuration(os.environ)
    if configuration.server == "" and not daemon_runs(configuration.home):
        yield None
        return
    async with reached_server(organization) as server:
        yield server


def list_deployed(kind: str | None, organization: str, output: str) -> int:
    async def run() -> int:
        async with reached_server(organization) as server:
            listed = await server.list([KINDS[kind]] if kind else ())
        what = f"{kind.replace('-', ' ')}s" if kind else "resources"
        nothing = f"The organization {server.organization} has no {what}"
        rows = [_row(resource) for resource in listed if kind or not comes_with_another(resource)]
        print_rows(rows, COLUMNS, output, _name if kind else _full_name, nothing)
        return 0

    return asyncio.run(run())


def get_deployed(kind: str, name: str, organization: str, output: str) -> int:
    async def run() -> int:
        async with reached_server(organization) as server:
            found = await server.get(KINDS[kind], name)
        if output in ("json", "yaml"):
            click.echo(message_text(found, output))
        else:
            print_rows([row_of(KINDS[kind], found)], COLUMNS, output, _name, "")
        return 0

    return asyncio.run(run())


def describe_deployed(kind: str, name: str, organization: str, output: str) -> int:
    async def run() -> int:
        from stigmer_tui.cli.description import description_lines

        async with reached_server(organization) as server:
            found = await server.get(KINDS[kind], name)
            listed = await list_resources(server.connection, server.organization)
        users = None if listed is None else users_of(KINDS[kind], found, listed)
        row = row_of(KINDS[kind], found) | {
            "used_by": None if users is None else [_row(user) for user in users],
            "manifest": message_data(found),
        }
        labels = None if users is None else [label(user) for user in users]
        owner = _owner(found.metadata.id, listed or ())
        print_result(row, output, *description_lines(KINDS[kind], found, owner, labels))
        return 0

    return asyncio.run(run())


def delete_deployed(kind: str, name: str, organization: str, is_sure: bool, output: str) -> int:
    """Raises click.Abort where the person says no."""

    async def run() -> int:
        async with reached_server(organization) as server:
            found = await server.get(KINDS[kind], name)
            listed = await list_resources(server.connection, server.organization)
            for line in consequences(KINDS[kind], found, listed):
                click.echo(line, err=output != "table")
            if not is_sure:
                ask(f"Delete the {KINDS[kind].noun} {found.metadata.slug}?")
            await delete_resource(server.connection, KINDS[kind], found.metadata.id)
        done = row_of(KINDS[kind], found) | {"action": "deleted"}
        print_result(done, output, f"✓ Deleted the {KINDS[kind].noun} {found.metadata.slug}")
        return 0

    return asyncio.run(run())


def ask(question: str) -> None:
    """Raises click.Abort where the person says no, and StigmerError where there is nobody to ask."""
    if not can_ask():
        raise StigmerError("There is no terminal to ask at", "Add --yes if you are sure.")
    click.confirm(question, abort=True)


def users_of(kind: Kind, resource: StoredResource, listed: Sequence[Resource]) -> list[Resource]:
    """What refers to a resource, without the instances that come and go with it."""
    return [
        other
        for other in listed
        if any((link.kind, link.slug) == (kind.number, resource.metadata.slug) for link in other.uses)
        and not comes_with_another(other)
    ]


def _owner(instance_id: str, listed: Sequence[Resource]) -> str:
    """What this is an instance of; empty for anything else."""
    own = next((resource for resource in listed if resource.id == instance_id and _is_instance(resource)), None)
    links = ((kind, link) for kind in (AGENT, WORKFLOW) for link in (own.uses if own else ()))
    return next((f"{kind.noun} {link.slug}" for kind, link in links if kind.number == link.kind), "")


def _is_instance(resource: Resource) -> bool:
    return resource.kind in (AGENT_INSTANCE.number, WORKFLOW_INSTANCE.number)


def comes_with_another(resource: Resource) -> bool:
    """Whether it is an instance that the server has made for an agent or a workflow."""
    return _is_instance(resource) and any(resource.slug == f"{link.slug}-default" for link in resource.uses)


def consequences(kind: Kind, resource: StoredResource, listed: Sequence[Resource] | None) -> Iterator[str]:
    """What deleting it does to others; None for `listed` where the server cannot say."""
    noun = f"{kind.noun} {resource.metadata.slug}"
    if listed is None:
        yield f"⚠️  This server cannot say what depends on the {noun}"
        return
    users = users_of(kind, resource, listed)
    removed = [user for user in users if _is_instance(user) and kind in (AGENT, WORKFLOW)]
    broken = [user for user in users if user not in removed]
    if broken:
        yield f"⚠️  {plural(len(broken), 'resource')} will fail without the {noun}: {_names(broken)}"
    if removed:
        yield f"⚠️  Deleted with it: {_names(removed)}"


def _names(resources: Sequence[Resource]) -> str:
    return ", ".join(map(label, resources))


def label(resource: Resource) -> str:
    return f"{kind_of(resource).noun} {resource.slug}"


def kind_of(resource: Resource) -> Kind:
    return next(kind for kind in AUTHORED if kind.number == resource.kind)


def _name(row: dict[str, Any]) -> str:
    return str(row["name"])


def _full_name(row: dict[str, Any]) -> str:
    """Where not all are of one kind."""
    return f"{row['kind']}/{row['name']}"


def row_of(kind: Kind, stored: StoredResource) -> dict[str, Any]:
    """A resource as a row of a table."""
    return _row(_line(kind, stored))


def _line(kind: Kind, stored: StoredResource) -> Resource:
    return Resource(
        kind=kind.number,
        id=stored.metadata.id,
        slug=stored.metadata.slug,
        org=stored.metadata.org,
        description=getattr(stored.spec, "description", ""),
        updated_at=stored.status.audit.spec_audit.updated_at.ToJsonString(),
        project=stored.metadata.annotations.get(PROJECT, ""),
    )


def _row(resource: Resource) -> dict[str, Any]:
    kind = kind_name(kind_of(resource))
    return {
        "kind": kind,
        "name": resource.slug,
        "id": resource.id,
        "organization": resource.org,
        "project": resource.project,
        "updated_at": resource.updated_at,
        "description": resource.description,
    }
