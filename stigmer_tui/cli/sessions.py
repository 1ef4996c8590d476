"""`sessions list`, `show`, `rename` and `delete`: conversations with agents."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

import click

from stigmer_tui.api.session_pb2 import Session
from stigmer_tui.cli.printing import Column, local_time, message_text, print_result, print_rows
from stigmer_tui.cli.resources import Server, ask, reached_server
from stigmer_tui.client import sessions
from stigmer_tui.client.errors import NotFound
from stigmer_tui.core.clock import SystemClock, timestamp
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.core.units import plural
from stigmer_tui.definition.extensions import FORK
from stigmer_tui.headless.conversation_lines import LineWriter
from stigmer_tui.headless.json_output import JsonOutput
from stigmer_tui.headless.run_lines import RunLines
from stigmer_tui.workbench.events import RunChanged, RunEnded
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource
from stigmer_tui.workbench.translation import moment
from stigmer_tui.workbench.usage import Usage, usage_of_all, usage_sentence
from stigmer_tui.workbench.wire_deltas import execution_of

COLUMNS = (
    Column("STARTED", "created_at", local_time),
    Column("SUBJECT", "subject"),
    Column("ID", "id"),
    Column("FORK OF", "fork_of"),
)


def list_newest(number: int, organization: str, output: str) -> int:
    async def run() -> int:
        async with reached_server(organization) as server:
            found = await sessions.newest(server.connection, number)
        rows = [_row(session) for session in found if session.metadata.org in ("", server.organization)]
        nothing = f"The organization {server.organization} has no sessions"
        print_rows(rows, COLUMNS, output, lambda row: str(row["id"]), nothing)
        return 0

    return asyncio.run(run())


def _row(session: Session) -> dict[str, Any]:
    created_at = moment(session.status.audit.spec_audit.created_at)
    return {
        "created_at": timestamp(created_at) if created_at else "",
        "subject": session.spec.subject,
        "id": session.metadata.id,
        "fork_of": session.spec.metadata.get(FORK, "").partition(" ")[0],
    }


def get_session(session_id: str, organization: str, output: str) -> int:
    """As other kinds are got: as it is stored, or in a line."""

    async def run() -> int:
        async with reached_server(organization) as server:
            session = await _session(server, session_id)
        if output in ("json", "yaml"):
            click.echo(message_text(session, output))
        else:
            print_rows([_row(session)], COLUMNS, output, lambda row: str(row["id"]), "")
        return 0

    return asyncio.run(run())


def show_session(session_id: str, organization: str, *, as_json: bool) -> int:
    async def run() -> int:
        async with reached_server(organization) as server:
            session = await _session(server, session_id)
            stored = await sessions.conversation(server.connection, session.metadata.id)
        conversation = [execution_of(execution, execution.metadata.name) for execution in stored]
        usage = usage_of_all(execution.usage for execution in conversation)
        if as_json:
            _print_events(session, conversation, usage)
        else:
            _print_lines(conversation, usage)
        return 0

    return asyncio.run(run())


def _print_lines(conversation: Sequence[Execution], usage: Usage) -> None:
    lines = LineWriter(sys.stdout.write)
    for execution in conversation:
        lines.line(f"Execution ID: {execution.id}")
        RunLines(execution, lines).update()
        lines.line(execution.error)
    if used := usage_sentence(usage):
        lines.line(f"Usage of the session: {used}")


def _print_events(session: Session, conversation: Sequence[Execution], usage: Usage) -> None:
    output = JsonOutput(sys.stdout, sys.stderr, Redactor(), SystemClock())
    for execution in conversation:
        resource = Resource(execution.kind, "", execution.root.name, execution.root.name)
        output.started(execution, resource, "")
        output.take(RunEnded(execution) if execution.state.is_final else RunChanged(execution))
    output.session(session.metadata.id, session.spec.subject, len(conversation), usage)


def rename_session(session_id: str, subject: str, organization: str, output: str) -> int:
    if not subject.strip():
        raise StigmerError(
            "The new name of the session is empty", 'Such as: stigmer-tui sessions rename ID "The order"'
        )

    async def run() -> int:
        async with reached_server(organization) as server:
            renamed = await sessions.rename(server.connection, await _session(server, session_id), subject)
        done = _row(renamed) | {"action": "updated"}
        print_result(done, output, f"✓ The session {renamed.metadata.id} is called {renamed.spec.subject}")
        return 0

    return asyncio.run(run())


def delete_session(session_id: str, organization: str, is_sure: bool, output: str) -> int:
    async def run() -> int:
        async with reached_server(organization) as server:
            session = await _session(server, session_id)
            if not is_sure:
                ask(f"Delete session {session.metadata.id} “{session.spec.subject}” and all that was said in it?")
            count = await sessions.delete(server.connection, session)
        done = _row(session) | {"action": "deleted", "executions": count}
        print_result(done, output, f"✓ Deleted the session {session.metadata.id} with {plural(count, 'execution')}")
        return 0

    return asyncio.run(run())


async def _session(server: Server, session_id: str) -> Session:
    try:
        return await sessions.get(server.connection, session_id)
    except NotFound:
        raise StigmerError(f"There is no session {session_id}", "What there is: stigmer-tui sessions list") from None
