"""Requests in pieces: what a request repeats is neither sent nor redacted again, unless a secret has become known."""

from __future__ import annotations

import json

from stigmer_tui.agents.models.choice import SCRIPTED
from stigmer_tui.agents.models.kept_requests import RequestPieces
from stigmer_tui.agents.models.requests import SentRequest
from stigmer_tui.core.redaction import REDACTED, Redactor


def sent(*messages: str) -> SentRequest:
    return SentRequest("http://localhost", {}, {"model": "m", "messages": list(messages)})


def test_only_what_is_new_comes_along() -> None:
    pieces = RequestPieces(Redactor())
    first = pieces.of("turn/0", sent("a"), SCRIPTED)
    second = pieces.of("turn/1", sent("a", "b"), SCRIPTED, {"say": "b"})
    assert set(first.pieces.values()) == {'"m"', '"a"'}
    assert set(second.pieces.values()) == {'"b"'}
    of_first, of_second = (request.fields[1].pieces for request in (first, second))
    assert of_second[:1] == of_first and len(of_second) == 2
    assert second.exchange[0].pieces == of_second[1:]


def test_what_has_changed_in_its_place_is_taken_anew() -> None:
    pieces = RequestPieces(Redactor())
    pieces.of("turn/0", sent("a", "b"), SCRIPTED)
    assert set(pieces.of("turn/1", sent("c", "b"), SCRIPTED).pieces.values()) == {'"c"'}


def test_a_secret_that_becomes_known_is_hidden_from_then_on() -> None:
    redactor = Redactor()
    pieces = RequestPieces(redactor)
    pieces.of("turn/0", sent("the hidden-word"), SCRIPTED)
    redactor.add(["hidden-word"])
    [content] = pieces.of("turn/1", sent("the hidden-word"), SCRIPTED).pieces.values()
    assert json.loads(content) == f"the {REDACTED}"
