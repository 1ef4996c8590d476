"""The instance that a new agent or workflow gets, for runs that name no other."""

from __future__ import annotations

from stigmer_tui.api.api_resource_pb2 import ApiResourceMetadata, ApiResourceOwnerScope
from stigmer_tui.api.kinds import Kind
from stigmer_tui.server.resources import ResourceBackend


def default_instance_metadata(parent: ApiResourceMetadata, kind: Kind, backend: ResourceBackend) -> ApiResourceMetadata:
    """`<name>-default`, with the scope of its parent, and its organization if that is the scope.

    Somebody may have given that slug to an instance of their own; then a part of the id keeps the two apart.
    """
    org = parent.org if parent.owner_scope == ApiResourceOwnerScope.organization else ""
    identity = backend.ids.new(kind.prefix)
    slug = f"{parent.slug}-default"
    if backend.store.find(kind, slug, org) is not None:
        slug = f"{slug}-{identity[-6:]}"
    return ApiResourceMetadata(
        id=identity, name=f"{parent.name}-default", slug=slug, org=org, owner_scope=parent.owner_scope
    )
