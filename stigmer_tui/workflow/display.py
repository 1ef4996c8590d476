"""Values of a run as they are reported: without secrets, and no larger or deeper than a report can bear."""

from __future__ import annotations

import json
from typing import Any

from google.protobuf.struct_pb2 import Struct

from stigmer_tui.api.structs import to_struct
from stigmer_tui.core.units import size_text
from stigmer_tui.workflow.secrets import SecretMarks

MAX_SIZE = 64_000
"""Characters of the input or output of a task that are reported."""

MAX_DEPTH = 20
"""Levels; receivers of protobuf messages give up at about thirty."""


def excerpt(text: str, most: int = 60) -> str:
    """As much of a text as an error message can bear, on one line."""
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[:most]}…"


def shown(value: Any, secrets: SecretMarks) -> Struct:
    """Of a task. What is too much is cut, and says so; the data itself stay whole."""
    value = secrets.hide(value)
    if not fits(value, MAX_SIZE):
        text = json.dumps(value, ensure_ascii=False)
        note = f"{size_text(len(text))} of JSON, or more than {MAX_DEPTH} levels: this is the beginning of its text"
        value = {"note": note, "text": text[:MAX_SIZE]}
    return _struct(value)


def result(value: Any, secrets: SecretMarks) -> Struct:
    """Of an execution: whole, however large."""
    value = secrets.hide(value)
    if not fits(value):
        value = {
            "note": f"more than {MAX_DEPTH} levels: this is its text",
            "text": json.dumps(value, ensure_ascii=False),
        }
    return _struct(value)


def _struct(value: Any) -> Struct:
    return to_struct(value if isinstance(value, dict) else {"result": value})


def fits(value: Any, room: float = float("inf"), levels: int = MAX_DEPTH) -> bool:
    """Whether a value is that small and flat. Looks at no more of it than it takes to know."""
    waiting = [(value, 1)]
    while waiting and room >= 0:
        item, level = waiting.pop()
        if level > levels:
            return False
        match item:
            case str():
                room -= len(item)
            case dict():
                room -= sum(len(key) + 4 for key in item)
                waiting += [(below, level + 1) for below in item.values()]
            case list():
                room -= len(item)
                waiting += [(below, level + 1) for below in item]
            case _:
                room -= 4
    return room >= 0
