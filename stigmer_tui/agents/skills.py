"""Skills of an agent: folders that stand in its working folder below `/skills`, to read and to run.

The model gets their names and descriptions, and reads what it needs of them by itself.
"""

from __future__ import annotations

import asyncio
import io
import stat
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import grpc
from grpc.aio import AioRpcError, Channel

from stigmer_tui.agents.sandbox.folder import Folder
from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.api_resource_pb2 import ApiResourceOwnerScope, ApiResourceReference
from stigmer_tui.api.kinds import SKILL
from stigmer_tui.api.skill_pb2 import GetArtifactRequest
from stigmer_tui.api.skill_pb2_grpc import SkillQueryControllerStub
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.skill_text import FILE, description_of
from stigmer_tui.runners.attachment import response_for
from stigmer_tui.runners.lease import Lease

ROOT = "/skills"
READABLE, RUNNABLE = 0o444, 0o555


@dataclass(frozen=True, slots=True)
class PlacedSkill:
    """A skill that stands in the working folder."""

    name: str
    description: str
    version: str
    """The hash of its content."""

    @property
    def path(self) -> str:
        return f"{ROOT}/{self.name}"


@dataclass(frozen=True, slots=True)
class _Files:
    placed: PlacedSkill
    artifact: bytes
    """A ZIP file; empty for a skill that is its SKILL.md alone."""
    skill_md: str


def skills_of(agent: Agent) -> list[ApiResourceReference]:
    """Those of an agent and of its sub-agents, each once. Raises StigmerError for two versions of one skill."""
    found: dict[str, ApiResourceReference] = {}
    for reference in (*agent.spec.skill_refs, *(ref for part in agent.spec.sub_agents for ref in part.skill_refs)):
        known = found.setdefault(reference.slug, reference)
        if known.version != reference.version:
            versions = " and ".join(repr(version or "latest") for version in (known.version, reference.version))
            raise StigmerError(
                f"{agent.metadata.name} and its sub-agents have two versions of the skill {reference.slug}: {versions}"
            )
    return list(found.values())


async def place_skills(lease: Lease, channel: Channel, agent: Agent, folder: Folder) -> Mapping[str, PlacedSkill]:
    """Fetches the skills of an agent and of its sub-agents, and puts them into its working folder; by name.

    Raises StigmerError for one that there is not, or that cannot be used.
    """
    references = skills_of(agent)
    if not references:
        return {}
    async with asyncio.TaskGroup() as group:
        fetching = [group.create_task(_fetch(lease, channel, agent, reference)) for reference in references]
    fetched = [task.result() for task in fetching]
    if failed := next((item for item in fetched if isinstance(item, StigmerError)), None):
        raise failed
    await asyncio.to_thread(_place, [item for item in fetched if isinstance(item, _Files)], folder)
    return {item.placed.name: item.placed for item in fetched if isinstance(item, _Files)}


async def _fetch(
    lease: Lease, channel: Channel, agent: Agent, reference: ApiResourceReference
) -> _Files | StigmerError:
    stub = SkillQueryControllerStub(channel)
    asked = ApiResourceReference(
        scope=reference.scope or ApiResourceOwnerScope.organization,
        org=reference.org or agent.metadata.org,
        kind=SKILL.number,
        slug=reference.slug,
        version=reference.version,
    )
    version = f" in version {reference.version}" if reference.version else ""
    try:
        skill = await response_for(lease, stub.getByReference(asked))
        key = skill.status.artifact_storage_key
        artifact = (await response_for(lease, stub.getArtifact(GetArtifactRequest(artifact_storage_key=key)))).artifact
        placed = PlacedSkill(reference.slug, description_of(skill.spec.skill_md), skill.status.version_hash)
    except AioRpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise
        return StigmerError(f"{agent.metadata.name} cannot run: there is no skill {reference.slug}{version}")
    except StigmerError as error:
        return StigmerError(f"The skill {reference.slug}{version} cannot be used: {error.message}")
    return _Files(placed, artifact, skill.spec.skill_md)


def _place(skills: Iterable[_Files], folder: Folder) -> None:
    """In the place of what stands there, which the agent may have changed by a command."""
    folder.unprotect()
    for skill in skills:
        folder.remove(skill.placed.path)
        for path, content, mode in _unpacked(skill):
            folder.create(f"{skill.placed.path}/{path}", content, mode)
    folder.protect(ROOT)


def _unpacked(skill: _Files) -> Iterable[tuple[str, bytes, int]]:
    if not skill.artifact:
        yield FILE, skill.skill_md.encode(), READABLE
        return
    with zipfile.ZipFile(io.BytesIO(skill.artifact)) as archive:
        for entry in archive.infolist():
            if entry.is_dir():
                continue
            mode = entry.external_attr >> 16
            path = PurePosixPath(entry.filename)
            is_outside = path.is_absolute() or ".." in path.parts or "\\" in entry.filename
            if is_outside or stat.S_ISLNK(mode):
                raise StigmerError(
                    f"The skill {skill.placed.name} cannot be used: {entry.filename} is no plain file of it"
                )
            yield path.as_posix(), archive.read(entry), RUNNABLE if mode & 0o111 else READABLE


def skills_text(skills: Sequence[PlacedSkill]) -> str:
    """What the instructions of a model say of the skills; empty without any."""
    if not skills:
        return ""
    listed = "\n".join(f"- {skill.name}: {skill.description}\n  Read {skill.path}/{FILE} first." for skill in skills)
    return (
        "\n## Skills\n\nFolders with instructions, and perhaps scripts, for special work. When a task is about one of "
        f"them, read its {FILE} before you begin. You can read and run what is in them (in commands, "
        f"{ROOT[1:]}/NAME/…), but not change it.\n\n{listed}\n"
    )
