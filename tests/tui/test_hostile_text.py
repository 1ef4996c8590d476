"""Point 36: whatever the texts of a state contain, the screen is sent no control character of theirs."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from enum import Enum
from typing import Any

import pytest

from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKey
from stigmer_tui.workbench.nodes import NodeKind, PutMessage, PutNode
from stigmer_tui.workbench.state import Level, Notice, RunInput, Value, WorkbenchState
from tests.tui import states
from tests.tui.hands import press, settle
from tests.tui.stage import StagedApp

HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m\x00\x08\u202e\r"

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

KEPT = {"slug", "id", "parent", "child", "defines"}
"""Fields by which one thing refers to another."""


def poisoned(value: Any, name: str = "") -> Any:
    """The same with hostile characters in each of its texts."""
    match value:
        case Enum() | ResourceKey():
            return value
        case str():
            return value if name in KEPT else value[:1] + HOSTILE + value[1:]
        case tuple() | list() | frozenset():
            return type(value)(poisoned(item, name) for item in value)
        case dict():
            return {key: poisoned(item, name) for key, item in value.items()}
        case Execution():
            for key, node in list(value.nodes()):
                value.apply(PutNode(poisoned(node), key[:-1]))
                if node.kind is NodeKind.RUN:
                    for index, message in enumerate(value.messages(key)):
                        value.apply(PutMessage(index, poisoned(message), key))
            return value
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = [field.name for field in dataclasses.fields(value) if field.init]
            return dataclasses.replace(value, **{name: poisoned(getattr(value, name), name) for name in fields})
        case _:
            return value


def texts(app: StagedApp) -> list[str]:
    return [segment.text for strip in app.screen._compositor.render_strips() for segment in strip]


STATES: list[Callable[[], WorkbenchState]] = [
    states.running_workflow,
    states.failed_agent,
    states.completed_agent,
    states.broken_code,
    states.broken_from_the_start,
    states.broken_daemon,
    states.unreachable_server,
    states.lost_daemon,
]


@pytest.mark.parametrize("state", STATES)
async def test_the_workbench(state: Callable[[], WorkbenchState]) -> None:
    app = StagedApp(poisoned(state()))
    async with app.run_test(size=(160, 48)) as pilot:
        for keys in ((), ("2", "k", "enter"), ("t",), ("1", "down")):
            await press(pilot, *keys)
            await settle(pilot)
            assert not [text for text in texts(app) if CONTROL.search(text)]


@pytest.mark.parametrize("key", ["e", "ctrl+p", "q", "question_mark"])
async def test_what_opens_over_it(key: str) -> None:
    value = Value(HOSTILE)
    hostile_input = RunInput(f"message {HOSTILE}", {"REGION": value, "EXTRA": value})
    app = StagedApp(poisoned(states.running_workflow()), dict.fromkeys(("tally", "settle-orders"), hostile_input))
    app.stage.unfinished_runs = [poisoned(states.RUNS[0])]
    async with app.run_test(size=(160, 48)) as pilot:
        await press(pilot, "down", key)
        await settle(pilot)
        assert len(app.screen_stack) == 2
        assert not [text for text in texts(app) if CONTROL.search(text)]


async def test_notices() -> None:
    app = StagedApp(states.LISTED)
    async with app.run_test(size=(160, 48)) as pilot:
        app.notify(f"toast {HOSTILE}", markup=False)
        app.put(notices=(Notice(f"notice {HOSTILE}", Level.ERROR, 1),))
        await settle(pilot)
        await app.run_action("notices")
        await settle(pilot)
        shown = texts(app)
        assert any("notice" in text for text in shown)
        assert not [text for text in shown if CONTROL.search(text)]
