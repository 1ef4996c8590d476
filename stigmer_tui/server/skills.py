"""Skills: pushed as ZIP files, checked, kept by their hash, named by slug and version (`docs/compatibility.md` 125)."""

from __future__ import annotations

import asyncio
import copy
import os
import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from stigmer_tui.api.api_resource_pb2 import ApiResourceMetadata, ApiResourceReference
from stigmer_tui.api.kinds import API_VERSION, SKILL
from stigmer_tui.api.skill_pb2 import (
    GetArtifactRequest,
    GetArtifactResponse,
    PushSkillRequest,
    Skill,
    SkillSpec,
    SkillState,
    SkillStatus,
)
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.ids import slug_of
from stigmer_tui.core.private_files import opener
from stigmer_tui.core.sqlite import Database
from stigmer_tui.definition.skill_archive import skill_md_of, version_of
from stigmer_tui.server.errors import invalid, not_found
from stigmer_tui.server.resource_store import ResourceRow
from stigmer_tui.server.resources import ResourceBackend, Resources, note_created, note_updated


@dataclass(frozen=True, slots=True)
class Archive:
    hash: str
    """SHA-256 of the file in hexadecimal."""
    skill_md: str


def read_archive(data: bytes) -> Archive:
    """Raises ApiError INVALID_ARGUMENT with what is wrong."""
    try:
        return Archive(version_of(data), skill_md_of(data))
    except StigmerError as error:
        raise invalid(f"artifact: {error.message}") from error


STORAGE_KEY = re.compile(r"skills/([0-9a-f]{64})\.zip")
HASH = re.compile(r"[0-9a-f]{64}")


class Skills(Resources[Skill]):
    kind = SKILL

    def __init__(self, backend: ResourceBackend, database: Database, artifacts: Path) -> None:
        super().__init__(backend)
        self._database = database
        self._artifacts = artifacts

    async def push(self, request: PushSkillRequest) -> Skill:
        """Creates a skill, or a new version of the existing one with that name."""
        slug = slug_of(request.name)
        if not slug:
            raise invalid("name: a name with at least one ASCII letter or digit is required")
        archive = await asyncio.to_thread(read_archive, request.artifact)
        await asyncio.to_thread(self._keep, archive.hash, request.artifact)
        existing: Skill | None = self.store.find(SKILL, slug, request.org)
        skill = Skill(
            api_version=API_VERSION,
            kind=SKILL.name,
            metadata=ApiResourceMetadata(name=request.name, slug=slug, org=request.org, owner_scope=request.scope),
            spec=SkillSpec(skill_md=archive.skill_md, tag=request.tag),
            status=SkillStatus(
                version_hash=archive.hash,
                artifact_storage_key=f"skills/{archive.hash}.zip",
                state=SkillState.SKILL_STATE_READY,
            ),
        )
        row = ResourceRow(SKILL, skill)
        if existing is None:
            skill.metadata.id = self.ids.new(SKILL.prefix)
            note_created(skill, self.clock)
        else:
            skill.metadata.id = existing.metadata.id
            skill.status.audit.CopyFrom(existing.status.audit)
            note_updated(skill, self.clock)
        # First, so that no version is current, and replaced, without being kept.
        await self._database.write(lambda db: _remember(db, skill))
        await (self.store.insert(row) if existing is None else self.store.replace(row))
        self.changes.note()
        return skill

    async def get_by_reference(self, request: ApiResourceReference) -> Skill:
        """`version` is empty or `latest`, a hash, or a tag (its newest version)."""
        current = await super().get_by_reference(request)
        version = request.version
        if version in ("", "latest", current.status.version_hash, current.spec.tag):
            return current
        column = "hash" if HASH.fullmatch(version) else "tag"
        sql = f"SELECT data FROM skill_versions WHERE skill = ? AND {column} = ? ORDER BY pushed DESC LIMIT 1"
        for (data,) in self._database.read(sql, (current.metadata.id, version)):
            return Skill.FromString(data)
        raise not_found(SKILL.noun, f"{request.slug} in version {version}")

    async def get_artifact(self, request: GetArtifactRequest) -> GetArtifactResponse:
        match = STORAGE_KEY.fullmatch(request.artifact_storage_key)
        path = self._artifacts / f"{match[1]}.zip" if match else None
        if path is None or not path.is_file():
            raise not_found("artifact", request.artifact_storage_key)
        return GetArtifactResponse(artifact=await asyncio.to_thread(path.read_bytes))

    async def delete(self, request: object) -> Skill:
        skill = await super().delete(request)
        sql = "DELETE FROM skill_versions WHERE skill = ?"
        await self._database.write(lambda db: db.execute(sql, (skill.metadata.id,)))
        return skill

    def _keep(self, version_hash: str, artifact: bytes) -> None:
        """On the disk before the row that names it; several may push the same at the same time."""
        path = self._artifacts / f"{version_hash}.zip"
        if path.exists():
            return
        scratch = path.with_suffix(f".{uuid4().hex}.part")
        try:
            with open(scratch, "wb", opener=opener) as file:
                file.write(artifact)
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(path)
        except BaseException:
            scratch.unlink(missing_ok=True)
            raise
        folder = os.open(self._artifacts, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _remember(db: sqlite3.Connection, skill: Skill) -> None:
    version = copy.deepcopy(skill)
    (pushed,) = db.execute("SELECT coalesce(max(pushed), 0) + 1 FROM skill_versions").fetchone()
    row = (version.metadata.id, pushed, version.status.version_hash, version.spec.tag, version.SerializeToString())
    db.execute("INSERT INTO skill_versions VALUES (?, ?, ?, ?, ?)", row)
