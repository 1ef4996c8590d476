"""Entries as plain text, for the clipboard."""

from __future__ import annotations

from typing import Any

import pytest

from stigmer_tui.workbench.entries import EndEntry, Entry, GroupEntry, MessageEntry, NodeEntry, raw_arguments, text_of
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.nodes import Message, Node, NodeKind, Role
from tests.workbench.trees import task, tool_call

PLACE: Any = {"key": b"", "revision": 0, "depth": 0, "has_gap": False}


def of_node(node: Node) -> Entry:
    return NodeEntry(node=node, **PLACE)


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (
            MessageEntry(message=Message(Role.AGENT, "Hello"), has_heading=True, is_growing=False, **PLACE),
            "Hello",
        ),
        (GroupEntry(name="2/", state=RunState.RUNNING, started_at=None, completed_at=None, **PLACE), "2/"),
        (
            EndEntry(state=RunState.FAILED, error="It failed", output={"ü": [1]}, **PLACE),
            '{\n  "ü": [\n    1\n  ]\n}\n\nIt failed',
        ),
        (EndEntry(state=RunState.CANCELLED, error="", output=None, **PLACE), ""),
        (
            of_node(tool_call("c", "look", {"a": 1}, result="found", error="late")),
            'look {\n  "a": 1\n}\n\nfound\n\nlate',
        ),
        (of_node(tool_call("c", "look")), "look {}"),
        (of_node(tool_call("c", "look", {"": "no {json"})), "look no {json"),
        (of_node(tool_call("c", "look", {"": 1})), 'look {\n  "": 1\n}'),
        (
            of_node(Node("s", NodeKind.SUB_AGENT, "helper", input="ask", output="answer", error="late")),
            "helper\n\nask\n\nanswer\n\nlate",
        ),
        (of_node(Node("s", NodeKind.SUB_AGENT, "helper")), "helper"),
        (
            of_node(task("/fetch", "fetch", detail="GET a", input=[], output=2, error="late")),
            "/fetch GET a\n\n[]\n\n2\n\nlate",
        ),
        (of_node(task("/fetch", "fetch", output=object)), "/fetch\n\n\"<class 'object'>\""),
    ],
)
def test_all_of_an_entry_is_copied(entry: Entry, text: str) -> None:
    assert text_of(entry) == text


def test_what_is_no_entry_has_no_text() -> None:
    with pytest.raises(TypeError):
        text_of(Entry(**PLACE))


@pytest.mark.parametrize(
    ("given", "raw"), [({"": "text"}, "text"), ({"": "text", "a": 1}, None), ({"": 1}, None), ({}, None), (None, None)]
)
def test_arguments_that_are_no_json_are_known(given: Any, raw: str | None) -> None:
    assert raw_arguments(Node("c", NodeKind.TOOL_CALL, "look", input=given)) == raw
