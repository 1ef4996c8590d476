"""`skill push | get`: skills by hand; projects push theirs with everything else."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import click

from stigmer_tui.api.api_resource_pb2 import ApiResourceMetadata, ApiResourceOwnerScope
from stigmer_tui.api.kinds import API_VERSION, SKILL
from stigmer_tui.api.skill_pb2 import Skill, SkillSpec
from stigmer_tui.cli.printing import message_text, print_result, print_rows
from stigmer_tui.cli.resources import COLUMNS, reached_server, row_of
from stigmer_tui.client.errors import NotFound
from stigmer_tui.client.stored_resources import StoredResource, get_resource, push_skill
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.ids import slug_of
from stigmer_tui.core.paths import working_folder
from stigmer_tui.definition.skill_archive import version_of
from stigmer_tui.project.skill_folder import pack

VERSION = re.compile(r"[a-zA-Z0-9._-]*")
SHORT = 12
"""Characters of a version that are shown."""


def push_folder(folder: str, name: str, tag: str, organization: str, output: str) -> int:
    path = (working_folder() / folder).resolve()
    name = name or path.name
    if not slug_of(name):
        raise StigmerError(f"{name!r} is no name for a skill", "Give it one: --name NAME")
    archive = pack(path)

    async def run() -> int:
        async with reached_server(organization) as server:
            before = await get_resource(server.connection, SKILL, name, server.organization)
            if before and before.status.version_hash == version_of(archive) and tag in ("", before.spec.tag):
                same = f"· The skill {before.metadata.slug} is unchanged: {version_of(archive)[:SHORT]}"
                print_result(_pushed(before, "unchanged"), output, same)
                return 0
            scope = ApiResourceOwnerScope.organization
            metadata = ApiResourceMetadata(name=name, org=server.organization, owner_scope=scope)
            skill = Skill(api_version=API_VERSION, kind=SKILL.name, metadata=metadata, spec=SkillSpec(tag=tag))
            stored = await push_skill(server.connection, skill, archive)
        version = stored.status.version_hash[:SHORT]
        action = "updated" if before else "created"
        said = f"✓ {action.capitalize()} the skill {stored.metadata.slug}: version {version}"
        print_result(_pushed(stored, action), output, said)
        return 0

    return asyncio.run(run())


def _pushed(skill: StoredResource, action: str) -> dict[str, Any]:
    return row_of(SKILL, skill) | {"action": action, "version": skill.status.version_hash, "tag": skill.spec.tag}


def print_skill(reference: str, organization: str, output: str) -> int:
    name, _, version = reference.partition("@")
    if not VERSION.fullmatch(version):
        raise StigmerError(
            f"{version!r} is no version of a skill", "It is a tag, with letters, digits, . _ and -, or a hash."
        )

    async def run() -> int:
        async with reached_server(organization) as server:
            found = await get_resource(server.connection, SKILL, name, server.organization, version)
        if found is None:
            error = NotFound(f"There is no skill {reference} in the organization {server.organization}")
            error.advice = "See what there is: stigmer-tui skill list"
            raise error
        if output in ("json", "yaml"):
            click.echo(message_text(found, output))
        else:
            print_rows([row_of(SKILL, found)], COLUMNS, output, lambda row: str(row["name"]), "")
        return 0

    return asyncio.run(run())
