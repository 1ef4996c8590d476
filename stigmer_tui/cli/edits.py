"""`edit` and `environment set`: what is deployed, changed by hand."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy

import click

from stigmer_tui.api.api_resource_pb2 import ApiResourceMetadata, ApiResourceOwnerScope
from stigmer_tui.api.environment_pb2 import Environment
from stigmer_tui.api.kinds import API_VERSION, ENVIRONMENT, SKILL, Kind
from stigmer_tui.api.skill_pb2 import Skill
from stigmer_tui.cli.printing import message_text, print_result
from stigmer_tui.cli.resources import KINDS, Server, reached_server, row_of
from stigmer_tui.client.stored_resources import StoredResource, apply_resource, get_resource, push_skill, skill_archive
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import working_folder
from stigmer_tui.core.run_variable import SECRET_PREFIX
from stigmer_tui.core.terminal import can_ask
from stigmer_tui.definition.extensions import PROJECT
from stigmer_tui.definition.skill_archive import with_text
from stigmer_tui.headless.texts import parse_runtime_env
from stigmer_tui.project.manifest_files import read_manifest_text
from stigmer_tui.workbench.state import Value

VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def edit_deployed(kind: str, name: str, organization: str, output: str) -> int:
    """Opens it in the editor until it can be deployed, or is left as it was."""
    return asyncio.run(_edit(KINDS[kind], name, organization, output))


async def _edit(kind: Kind, name: str, organization: str, output: str) -> int:
    async with reached_server(organization) as server:
        before = await server.get(kind, name)
        edited = _edited(kind, before)
        if edited is None:
            print_result(row_of(kind, before) | {"action": "unchanged"}, output, "Nothing was changed")
            return 0
        if await server.get(kind, before.metadata.id) != before:
            raise StigmerError(
                f"The {kind.noun} {before.metadata.slug} was changed by somebody else meanwhile",
                "Edit it again, as it is now.",
            )
        await _send(server, kind, edited, before)
        after = await server.get(kind, before.metadata.id)
    done = row_of(kind, after) | {"action": "updated"}
    print_result(done, output, f"✓ Changed the {kind.noun} {before.metadata.slug}")
    if project := before.metadata.annotations.get(PROJECT, ""):
        warning = f"⚠️  The project {project} deploys its own version again, with its next apply"
        click.echo(warning, err=output != "table")
    return 0


def _edited(kind: Kind, before: StoredResource) -> StoredResource | None:
    """None where nothing was changed. Raises StigmerError for what cannot be understood, without a terminal."""
    shown = deepcopy(before)
    shown.ClearField("status")
    original = text = message_text(shown, "yaml") + "\n"
    while True:
        saved = _saved(text)
        if saved is None or saved in (text, original):
            return None
        try:
            return _understood(kind, shown, saved)
        except StigmerError as error:
            if not can_ask():
                raise
            text = _with_problem(error, saved)


def _saved(text: str) -> str | None:
    """What was saved in the editor; None where nothing was."""
    try:
        return click.edit(text, extension=".yaml")
    except click.ClickException as error:
        advice = "Set EDITOR to one that works, such as vi or nano."
        raise StigmerError(f"The editor failed, and nothing was changed: {error.message}", advice) from error


def _understood(kind: Kind, before: StoredResource, text: str) -> StoredResource:
    resources = read_manifest_text(text, f"{before.metadata.slug}.yaml", working_folder())
    if len(resources) != 1 or not isinstance(resources[0], kind.message):
        raise StigmerError(f"This must stay one {kind.noun}")
    (edited,) = resources
    after: StoredResource = edited
    if (after.metadata.id, after.metadata.slug, after.metadata.org) != (
        before.metadata.id,
        before.metadata.slug,
        before.metadata.org,
    ):
        raise StigmerError("metadata.id, metadata.slug and metadata.org say which resource it is, and must stay")
    return after


def _with_problem(error: StigmerError, text: str) -> str:
    """The text without the comments of an earlier attempt, below what is wrong with it now."""
    lines = text.splitlines()
    while lines and lines[0].startswith("#!"):
        del lines[0]
    problem = [f"#! {line}".rstrip() for line in str(error).splitlines() if line]
    return "\n".join([*problem, "#! Leave it as it is to give up.", *lines]) + "\n"


async def _send(server: Server, kind: Kind, resource: StoredResource, before: StoredResource) -> None:
    if kind is SKILL and isinstance(resource, Skill):
        archive = await skill_archive(server.connection, before)
        await push_skill(server.connection, resource, with_text(archive, resource.spec.skill_md))
    else:
        await apply_resource(server.connection, kind, resource)


def set_environment(
    name: str, entries: Sequence[str], removed: Sequence[str], description: str, organization: str, output: str
) -> int:
    """Variables as for a run; a secret without a value is asked for. Makes the environment where there is none."""
    values = parse_runtime_env([_complete(entry) for entry in entries])
    if not (values or removed or description):
        raise StigmerError("There is nothing to set", "Name variables: stigmer-tui environment set NAME KEY=VALUE")
    for key in values:
        if not VARIABLE_NAME.fullmatch(key):
            raise StigmerError(
                f"{key!r} is no name of a variable", "It has letters, digits and _, and begins with no digit."
            )
    return asyncio.run(_set_environment(name, values, removed, description, organization, output))


def _complete(entry: str) -> str:
    """An entry with its value; `secret:KEY` asks for it, so that it stands in no history."""
    if "=" in entry or not entry.startswith(SECRET_PREFIX):
        return entry
    key = entry.removeprefix(SECRET_PREFIX)
    if not can_ask():
        raise StigmerError(f"There is no terminal to ask for the value of {key}", f"Give it: {entry}=VALUE")
    return f"{entry}={click.prompt(key, hide_input=True)}"


async def _set_environment(
    name: str, values: Mapping[str, Value], removed: Sequence[str], description: str, organization: str, output: str
) -> int:
    async with reached_server(organization) as server:
        environment = await get_resource(server.connection, ENVIRONMENT, name, server.organization)
        is_new = environment is None
        if environment is None:
            scope = ApiResourceOwnerScope.organization
            metadata = ApiResourceMetadata(name=name, org=server.organization, owner_scope=scope)
            environment = Environment(api_version=API_VERSION, kind=ENVIRONMENT.name, metadata=metadata)
        for key in removed:
            if key not in environment.spec.data:
                raise StigmerError(f"The environment {name} has no variable {key}")
            del environment.spec.data[key]
        for key, value in values.items():
            variable = environment.spec.data[key]
            variable.value, variable.is_secret = value.text, value.is_secret
        if description:
            environment.spec.description = description
        stored = await apply_resource(server.connection, ENVIRONMENT, environment)
    variables = ", ".join(sorted(stored.spec.data)) or "no variables"
    done = row_of(ENVIRONMENT, stored) | {
        "action": "created" if is_new else "updated",
        "variables": sorted(stored.spec.data),
    }
    verb = "Made" if is_new else "Changed"
    print_result(done, output, f"✓ {verb} the environment {stored.metadata.slug}: {variables}")
    return 0
