"""Resources of any kind on a server: list, get, apply and delete, by kind instead of by type."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from stigmer_tui.api.api_resource_pb2 import (
    ApiResourceDeleteInput,
    ApiResourceId,
    ApiResourceOwnerScope,
    ApiResourceReference,
)
from stigmer_tui.api.catalogue_pb2 import ListResourcesRequest, Resource
from stigmer_tui.api.catalogue_pb2_grpc import CatalogueControllerStub
from stigmer_tui.api.kinds import ENVIRONMENT, Kind
from stigmer_tui.api.skill_pb2 import GetArtifactRequest, PushSkillRequest, Skill
from stigmer_tui.api.skill_pb2_grpc import SkillCommandControllerStub, SkillQueryControllerStub
from stigmer_tui.client.connection import Connection, optional
from stigmer_tui.client.errors import NotFound
from stigmer_tui.core.ids import parse_id, slug_of

StoredResource = Any
"""A message of the kind that was asked for."""


@dataclass(frozen=True, slots=True)
class _KindCalls:
    """The generated code of one kind; all kinds have it under the same names."""

    commands: Any
    queries: Any
    read_id: Any
    delete_id: Any


def _calls_of(kind: Kind) -> _KindCalls:
    module = f"stigmer_tui.api.{kind.noun.replace(' ', '_')}_pb2"
    messages, stubs = import_module(module), import_module(f"{module}_grpc")
    commands = getattr(stubs, f"{kind.name}CommandControllerStub")
    queries = getattr(stubs, f"{kind.name}QueryControllerStub")
    if kind is ENVIRONMENT:
        return _KindCalls(commands, queries, _environment_id, _environment_to_delete)
    identity = getattr(messages, f"{kind.name}Id")
    return _KindCalls(commands, queries, lambda value: identity(value=value), lambda value: identity(value=value))


def _environment_id(value: str) -> ApiResourceId:
    return ApiResourceId(value=value)


def _environment_to_delete(value: str) -> ApiResourceDeleteInput:
    return ApiResourceDeleteInput(resource_id=value)


async def list_resources(connection: Connection, org: str, kinds: Iterable[Kind] = ()) -> tuple[Resource, ...] | None:
    """All of these kinds, by default of every kind that people write. None from a server that cannot list."""
    request = ListResourcesRequest(org=org, kinds=[kind.number for kind in kinds])
    call = connection.call(lambda channel: CatalogueControllerStub(channel).listResources, request)
    listed = await optional(call)
    return None if listed is None else tuple(listed.resources)


async def get_resource(
    connection: Connection, kind: Kind, name: str, org: str, version: str = ""
) -> StoredResource | None:
    """By id, name or slug; None if there is none. Skills have versions: a tag or a hash."""
    calls = _calls_of(kind)
    parsed = parse_id(name)
    try:
        if parsed and parsed[0] == kind.prefix:
            return await connection.call(lambda channel: calls.queries(channel).get, calls.read_id(name))
        reference = ApiResourceReference(
            scope=ApiResourceOwnerScope.organization, org=org, kind=kind.number, slug=slug_of(name), version=version
        )
        if not reference.slug:
            return None
        return await connection.call(lambda channel: calls.queries(channel).getByReference, reference)
    except NotFound:
        return None


async def apply_resource(connection: Connection, kind: Kind, resource: StoredResource) -> StoredResource:
    """Creates a resource, or updates the one with its id or slug. Returns it as stored. Skills are pushed instead."""
    calls = _calls_of(kind)
    return await connection.call(lambda channel: calls.commands(channel).apply, resource)


async def push_skill(connection: Connection, skill: Skill, archive: bytes) -> Skill:
    """Creates a skill, or a new version of it. Returns it as stored."""
    request = PushSkillRequest(
        name=skill.metadata.name,
        scope=skill.metadata.owner_scope,
        org=skill.metadata.org,
        artifact=archive,
        tag=skill.spec.tag,
    )
    return await connection.call(lambda channel: SkillCommandControllerStub(channel).push, request)


async def skill_archive(connection: Connection, skill: Skill) -> bytes:
    """The ZIP file of a skill that is stored."""
    request = GetArtifactRequest(artifact_storage_key=skill.status.artifact_storage_key)
    return (await connection.call(lambda channel: SkillQueryControllerStub(channel).getArtifact, request)).artifact


async def delete_resource(connection: Connection, kind: Kind, resource_id: str) -> StoredResource:
    """Returns it as it was."""
    calls = _calls_of(kind)
    return await connection.call(lambda channel: calls.commands(channel).delete, calls.delete_id(resource_id))
