"""Gets the skills of an agent from the server before its run begins, and lists them in its instructions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import grpc
from grpc.aio import AioRpcError, Channel

from stigmer_tui.agents.sandbox.skill_files import SKILLS, RunSkill
from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.api_resource_pb2 import ApiResourceReference
from stigmer_tui.api.skill_pb2 import GetArtifactRequest
from stigmer_tui.api.skill_pb2_grpc import SkillQueryControllerStub
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.ids import slug_of
from stigmer_tui.definition.skill_archive import SkillFile, files_of, version_of
from stigmer_tui.definition.skill_text import FILE as SKILL_MD
from stigmer_tui.definition.skill_text import HEADING, description_of
from stigmer_tui.runners.attachment import response_for
from stigmer_tui.runners.lease import Lease

FetchSkill = Callable[[Lease, ApiResourceReference], Awaitable[tuple[SkillFile, ...] | None]]
"""The files of a skill; None if there is no such skill, or no such version of it."""


def from_server(channel: Channel) -> FetchSkill:
    """Raises StigmerError for what the server cannot give."""
    queries = SkillQueryControllerStub(channel)

    async def fetch(lease: Lease, reference: ApiResourceReference) -> tuple[SkillFile, ...] | None:
        try:
            skill = await response_for(lease, queries.getByReference(reference))
            if not skill.status.artifact_storage_key:
                return (SkillFile(SKILL_MD, skill.spec.skill_md.encode()),)
            key = GetArtifactRequest(artifact_storage_key=skill.status.artifact_storage_key)
            archive = (await response_for(lease, queries.getArtifact(key))).artifact
        except AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return None
            raise StigmerError(f"Cannot read the skill {reference.slug}: {error.details()}") from error
        if version_of(archive) != skill.status.version_hash:
            raise StigmerError(f"The files of the skill {reference.slug} are damaged: push it again")
        try:
            return tuple(await asyncio.to_thread(lambda: list(files_of(archive))))
        except StigmerError as error:
            raise StigmerError(f"The skill {reference.slug} cannot be used: {error.message}") from error

    return fetch


async def fetch_skills(lease: Lease, agent: Agent, fetch: FetchSkill) -> tuple[RunSkill, ...]:
    """Those of an agent, in its order. Raises StigmerError for a missing one, by name."""
    references = agent.spec.skill_refs
    name = agent.metadata.slug or agent.metadata.name
    slugs = [reference.slug for reference in references]
    for slug in slugs:
        if not slug or slug != slug_of(slug):
            raise StigmerError(f"{name} cannot run: {slug!r} is no name of a skill")
        if slugs.count(slug) > 1:
            raise StigmerError(f"{name} cannot run: it has two skills with the name {slug}")
    found = await asyncio.gather(*(fetch(lease, reference) for reference in references))
    skills = []
    for reference, files in zip(references, found, strict=True):
        if files is None:
            version = f" in version {reference.version}" if reference.version else ""
            raise StigmerError(f"{name} cannot run: there is no skill {reference.slug}{version}")
        skills.append(RunSkill(reference.slug, _description(files), files))
    return tuple(skills)


def _description(files: Sequence[SkillFile]) -> str:
    """Empty where the text, which may have been pushed by another client, does not say it."""
    text = next((file.content for file in files if file.path == SKILL_MD), b"")
    try:
        return description_of(text.decode(errors="replace"))
    except StigmerError:
        return ""


def skills_section(skills: Sequence[RunSkill]) -> str:
    """The part of the instructions that lists the skills; empty without any."""
    if not skills:
        return ""
    listed = "\n".join(f"- {_label(skill)} (/{SKILLS}/{skill.name}/{SKILL_MD})" for skill in skills)
    return f"{SECTION}\n{listed}\n"


def _label(skill: RunSkill) -> str:
    return f"{skill.name}: {skill.description}" if skill.description else skill.name


SECTION = f"""
{HEADING}

A skill is a folder with instructions for work of one kind. When a task fits one of the skills below, first read its
{SKILL_MD} with read_file: it says what to do, and which of the other files in its folder to use. Skills can be read and
searched as other files can, and not changed. Run their scripts with execute, by the same paths that start with
/{SKILLS}.
"""
