"""What all kinds of resources do alike: create, update, apply, get, delete (`docs/compatibility.md` 113–120).

A kind with rules of its own overrides `complete` (what goes with a new resource), `check` and `parent`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from grpc import StatusCode

from stigmer_tui.api.api_resource_pb2 import (
    ApiResourceAuditActor,
    ApiResourceMetadata,
    ApiResourceOwnerScope,
    ApiResourceReference,
)
from stigmer_tui.api.kinds import Kind
from stigmer_tui.core.changes import ChangeSignal
from stigmer_tui.core.clock import Clock
from stigmer_tui.core.ids import IdSource, canonical_id, parse_id, slug_of
from stigmer_tui.server.errors import ApiError, already_exists, invalid, not_found
from stigmer_tui.server.resource_store import ResourceRow, ResourceStore, StoredResource
from stigmer_tui.server.sizes import check_stored
from stigmer_tui.server.vault import Vault


def default_instance_metadata(parent: ApiResourceMetadata, kind: Kind, backend: ResourceBackend) -> ApiResourceMetadata:
    """Metadata of `<name>-default`, with the scope of its parent, and its organization if that is the scope.

    If that slug is taken by a user's own instance, a part of the id is appended.
    """
    org = parent.org if parent.owner_scope == ApiResourceOwnerScope.organization else ""
    identity = backend.ids.new(kind.prefix)
    slug = f"{parent.slug}-default"
    if backend.store.find(kind, slug, org) is not None:
        slug = f"{slug}-{identity[-6:]}"
    return ApiResourceMetadata(
        id=identity, name=f"{parent.name}-default", slug=slug, org=org, owner_scope=parent.owner_scope
    )


ACTOR = ApiResourceAuditActor(id="system")


def note_created(resource: Any, clock: Clock) -> None:
    audit = resource.status.audit
    for info in (audit.spec_audit, audit.status_audit):
        info.created_by.CopyFrom(ACTOR)
        info.created_at.FromDatetime(clock.now())
        info.updated_by.CopyFrom(ACTOR)
        info.updated_at.CopyFrom(info.created_at)
        info.event = "created"


def note_updated(resource: Any, clock: Clock) -> None:
    """Sets the time and author of the update, and keeps those of the creation."""
    audit = resource.status.audit
    for info in (audit.spec_audit, audit.status_audit):
        info.updated_by.CopyFrom(ACTOR)
        info.updated_at.FromDatetime(clock.now())
        info.event = "updated"


def created_at(resource: Any) -> str:
    return str(resource.status.audit.spec_audit.created_at.ToJsonString())


Stored = TypeVar("Stored", bound=StoredResource)


@dataclass(frozen=True, slots=True)
class ResourceBackend:
    """What every kind of resource needs."""

    store: ResourceStore
    vault: Vault
    ids: IdSource
    clock: Clock
    changes: ChangeSignal


class Resources(Generic[Stored]):
    kind: Kind

    def __init__(self, backend: ResourceBackend) -> None:
        self.backend = backend
        self.store = backend.store
        self.vault = backend.vault
        self.ids = backend.ids
        self.clock = backend.clock
        self.changes = backend.changes

    # What kinds override

    def check(self, resource: Stored) -> None:
        """Raises ApiError for a resource that must not be stored."""

    def parent(self, resource: Stored) -> str:
        """Id of the parent resource."""
        return ""

    def complete(self, resource: Stored) -> list[ResourceRow]:
        """Completes a new resource; returns the rows to store with it."""
        return []

    def dependents(self, resource: Stored) -> list[tuple[Kind, str]]:
        """Resources to delete together with this one."""
        return []

    # What clients call

    async def create(self, request: Stored) -> Stored:
        resource = self._prepared(request)
        metadata = resource.metadata
        if metadata.id:
            self._claim_id(metadata)
        else:
            metadata.id = self.ids.new(self.kind.prefix)
        resource.ClearField("status")
        note_created(resource, self.clock)
        self.check(resource)
        check_stored(self.kind.noun, resource)
        rows = [ResourceRow(self.kind, resource, self.parent(resource)), *self.complete(resource)]
        await self.vault.protect(metadata.id, resource)
        await self.store.insert(*rows)
        self.changes.note()
        return resource

    async def update(self, request: Stored) -> Stored:
        metadata = request.metadata
        if not metadata.id and not metadata.slug and not slug_of(metadata.name):
            raise invalid("metadata: an update names the resource by its id, its slug or its name")
        existing = self._existing(metadata)
        if existing is None:
            raise not_found(self.kind.noun, metadata.id or metadata.slug or metadata.name)
        return await self._replace(existing, request)

    async def apply(self, request: Stored) -> Stored:
        """Upsert by id if it exists, else by slug within the organization. The slug never follows the name."""
        metadata = self._prepared(request).metadata
        existing = self._existing(metadata)
        if existing is not None:
            return await self._replace(existing, request)
        try:
            return await self.create(request)
        except ApiError as refusal:
            existing = self.store.find(self.kind, metadata.slug, metadata.org)
            if refusal.code != StatusCode.ALREADY_EXISTS or existing is None:
                raise
            return await self._replace(existing, request)

    async def get(self, request: Any) -> Stored:
        return self.load(request.value)

    async def get_by_reference(self, request: ApiResourceReference) -> Stored:
        if not request.slug:
            raise invalid("slug: value is required")
        if request.kind not in (0, self.kind.number):
            raise invalid(f"kind: this service knows {self.kind.noun}s only")
        found = self.store.find(self.kind, request.slug, request.org or None)
        if found is None:
            raise not_found(self.kind.noun, request.slug)
        return cast("Stored", found)

    async def delete(self, request: Any) -> Stored:
        """`request` is the id message of this kind."""
        resource_id = getattr(request, "value", None) or request.resource_id
        resource = self.load(resource_id)
        metadata = resource.metadata
        await self.store.delete((self.kind, metadata.id), *self.dependents(resource))
        await self.vault.forget(metadata.id)
        self.changes.note()
        return resource

    # What other parts of the server call

    def load(self, resource_id: str) -> Stored:
        """Also accepts ids in the form of existing servers. Raises ApiError NOT_FOUND."""
        found = self.store.get(self.kind, canonical_id(resource_id))
        if found is None:
            raise not_found(self.kind.noun, resource_id)
        return cast("Stored", found)

    async def change(self, resource_id: str, edit: Callable[[Stored], None]) -> Stored:
        """Changes a resource on behalf of the server."""
        resource = self.load(resource_id)
        edit(resource)
        await self.store.replace(ResourceRow(self.kind, resource, self.parent(resource)))
        self.changes.note()
        return resource

    def _prepared(self, request: Stored) -> Stored:
        resource = copy.deepcopy(request)
        metadata = resource.metadata
        metadata.slug = checked_slug(metadata)
        return resource

    def _claim_id(self, metadata: ApiResourceMetadata) -> None:
        parsed = parse_id(metadata.id)
        if parsed is None or parsed[0] != self.kind.prefix:
            raise invalid(
                f"metadata.id: {metadata.id} is not an id of this kind ({self.kind.prefix}_…); leave it empty"
            )
        metadata.id = canonical_id(metadata.id)
        if self.store.get(self.kind, metadata.id) is not None:
            raise already_exists(self.kind.noun, metadata.id)

    def _existing(self, metadata: ApiResourceMetadata) -> Any | None:
        by_id = self.store.get(self.kind, canonical_id(metadata.id)) if metadata.id else None
        slug = metadata.slug or slug_of(metadata.name)
        by_slug = self.store.find(self.kind, slug, metadata.org) if slug else None
        if by_id is not None and by_slug is not None and by_id.metadata.id != by_slug.metadata.id:
            raise invalid(f"metadata: {metadata.id} and {slug} are two different {self.kind.noun}s")
        return by_id or by_slug

    async def _replace(self, existing: Any, request: Stored) -> Stored:
        resource = copy.deepcopy(request)
        metadata = resource.metadata
        metadata.id = existing.metadata.id
        metadata.slug = existing.metadata.slug
        metadata.org = existing.metadata.org
        metadata.name = metadata.name or existing.metadata.name
        resource.status.CopyFrom(existing.status)
        note_updated(resource, self.clock)
        self.check(resource)
        check_stored(self.kind.noun, resource)
        await self.vault.protect(metadata.id, resource)
        await self.store.replace(ResourceRow(self.kind, resource, self.parent(resource)))
        self.changes.note()
        return resource


def checked_slug(metadata: ApiResourceMetadata) -> str:
    """The slug from the request, or from the name. Raises ApiError if both are empty."""
    if metadata.slug:
        if slug_of(metadata.slug) != metadata.slug:
            raise invalid(
                f"metadata.slug: {metadata.slug!r} may hold lower-case letters, digits and inner hyphens only"
            )
        return metadata.slug
    slug = slug_of(metadata.name)
    if not slug:
        raise invalid("metadata.name: a name with at least one ASCII letter or digit is required")
    return slug
