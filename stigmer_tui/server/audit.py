"""Who created and changed a resource, and when (`docs/compatibility.md` 113–117)."""

from __future__ import annotations

from typing import Any

from stigmer_tui.api.api_resource_pb2 import ApiResourceAuditActor
from stigmer_tui.core.clock import Clock

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
    """The creation stays as it was noted, in both parts."""
    audit = resource.status.audit
    for info in (audit.spec_audit, audit.status_audit):
        info.updated_by.CopyFrom(ACTOR)
        info.updated_at.FromDatetime(clock.now())
        info.event = "updated"


def created_at(resource: Any) -> str:
    return str(resource.status.audit.spec_audit.created_at.ToJsonString())
