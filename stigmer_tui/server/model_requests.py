"""Requests to models, as they were sent: each piece of them is kept once, however many requests have it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from stigmer_tui.api.model_call_pb2 import KeptRequest, ModelRequest, ModelRequestQuery, RequestField
from stigmer_tui.api.model_calls import read_model_calls
from stigmer_tui.core.sqlite import Database, outcome
from stigmer_tui.server.errors import not_found
from stigmer_tui.server.executions import Executions, LiveExecution


class ModelRequests:
    def __init__(self, database: Database, executions: Executions) -> None:
        self._database = database
        self._executions = executions

    async def keep(self, live: LiveExecution, requests: Sequence[KeptRequest]) -> None:
        """Keeps requests, each in place of an earlier one of the same call. Returns when they are durable."""
        if requests:
            await outcome(self._database.write(partial(_write, live.id, requests)))

    async def request(self, query: ModelRequestQuery) -> ModelRequest:
        live = self._executions.open(query.execution_id)
        calls = read_model_calls(live.state.execution.metadata.annotations)
        name = f"{query.number} of execution {live.id}, which has {len(calls)}"
        if query.number > len(calls):
            raise not_found("model request", name)
        call = calls[query.number - 1]
        rows = self._database.read(
            "SELECT data FROM model_requests WHERE execution = ? AND call = ?", (live.id, call.id)
        )
        if not rows:
            raise not_found("model request", f"{query.number} of execution {live.id}, whose request was not kept")
        kept = KeptRequest.FromString(rows[0][0])
        contents = self._contents(live.id)
        return ModelRequest(
            call=call,
            url=kept.url,
            key_variable=kept.key_variable,
            headers=kept.headers,
            body=_object(kept.fields, contents),
            exchange=_object(kept.exchange, contents) if kept.exchange else "",
        )

    def _contents(self, execution: str) -> dict[str, str]:
        """All pieces of an execution by their hashes."""
        sql = (
            "SELECT hash, content FROM request_pieces WHERE hash IN "
            "(SELECT hash FROM request_piece_uses WHERE execution = ?)"
        )
        return dict(self._database.read(sql, (execution,)))


def _write(execution: str, requests: Sequence[KeptRequest], db: sqlite3.Connection) -> None:
    for request in requests:
        used = {piece for field in (*request.fields, *request.exchange) for piece in field.pieces}
        without_pieces = KeptRequest()
        without_pieces.CopyFrom(request)
        without_pieces.ClearField("pieces")
        data = without_pieces.SerializeToString()
        db.executemany("INSERT OR IGNORE INTO request_pieces VALUES (?, ?)", request.pieces.items())
        db.executemany("INSERT OR IGNORE INTO request_piece_uses VALUES (?, ?)", [(piece, execution) for piece in used])
        db.execute("INSERT OR REPLACE INTO model_requests VALUES (?, ?, ?)", (execution, request.call_id, data))


def _object(fields: Iterable[RequestField], contents: Mapping[str, str]) -> str:
    """A JSON object of its fields."""

    def value(field: RequestField) -> str:
        pieces = [contents.get(piece, "null") for piece in field.pieces]
        return f"[{', '.join(pieces)}]" if field.is_list else pieces[0]

    return f"{{{', '.join(f'{json.dumps(field.name)}: {value(field)}' for field in fields)}}}"
