"""`R`: a person reads what a model was really asked, and what filled its context."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from textual.pilot import Pilot

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.tui.screens.model_request import ModelRequestScreen
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, RunState
from stigmer_tui.workbench.model_requests import SentRequest
from stigmer_tui.workbench.nodes import PutNode
from stigmer_tui.workbench.state import RunInput, ShownRun
from stigmer_tui.workbench.usage import ModelCall, Usage
from tests.tui import states
from tests.tui.hands import press, settle
from tests.tui.stage import StagedApp
from tests.tui.workbench import screen_text

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CALLS = tuple(
    ModelCall(f"turn/{number}", "openai gpt", NOON, NOON, 4_000, 0, 96, 0.0123, context_window=10_000)
    for number in range(2)
)
MESSAGES = [
    {"role": "user", "content": "What is\x1b[31m there?"},
    {"role": "assistant", "content": "line\n" * 100},
    {"role": "tool", "content": "tea.md"},
]


def request(number: int) -> SentRequest:
    body: dict[str, Any] = {"model": "gpt", "messages": MESSAGES[: 1 if number == 1 else 3]}
    return SentRequest(CALLS[number - 1], body, json.dumps(body), "http://model", "KEY")


@asynccontextmanager
async def reading(*calls: ModelCall, error: str = "") -> AsyncIterator[tuple[StagedApp, Pilot[int]]]:
    execution = Execution(ResourceKind.AGENT, "agx_1", "helper", "Hi", RunState.COMPLETED)
    execution.apply(PutNode(replace(execution.root, usage=Usage(calls)), ()))
    app = StagedApp(replace(states.LISTED, shown=ShownRun(execution, states.HELPER, RunInput("Hi"), 1)))

    async def model_request(execution_id: str, number: int) -> SentRequest:
        if error:
            raise StigmerError(error)
        return request(number)

    app.stage.model_request = model_request  # type: ignore[method-assign]
    async with app.run_test(size=(120, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "2", "R")
        await app.workers.wait_for_complete()
        await settle(pilot)
        yield app, pilot


async def test_the_last_request_is_shown_first_from_what_is_new_in_it() -> None:
    async with reading(*CALLS) as (app, pilot):
        text = screen_text(app)
        assert "Request 2 of 2 · helper · openai gpt" in text
        assert "4.0 k in, 96 out, $0.0123" in text
        assert "ctx 41 %  ▇" in text
        assert "assistant  new" in text
        assert "What is" not in text
        await press(pilot, "n")
        assert "result  new" in screen_text(app)
        await press(pilot, "g")
        assert "What is" in screen_text(app)
        await press(pilot, "left")
        await app.workers.wait_for_complete()
        await settle(pilot)
        assert "Request 1 of 2" in screen_text(app)
        assert "new" not in screen_text(app).partition("n next new")[0]
        await press(pilot, "left")
        assert "Request 1 of 2" in screen_text(app)
        await press(pilot, "escape")
        assert not isinstance(app.screen, ModelRequestScreen)


async def test_it_is_copied_as_a_command_without_its_key() -> None:
    async with reading(CALLS[0]) as (app, pilot):
        await press(pilot, "y")
        assert "Copied as a command of curl" in screen_text(app)
        (copied,) = app.copied
        assert "$KEY" in copied


async def test_what_cannot_be_read_is_said() -> None:
    async with reading(CALLS[0], error="The server is gone") as (app, _):
        assert "The server is gone" in screen_text(app)


async def test_where_no_model_was_asked_a_notice_says_so() -> None:
    async with reading() as (app, _):
        assert not isinstance(app.screen, ModelRequestScreen)
        assert "No model was asked in this run" in screen_text(app)
