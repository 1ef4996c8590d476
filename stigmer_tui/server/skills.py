"""Skills: pushed as ZIP files, kept by their hash, referred to by slug and version (`docs/compatibility.md` 125)."""

from __future__ import annotations

import asyncio
import copy
import re
import sqlite3
from pathlib import Path

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
from stigmer_tui.core.private_files import opener
from stigmer_tui.core.slugs import slug_of
from stigmer_tui.core.sqlite import Database
from stigmer_tui.server.audit import note_created, note_updated
from stigmer_tui.server.errors import invalid, not_found
from stigmer_tui.server.resource_store import ResourceRow
from stigmer_tui.server.resources import ResourceBackend, Resources
from stigmer_tui.server.skill_archive import read_archive

STORAGE_KEY = re.compile(r"skills/([0-9a-f]{64})\.zip")
HASH = re.compile(r"[0-9a-f]{64}")


class Skills(Resources[Skill]):
    kind = SKILL

    def __init__(self, backend: ResourceBackend, database: Database, artifacts: Path) -> None:
        super().__init__(backend)
        self._database = database
        self._artifacts = artifacts

    async def push(self, request: PushSkillRequest) -> Skill:
        """A new skill, or a new version of the organization's skill of that name."""
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
        if existing is None:
            skill.metadata.id = self.ids.new(SKILL.prefix)
            note_created(skill, self.clock)
            await self.store.insert(ResourceRow(SKILL, skill))
        else:
            skill.metadata.id = existing.metadata.id
            skill.status.audit.CopyFrom(existing.status.audit)
            note_updated(skill, self.clock)
            await self.store.replace(ResourceRow(SKILL, skill))
        await self._database.write(lambda db: _remember(db, skill))
        self.changes.note()
        return skill

    async def get_by_reference(self, request: ApiResourceReference) -> Skill:
        """`version`: empty or `latest` for the current one, a hash, or the newest version with that tag."""
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
        path = self._artifacts / f"{version_hash}.zip"
        if path.exists():
            return
        scratch = path.with_suffix(".part")
        with open(scratch, "wb", opener=opener) as file:
            file.write(artifact)
        scratch.replace(path)


def _remember(db: sqlite3.Connection, skill: Skill) -> None:
    version = copy.deepcopy(skill)
    (pushed,) = db.execute("SELECT coalesce(max(pushed), 0) + 1 FROM skill_versions").fetchone()
    row = (version.metadata.id, pushed, version.status.version_hash, version.spec.tag, version.SerializeToString())
    db.execute("INSERT INTO skill_versions VALUES (?, ?, ?, ?, ?)", row)
