"""Requests to models in pieces, without secrets: the server keeps each piece once, by its hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stigmer_tui.agents.models.choice import ModelChoice
from stigmer_tui.agents.models.requests import SentRequest
from stigmer_tui.api.model_call_pb2 import KeptRequest, RequestField
from stigmer_tui.core.redaction import Redactor


@dataclass(frozen=True, slots=True)
class _Piece:
    raw: Any
    digest: str


class RequestPieces:
    """Of one agent in one run. A request repeats most of the one before, which is not redacted and hashed again."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._known_secrets = redactor.size
        self._fields: dict[str, list[_Piece]] = {}
        """Of the request before."""
        self._given: set[str] = set()
        """Hashes of the pieces that the server has been given."""

    def of(
        self, call_id: str, sent: SentRequest, choice: ModelChoice, answered: Mapping[str, Any] | None = None
    ) -> KeptRequest:
        """A request: for each of its keys the hash of its value, and of a list that of each item; with the pieces that
        are new. `answered` is its exchange; None where there was no answer.
        """
        if self._known_secrets != self._redactor.size:
            # What was harmless before may hold a secret.
            self._known_secrets, self._fields = self._redactor.size, {}
        kept = KeptRequest(
            call_id=call_id,
            url=self._redactor.text(sent.url),
            key_variable=choice.key_variable,
            headers=sent.headers,
        )
        hide_key = Redactor([choice.key])
        kept.fields.extend(self._taken("sent", sent.body, hide_key, kept))
        if answered is not None:
            kept.exchange.extend(self._taken("exchange", answered, hide_key, kept))
        self._given |= kept.pieces.keys()
        return kept

    def _taken(
        self, part: str, data: Mapping[str, Any], hide_key: Redactor, kept: KeptRequest
    ) -> Iterator[RequestField]:
        for name, value in data.items():
            is_list = isinstance(value, list)
            before = self._fields.get(f"{part}/{name}", [])
            pieces: list[_Piece] = []
            for number, item in enumerate(value if is_list else [value]):
                if number < len(before) and before[number].raw == item:
                    pieces.append(before[number])
                else:
                    pieces.append(_Piece(item, self._kept(self._redactor.data(hide_key.data(item)), kept)))
            self._fields[f"{part}/{name}"] = pieces
            yield RequestField(name=name, pieces=[piece.digest for piece in pieces], is_list=is_list)

    def _kept(self, value: Any, kept: KeptRequest) -> str:
        """The hash of a value, whose JSON is put among the pieces if the server does not have it."""
        content = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        encoded = content.encode("utf-8", "backslashreplace")
        digest = hashlib.sha256(encoded).hexdigest()
        if digest not in self._given:
            kept.pieces[digest] = encoded.decode()
        return digest
