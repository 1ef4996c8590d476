"""Resources other than executions, as protobuf bytes by kind and id."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from stigmer_tui.api.api_resource_pb2 import ApiResourceMetadata
from stigmer_tui.api.kinds import Kind
from stigmer_tui.core.sqlite import Database, Write, outcome
from stigmer_tui.server.errors import already_exists


class StoredResource(Protocol):
    """What the messages of all resource kinds have in common."""

    @property
    def metadata(self) -> ApiResourceMetadata: ...

    @property
    def status(self) -> Any: ...

    def SerializeToString(self) -> bytes: ...  # noqa: N802 - protobuf's name

    def ByteSize(self) -> int: ...  # noqa: N802

    def ClearField(self, field_name: Any) -> None: ...  # noqa: N802


@dataclass(frozen=True, slots=True)
class ResourceRow:
    kind: Kind
    resource: StoredResource
    parent: str = ""


class ResourceStore:
    def __init__(self, database: Database) -> None:
        self._database = database
        self.revision = 0
        """Incremented by every change."""

    def get(self, kind: Kind, resource_id: str) -> Any | None:
        return self._first(kind, "id = ?", resource_id)

    def find(self, kind: Kind, slug: str, org: str | None = None) -> Any | None:
        """By slug; without `org`, the oldest with that slug."""
        if org is None:
            return self._first(kind, "slug = ?", slug)
        return self._first(kind, "org = ? AND slug = ?", org, slug)

    def children(self, kind: Kind, parent: str) -> list[Any]:
        return self._all(kind, "parent = ?", parent)

    def all(self, kind: Kind) -> list[Any]:
        """By creation."""
        return self._all(kind, "1")

    async def insert(self, *rows: ResourceRow) -> None:
        """Inserts all or none. Raises ApiError if an id or a slug is taken."""
        await self._write(lambda db: insert_rows(db, rows))

    async def replace(self, row: ResourceRow) -> None:
        metadata = row.resource.metadata
        data = row.resource.SerializeToString()
        sql = "UPDATE resources SET org = ?, slug = ?, parent = ?, data = ? WHERE kind = ? AND id = ?"
        values = (metadata.org, metadata.slug, row.parent, data, row.kind.number, metadata.id)
        await self._write(lambda db: db.execute(sql, values))

    async def delete(self, *keys: tuple[Kind, str]) -> None:
        values = [(kind.number, resource_id) for kind, resource_id in keys]
        await self._write(lambda db: db.executemany("DELETE FROM resources WHERE kind = ? AND id = ?", values))

    def page(
        self,
        kind: Kind,
        size: int,
        after: str = "",
        tags: frozenset[str] = frozenset(),
        parents: Sequence[str] | None = None,
    ) -> tuple[list[Any], int] | None:
        """At most `size` resources older than `after`, newest first, and their total number, filtered by tags and
        `parents`. None if `after` is not in the list.
        """
        condition, values = "kind = ?", [cast("object", kind.number)]
        if parents is not None:
            condition += " AND parent IN (SELECT value FROM json_each(?))"
            values.append(json.dumps(parents))
        if tags:
            return self._tagged_page(kind, size, after, tags, condition, values)
        if after and not self._database.read(f"SELECT 1 FROM resources WHERE {condition} AND id = ?", (*values, after)):
            return None
        ((count,),) = self._database.read(f"SELECT count(*) FROM resources WHERE {condition}", values)
        sql = f"SELECT data FROM resources WHERE {condition} AND (? = '' OR id < ?) ORDER BY id DESC LIMIT ?"
        rows = self._database.read(sql, (*values, after, after, size))
        return [kind.message.FromString(data) for (data,) in rows], int(count)

    def _tagged_page(
        self, kind: Kind, size: int, after: str, tags: frozenset[str], condition: str, values: Sequence[object]
    ) -> tuple[list[Any], int] | None:
        """Reads all resources, because tags have no column."""
        rows = self._database.read(f"SELECT data FROM resources WHERE {condition} ORDER BY id DESC", values)
        resources: list[Any] = [kind.message.FromString(data) for (data,) in rows]
        found = [resource for resource in resources if tags <= set(resource.metadata.tags)]
        ids = [resource.metadata.id for resource in found]
        if after and after not in ids:
            return None
        start = ids.index(after) + 1 if after else 0
        return found[start : start + size], len(found)

    async def _write(self, write: Write[object]) -> None:
        await outcome(self._database.write(write))
        self.revision += 1

    def _first(self, kind: Kind, condition: str, *values: str) -> Any | None:
        found = self._all(kind, f"{condition} ORDER BY id LIMIT 1", *values)
        return found[0] if found else None

    def _all(self, kind: Kind, condition: str, *values: str) -> list[Any]:
        rows = self._database.read(f"SELECT data FROM resources WHERE kind = ? AND {condition}", (kind.number, *values))
        return [kind.message.FromString(data) for (data,) in rows]


def insert_rows(db: sqlite3.Connection, rows: Iterable[ResourceRow]) -> None:
    for row in rows:
        metadata = row.resource.metadata
        data = row.resource.SerializeToString()
        values = (row.kind.number, metadata.id, metadata.org, metadata.slug, row.parent, data)
        try:
            db.execute("INSERT INTO resources VALUES (?, ?, ?, ?, ?, ?)", values)
        except sqlite3.IntegrityError as error:
            raise already_exists(row.kind.noun, metadata.slug) from error
