"""Skills: pushed as ZIP files, checked, kept by their hash, named by slug and version (`docs/compatibility.md` 125)."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import io
import re
import sqlite3
import zipfile
from dataclasses import dataclass
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
from stigmer_tui.core.ids import slug_of
from stigmer_tui.core.private_files import opener
from stigmer_tui.core.sqlite import Database
from stigmer_tui.server.errors import invalid, not_found
from stigmer_tui.server.resource_store import ResourceRow
from stigmer_tui.server.resources import ResourceBackend, Resources, note_created, note_updated

MEBIBYTE = 1024 * 1024
MAX_SIZE = 100 * MEBIBYTE
MAX_UNPACKED_SIZE = 500 * MEBIBYTE
MAX_ENTRIES = 10_000
MAX_RATIO = 100
MAX_SKILL_MD_SIZE = MEBIBYTE


@dataclass(frozen=True, slots=True)
class Archive:
    hash: str
    """SHA-256 of the file in hexadecimal."""
    skill_md: str


def read_archive(data: bytes) -> Archive:
    """Raises ApiError INVALID_ARGUMENT with what is wrong."""
    if len(data) > MAX_SIZE:
        raise invalid(f"artifact: larger than {MAX_SIZE // MEBIBYTE} MiB")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_entries(archive.infolist())
            skill_md = _skill_md(archive)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise invalid(f"artifact: not a usable ZIP file: {error}") from error
    return Archive(hashlib.sha256(data).hexdigest(), skill_md)


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_ENTRIES:
        raise invalid(f"artifact: more than {MAX_ENTRIES} entries")
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED_SIZE:
        raise invalid(f"artifact: unpacks to more than {MAX_UNPACKED_SIZE // MEBIBYTE} MiB")
    for entry in entries:
        if any(ord(character) < 32 for character in entry.filename):
            raise invalid(f"artifact: the name {entry.filename!r} has control characters")
        if entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
            raise invalid(f"artifact: {entry.filename} is compressed by more than {MAX_RATIO}:1")


def _skill_md(archive: zipfile.ZipFile) -> str:
    try:
        entry = archive.getinfo("SKILL.md")
    except KeyError:
        raise invalid("artifact: SKILL.md is missing at the root of the ZIP file") from None
    if not 0 < entry.file_size <= MAX_SKILL_MD_SIZE:
        raise invalid("artifact: SKILL.md must have between 1 byte and 1 MiB")
    try:
        return archive.read(entry).decode()
    except UnicodeDecodeError as error:
        raise invalid(f"artifact: SKILL.md is not UTF-8: {error}") from error


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
