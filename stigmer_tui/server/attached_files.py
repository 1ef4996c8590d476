"""Files that belong to messages to agents: each content is kept once, as long as an execution has it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, MutableMapping

from stigmer_tui.api.execution_pb2 import AttachedFileContent, AttachedFileQuery
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.ids import canonical_id
from stigmer_tui.core.sqlite import Database
from stigmer_tui.definition.attached_files import taken_out
from stigmer_tui.definition.extensions import FILES
from stigmer_tui.server.errors import invalid, not_found

Contents = Mapping[str, bytes | None]
"""By their hashes; None for one that is kept already."""


class AttachedFiles:
    def __init__(self, database: Database) -> None:
        self._database = database

    def take_out(self, annotations: MutableMapping[str, str]) -> Contents:
        """Takes the contents out of the annotations of a new execution. Raises ApiError for what cannot be kept."""
        if FILES not in annotations:
            return {}
        try:
            annotations[FILES], contents = taken_out(annotations)
        except StigmerError as error:
            raise invalid(f"metadata.annotations: {error.message}") from error
        for hash_, content in contents.items():
            if content is None and not self._database.read("SELECT 1 FROM attached_files WHERE hash = ?", (hash_,)):
                raise not_found("attached file", f"{hash_[:12]}: attach it again")
        return contents

    async def content(self, query: AttachedFileQuery) -> AttachedFileContent:
        sql = "SELECT content FROM attached_files JOIN attached_file_uses USING (hash) WHERE hash = ? AND execution = ?"
        rows = self._database.read(sql, (query.hash, canonical_id(query.execution_id)))
        if not rows:
            raise not_found("attached file", f"{query.hash[:12]} of execution {query.execution_id}")
        return AttachedFileContent(content=rows[0][0])


def insert_files(db: sqlite3.Connection, execution_id: str, contents: Contents) -> None:
    """Within the transaction that stores the execution."""
    new = [(hash_, content) for hash_, content in contents.items() if content is not None]
    db.executemany("INSERT OR IGNORE INTO attached_files VALUES (?, ?)", new)
    uses = [(hash_, execution_id) for hash_ in contents]
    db.executemany("INSERT OR IGNORE INTO attached_file_uses VALUES (?, ?)", uses)
