"""Executions in the database: an event for each version, and the whole execution once it has ended."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from google.protobuf.message import DecodeError

from stigmer_tui.api.agent_execution_pb2 import AgentExecution
from stigmer_tui.api.catalogue_pb2 import Run
from stigmer_tui.api.kinds import AGENT, AGENT_EXECUTION, WORKFLOW, WORKFLOW_EXECUTION, Kind
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import Assignment
from stigmer_tui.core.ids import TASK_PREFIX, Prefix, parse_id
from stigmer_tui.core.sqlite import Database, Write, outcome, persisted
from stigmer_tui.definition.extensions import UNLISTED
from stigmer_tui.server.attached_files import Contents, insert_files
from stigmer_tui.server.execution_state import AnyExecution, AnyState, StoredEvent, state_of
from stigmer_tui.server.resource_store import ResourceRow, insert_rows
from stigmer_tui.server.resources import created_at

logger = logging.getLogger(__name__)

PARENT_ENDED = "the execution that started it has ended"

LATEST = "~"
"""After every age."""

IS_SUB_AGENT = f"substr(parent, 1, 4) = '{Prefix.AGENT_EXECUTION}_'"
"""What an agent execution starts is a sub-agent: a part of it, which is given out with it and not by itself."""
IS_TASK = f"substr(resource, 1, {len(TASK_PREFIX)}) = '{TASK_PREFIX}'"
"""What a coding agent of others works on has a process of its own, and is given out to nobody."""


@dataclass(frozen=True, slots=True)
class NewExecution:
    execution: AnyExecution
    assignment: Assignment
    """Without the execution itself, and with marks instead of secrets."""
    resource: str
    """Id of the agent or workflow."""
    slug: str
    """Its slug."""
    session: str = ""
    parent: str = ""
    parent_key: str = ""
    request_key: str = ""
    """Idempotency key of the client; may be empty."""
    files: Contents = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        return AGENT_EXECUTION if isinstance(self.execution, AgentExecution) else WORKFLOW_EXECUTION


@dataclass(frozen=True, slots=True)
class Stretch:
    """The executions of a session, up to one of them."""

    session: str
    before: str = ""
    """The execution that the stretch ends before; empty for all of the session."""


class Candidate(NamedTuple):
    """An execution that may have a text."""

    id: str
    parent: str
    is_final: bool


@dataclass(frozen=True, slots=True)
class Candidates:
    """Those of a number of executions, newest first."""

    found: list[Candidate]
    oldest: str
    """Age of the last of them all; empty when there is none."""


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    """A filter for lists of executions; empty fields match everything."""

    kind: Kind
    phase: int = 0
    tags: frozenset[str] = frozenset()
    """All must match."""
    resource: str = ""
    stretches: tuple[Stretch, ...] = ()
    """Any must match."""

    def sql(self) -> tuple[str, list[object]]:
        """The SQL condition and its parameters."""
        parts, values = ["kind = ?", f"NOT {IS_SUB_AGENT}"], [cast("object", self.kind.number)]
        for column in ("phase", "resource"):
            if value := getattr(self, column):
                parts.append(f"{column} = ?")
                values.append(value)
        if self.stretches:
            of_one = "(session = ? AND (? = '' OR id < ?))"
            parts.append(f"({' OR '.join([of_one] * len(self.stretches))})")
            values += [value for part in self.stretches for value in (part.session, part.before, part.before)]
        if self.tags:
            parts.append(
                "NOT EXISTS (SELECT 1 FROM json_each(?) AS tag"
                " WHERE tag.value NOT IN (SELECT value FROM json_each(executions.tags)))"
            )
            values.append(json.dumps(sorted(self.tags)))
        return " AND ".join(parts), values


def kind_of(execution_id: str) -> Kind | None:
    parsed = parse_id(execution_id)
    match parsed and parsed[0]:
        case Prefix.AGENT_EXECUTION:
            return AGENT_EXECUTION
        case Prefix.WORKFLOW_EXECUTION:
            return WORKFLOW_EXECUTION
        case _:
            return None


class ExecutionStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, new: NewExecution, *with_rows: ResourceRow) -> None:
        """Stores version 1 and the rows in one transaction. Raises IntegrityError if the request key exists."""
        metadata = new.execution.metadata
        summary = summarize(new.execution, new.resource, new.slug)
        row = (
            metadata.id,
            metadata.id.partition("_")[2],
            new.kind.number,
            metadata.org,
            new.resource,
            new.session,
            new.parent,
            new.parent_key,
            new.execution.status.phase,
            1,
            new.execution.SerializeToString(),
            new.assignment.SerializeToString(),
            summary.SerializeToString(),
            "",
            new.request_key,
            _tags(new.execution),
        )

        def write(db: sqlite3.Connection) -> None:
            insert_rows(db, with_rows)
            db.execute(f"INSERT INTO executions VALUES ({', '.join('?' * len(row))})", row)
            insert_files(db, metadata.id, new.files)

        await outcome(self._database.write(write))

    async def append(self, execution_id: str, event: StoredEvent, execution: AnyExecution | None = None) -> None:
        """Stores a change that keeps the phase; `execution` is the result, given if its tags may have changed.
        Waits while the database cannot be written.
        """

        def write(db: sqlite3.Connection) -> None:
            _insert_event(db, execution_id, event)
            if execution is not None:
                db.execute("UPDATE executions SET tags = ? WHERE id = ?", (_tags(execution), execution_id))

        await self._persist(write)

    async def append_phase(self, execution: AnyExecution, event: StoredEvent) -> None:
        """Stores a change of phase; a final `execution` replaces its events."""
        execution_id, phase = execution.metadata.id, Phase(execution.status.phase)
        summary = Run.FromString(self._column("summary", execution_id))
        summary.phase = phase.for_agent
        summary.started_at = execution.status.started_at
        summary.completed_at = execution.status.completed_at
        summary.error = execution.status.error

        def write(db: sqlite3.Connection) -> None:
            _insert_event(db, execution_id, event)
            sql = "UPDATE executions SET phase = ?, summary = ? WHERE id = ?"
            db.execute(sql, (phase, summary.SerializeToString(), execution_id))
            if phase.is_final:
                sql = "UPDATE executions SET version = ?, data = ? WHERE id = ?"
                db.execute(sql, (event.version, execution.SerializeToString(), execution_id))

        await self._persist(write)

    async def note_cancelled(self, execution_id: str, reason: str) -> None:
        """Stores the intent to cancel, which the next server acts on after a crash."""
        sql = "UPDATE executions SET cancelled = ? WHERE id = ?"
        await outcome(self._database.write(lambda db: db.execute(sql, (reason, execution_id))))

    async def delete(self, execution_id: str) -> None:
        sql = "DELETE FROM executions WHERE id = ?"
        await outcome(self._database.write(lambda db: db.execute(sql, (execution_id,))))

    def load(self, execution_id: str) -> AnyState | None:
        """The state as of the newest event."""
        kind = kind_of(execution_id)
        rows = self._database.read("SELECT version, data FROM executions WHERE id = ?", (execution_id,))
        if kind is None or not rows:
            return None
        version, data = rows[0]
        state = state_of(kind, data, version)
        for event in self.events_after(execution_id, version):
            try:
                state.replay(event)
            except (DecodeError, ValueError):
                logger.exception("version %d of %s cannot be read and is left out", event.version, execution_id)
            # The next version must come after the last stored one.
            state.version = event.version
        return state

    def events_after(self, execution_id: str, version: int) -> list[StoredEvent]:
        sql = "SELECT version, whole, data FROM events WHERE execution = ? AND version > ? ORDER BY version"
        return [
            StoredEvent(number, bool(whole), data)
            for number, whole, data in self._database.read(sql, (execution_id, version))
        ]

    def assignment(self, execution_id: str) -> Assignment:
        return Assignment.FromString(self._column("assignment", execution_id))

    def parent(self, execution_id: str) -> str:
        rows = self._database.read("SELECT parent FROM executions WHERE id = ?", (execution_id,))
        return str(rows[0][0]) if rows else ""

    def child(self, parent: str, key: str) -> str | None:
        sql = "SELECT id FROM executions WHERE parent = ? AND parent_key = ?"
        rows = self._database.read(sql, (parent, key))
        return str(rows[0][0]) if rows else None

    def sub_agents(self, parent: str) -> list[str]:
        """Ids of the sub-agents that an agent execution has started, ended ones too."""
        sql = f"SELECT id FROM executions WHERE parent = ? AND {IS_SUB_AGENT} ORDER BY age"
        return [str(execution_id) for (execution_id,) in self._database.read(sql, (parent,))]

    def of_request(self, kind: Kind, key: str) -> str | None:
        """The id of the execution with this request key."""
        sql = "SELECT id FROM executions WHERE request = ? AND request != '' AND kind = ?"
        rows = self._database.read(sql, (key, kind.number))
        return str(rows[0][0]) if rows else None

    def unfinished(self, parent: str | None = None) -> list[str]:
        """Ids by creation, of all executions that are given out by themselves, or of those that `parent` started."""
        condition, values = (
            ("parent = ?", (parent,)) if parent is not None else (f"NOT {IS_SUB_AGENT} AND NOT {IS_TASK}", ())
        )
        sql = f"SELECT id FROM executions WHERE phase < 3 AND {condition} ORDER BY age"
        return [str(execution_id) for (execution_id,) in self._database.read(sql, values)]

    def ended_of(self, execution_ids: Iterable[str]) -> list[str]:
        """Those that have ended, or that there are not; sub-agents are executions here, too."""
        going_on = {
            execution_id for (execution_id,) in self._database.read("SELECT id FROM executions WHERE phase < 3")
        }
        return [execution_id for execution_id in execution_ids if execution_id not in going_on]

    def unfinished_tasks(self) -> list[str]:
        """Ids of runs of tasks that have not ended."""
        sql = f"SELECT id FROM executions WHERE phase < 3 AND {IS_TASK} ORDER BY age"
        return [str(execution_id) for (execution_id,) in self._database.read(sql)]

    def pending_cancellations(self) -> dict[str, str]:
        """Executions to cancel, with the reason: cancelled before the server stopped, or their parent has ended."""
        sql = (
            "SELECT execution.id, execution.cancelled FROM executions AS execution "
            "LEFT JOIN executions AS parent ON parent.id = execution.parent "
            "WHERE execution.phase < 3 AND (execution.cancelled != '' OR parent.phase IN (3, 4, 5))"
        )
        return {str(execution_id): str(reason or PARENT_ENDED) for execution_id, reason in self._database.read(sql)}

    def summaries(self, limit: int, org: str) -> list[Run]:
        """Newest first, without child executions and those that are not listed. An empty `org` matches all."""
        sql = (
            "SELECT summary FROM executions WHERE parent = '' AND (? = '' OR org = ?) AND instr(tags, ?) = 0"
            " ORDER BY age DESC LIMIT ?"
        )
        unlisted = json.dumps(UNLISTED)
        return [Run.FromString(summary) for (summary,) in self._database.read(sql, (org, org, unlisted, limit))]

    def candidates(self, org: str, spellings: Sequence[str], before: str, number: int) -> Candidates:
        """Of the `number` executions before an age (empty for the newest ones), those that may have one of the
        spellings (in small letters, as far as these are ASCII), and all that go on, whose events are not searched.
        No spellings match all.

        It reads whole executions: text stands in the messages of the wire as it is, and an index would be as large.
        """
        has_text = " OR ".join(["instr(lower(CAST(data AS TEXT)), ?)"] * len(spellings)) or "1"
        sql = (
            f"SELECT id, parent, phase >= 3, age, phase < 3 OR {has_text} FROM executions"
            " WHERE age < ? AND (? = '' OR org = ?) ORDER BY age DESC LIMIT ?"
        )
        rows = self._database.read(sql, (*spellings, before or LATEST, org, org, number))
        found = [
            Candidate(id_, parent, bool(is_final)) for id_, parent, is_final, _, may_have_it in rows if may_have_it
        ]
        return Candidates(found, str(rows[-1][3]) if rows else "")

    def listed(self, execution_id: str) -> Run | None:
        """Its line; None where it is in no list."""
        sql = "SELECT summary FROM executions WHERE id = ? AND instr(tags, ?) = 0"
        rows = self._database.read(sql, (execution_id, json.dumps(UNLISTED)))
        return Run.FromString(rows[0][0]) if rows else None

    def page(self, wanted: ExecutionFilter, size: int, after: str = "") -> list[str] | None:
        """At most `size` ids, newest first, that are older than the execution `after`. None if `after` is not in the
        list.
        """
        conditions, values = wanted.sql()
        age = ""
        if after:
            found = self._database.read(f"SELECT age FROM executions WHERE id = ? AND {conditions}", (after, *values))
            if not found:
                return None
            age = str(found[0][0])
        sql = f"SELECT id FROM executions WHERE {conditions} AND (? = '' OR age < ?) ORDER BY age DESC LIMIT ?"
        return [str(execution_id) for (execution_id,) in self._database.read(sql, (*values, age, age, size))]

    def count(self, wanted: ExecutionFilter) -> int:
        conditions, values = wanted.sql()
        ((count,),) = self._database.read(f"SELECT count(*) FROM executions WHERE {conditions}", values)
        return int(count)

    async def _persist(self, write: Write[None]) -> None:
        await persisted(self._database.write(write), lambda: self._database.write(write))

    def _column(self, name: str, execution_id: str) -> bytes:
        ((data,),) = self._database.read(f"SELECT {name} FROM executions WHERE id = ?", (execution_id,))
        return bytes(data)


def _tags(execution: AnyExecution) -> str:
    return json.dumps(list(execution.metadata.tags))


def _insert_event(db: sqlite3.Connection, execution_id: str, event: StoredEvent) -> None:
    if event.whole:
        # Intermediate versions are not needed any more; whole snapshots would grow quadratically.
        db.execute("DELETE FROM events WHERE execution = ?", (execution_id,))
    values = (execution_id, event.version, event.whole, event.data)
    db.execute("INSERT INTO events VALUES (?, ?, ?, ?)", values)


def summarize(execution: AnyExecution, resource: str, slug: str) -> Run:
    if isinstance(execution, AgentExecution):
        kind, message = AGENT.number, execution.spec.message
    else:
        kind, message = WORKFLOW.number, execution.spec.trigger_message
    return Run(
        kind=kind,
        id=execution.metadata.id,
        resource_id=resource,
        resource_slug=slug,
        phase=Phase(execution.status.phase).for_agent,
        message=message,
        created_at=created_at(execution),
    )
