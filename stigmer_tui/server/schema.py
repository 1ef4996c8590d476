"""The tables of the server's database. A new version is a new script at the end; those before it never change."""

from __future__ import annotations

import json
import sqlite3

from stigmer_tui.api.agent_execution_pb2 import AgentExecution
from stigmer_tui.api.kinds import AGENT_EXECUTION
from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecution


def fill_in_tags(db: sqlite3.Connection) -> None:
    """Migrates executions stored before tags had a column."""
    for execution_id, kind in db.execute("SELECT id, kind FROM executions").fetchall():
        (data,) = db.execute("SELECT data FROM executions WHERE id = ?", (execution_id,)).fetchone()
        message = AgentExecution if kind == AGENT_EXECUTION.number else WorkflowExecution
        if tags := message.FromString(data).metadata.tags:
            db.execute("UPDATE executions SET tags = ? WHERE id = ?", (json.dumps(list(tags)), execution_id))


MIGRATIONS = (
    """
    CREATE TABLE resources (
        kind INTEGER NOT NULL,
        id TEXT NOT NULL,
        org TEXT NOT NULL,
        slug TEXT NOT NULL,
        parent TEXT NOT NULL,          -- id of the agent, workflow or instance that this one belongs to
        data BLOB NOT NULL,
        PRIMARY KEY (kind, id)
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX resource_by_slug ON resources (kind, org, slug);
    CREATE INDEX resource_by_parent ON resources (kind, parent);

    CREATE TABLE skill_versions (
        skill TEXT NOT NULL,
        pushed INTEGER NOT NULL,       -- counts the pushes of all skills
        hash TEXT NOT NULL,
        tag TEXT NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (skill, pushed)
    ) WITHOUT ROWID;

    CREATE TABLE executions (
        id TEXT PRIMARY KEY,
        age TEXT NOT NULL,             -- the id without its prefix: sorts by creation, across kinds
        kind INTEGER NOT NULL,
        org TEXT NOT NULL,
        resource TEXT NOT NULL,        -- id of the agent or workflow
        session TEXT NOT NULL,
        parent TEXT NOT NULL,          -- id of the execution that started this one
        parent_key TEXT NOT NULL,      -- what the parent calls it; unique within the parent
        phase INTEGER NOT NULL,
        version INTEGER NOT NULL,      -- of data
        data BLOB NOT NULL,
        assignment BLOB NOT NULL,      -- what a runner needs besides
        summary BLOB NOT NULL,         -- a line of the catalogue
        cancelled TEXT NOT NULL        -- reason of a pending cancellation, or empty
    ) WITHOUT ROWID;
    CREATE INDEX execution_by_age ON executions (age);
    CREATE INDEX execution_by_resource ON executions (resource, age);
    CREATE INDEX execution_by_session ON executions (session, age);
    CREATE INDEX execution_by_phase ON executions (phase);
    CREATE UNIQUE INDEX execution_by_parent ON executions (parent, parent_key) WHERE parent != '';

    CREATE TABLE events (
        execution TEXT NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
        version INTEGER NOT NULL,
        whole INTEGER NOT NULL,        -- 1 for a whole execution, 0 for a delta
        data BLOB NOT NULL,
        PRIMARY KEY (execution, version)
    ) WITHOUT ROWID;

    CREATE TABLE secrets (
        owner TEXT NOT NULL,           -- id of a resource or an execution
        name TEXT NOT NULL,
        value BLOB NOT NULL,           -- encrypted
        PRIMARY KEY (owner, name)
    ) WITHOUT ROWID
    """,
    """
    ALTER TABLE executions ADD COLUMN request TEXT NOT NULL DEFAULT '';  -- idempotency key of the client
    CREATE UNIQUE INDEX execution_by_request ON executions (request) WHERE request != ''
    """,
    """
    ALTER TABLE executions ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';  -- JSON
    CREATE INDEX execution_by_kind ON executions (kind, age);
    CREATE INDEX execution_by_kind_and_phase ON executions (kind, phase, age)
    """,
    fill_in_tags,
    """
    CREATE TABLE approvals (
        execution TEXT NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
        call TEXT NOT NULL,            -- id of a tool call
        decision BLOB NOT NULL,
        PRIMARY KEY (execution, call)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE model_requests (
        execution TEXT NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
        call TEXT NOT NULL,
        data BLOB NOT NULL,            -- everything but the pieces
        PRIMARY KEY (execution, call)
    ) WITHOUT ROWID;
    CREATE TABLE request_pieces (
        hash TEXT PRIMARY KEY,
        content TEXT NOT NULL          -- JSON
    ) WITHOUT ROWID;
    CREATE TABLE request_piece_uses (
        hash TEXT NOT NULL,
        execution TEXT NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
        PRIMARY KEY (hash, execution)
    ) WITHOUT ROWID;
    CREATE INDEX request_piece_use_by_execution ON request_piece_uses (execution);
    CREATE TRIGGER unused_request_piece AFTER DELETE ON request_piece_uses
    WHEN NOT EXISTS (SELECT 1 FROM request_piece_uses WHERE hash = OLD.hash)
    BEGIN
        DELETE FROM request_pieces WHERE hash = OLD.hash;
    END
    """,
    """
    CREATE TABLE attached_files (
        hash TEXT PRIMARY KEY,         -- SHA-256
        content BLOB NOT NULL
    );
    CREATE TABLE attached_file_uses (
        hash TEXT NOT NULL,
        execution TEXT NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
        PRIMARY KEY (hash, execution)
    ) WITHOUT ROWID;
    CREATE INDEX attached_file_use_by_execution ON attached_file_uses (execution);
    CREATE TRIGGER unused_attached_file AFTER DELETE ON attached_file_uses
    WHEN NOT EXISTS (SELECT 1 FROM attached_file_uses WHERE hash = OLD.hash)
    BEGIN
        DELETE FROM attached_files WHERE hash = OLD.hash;
    END
    """,
)
