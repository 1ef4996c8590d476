"""Point 38: servers that speak Anthropic's API nearly as it is. Each row is one, with its report if known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from stigmer_tui.api.phases import Phase
from stigmer_tui.api.structs import to_data
from stigmer_tui.core.configuration import ModelSettings
from tests.agents.conftest import Agents, assignment
from tests.agents.raw_provider import DONE, Reply, as_json, raw_provider, sse

MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": []}
START = {"type": "message_start", "message": {**MESSAGE, "usage": {"input_tokens": 5, "output_tokens": 1}}}
STOP = {"type": "message_stop"}
PING = {"type": "ping"}


def begins(index: int = 0, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def says(text: str, index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}


def argues(text: str, index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": "input_json_delta", "partial_json": text}}


def block_ends(index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def ends(reason: str = "end_turn", **usage: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage or {"output_tokens": 7}}


TEXT = begins(type="text", text="")
TOOL = begins(type="tool_use", id="a", name="ls", input={})
HI = (START, TEXT, says("Hi"), block_ends(), ends(), STOP)
LS = ("ls", {"path": "/"})


@dataclass(frozen=True)
class Way:
    what: str
    reply: Reply
    text: str = "Hi"
    calls: Sequence[tuple[str, dict[str, Any]]] = ()


def unnamed(*events: dict[str, Any]) -> Reply:
    """Events without the line of their name."""
    return sse(*(sse(event).pieces[0].partition(b"\n")[2].decode() for event in events))


WAYS = [
    Way("anthropic itself", sse(START, PING, *HI[1:])),
    Way("no names of events", unnamed(*HI)),
    Way("[DONE] at the end", sse(*HI, DONE)),
    Way("no message_stop", sse(*HI[:-1])),
    Way("no message_delta", sse(START, TEXT, says("Hi"), block_ends(), STOP)),
    Way(
        "no usage in message_delta, by MiniMax: pi issue 6567",
        sse(*HI[:4], {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}, STOP),
    ),
    Way("nulls in the usage: gptel pull 1331", sse(*HI[:4], ends(input_tokens=None, output_tokens=None), STOP)),
    Way("no usage at the start", sse({"type": "message_start", "message": MESSAGE}, *HI[1:])),
    Way("no message_start", sse(*HI[1:])),
    Way(
        "the text stands in the start of its block",
        sse(START, begins(type="text", text="Hi"), block_ends(), ends(), STOP),
    ),
    Way("no end of the block", sse(START, TEXT, says("Hi"), ends(), STOP)),
    Way(
        "thoughts without a signature",
        sse(
            START,
            begins(type="thinking", thinking=""),
            block_ends(),
            begins(1, type="text", text=""),
            says("Hi", 1),
            block_ends(1),
            ends(),
            STOP,
        ),
    ),
    Way("a stop reason of its own", sse(*HI[:4], ends("eos"), STOP)),
    Way(
        "input in pieces",
        sse(START, TOOL, argues('{"pa'), argues('th": "/"}'), block_ends(), ends("tool_use"), STOP),
        "",
        [LS],
    ),
    Way(
        "input at once",
        sse(
            START, begins(type="tool_use", id="a", name="ls", input={"path": "/"}), block_ends(), ends("tool_use"), STOP
        ),
        "",
        [LS],
    ),
    Way(
        "input null, and then in pieces",
        sse(
            START,
            begins(type="tool_use", id="a", name="ls", input=None),
            argues('{"path": "/"}'),
            block_ends(),
            ends("tool_use"),
            STOP,
        ),
        "",
        [LS],
    ),
    Way("no input", sse(START, TOOL, block_ends(), ends("tool_use"), STOP), "", [("ls", {})]),
    Way("end_turn after a call", sse(START, TOOL, argues('{"path": "/"}'), block_ends(), ends(), STOP), "", [LS]),
    Way(
        "a whole message instead of a stream",
        as_json(
            {
                **MESSAGE,
                "content": [{"type": "text", "text": "Hi"}],
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 5, "output_tokens": 7},
            }
        ),
    ),
    Way(
        "a whole message with a call",
        as_json(
            {
                **MESSAGE,
                "content": [{"type": "tool_use", "id": "a", "name": "ls", "input": {"path": "/"}}],
                "stop_reason": "tool_use",
            }
        ),
        "",
        [LS],
    ),
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.what)
async def test_38_ways_of_servers(agents: Agents, way: Way) -> None:
    done = sse(START, TEXT, says("Done."), block_ends(), ends(), STOP)
    async with raw_provider(way.reply, done) as server:
        agents.settings = ModelSettings(provider="anthropic", base_url=server.url)
        agents.environment = {**agents.environment, "ANTHROPIC_API_KEY": "key"}
        ledger = await agents.run(assignment())
    assert ledger.status.error == ""
    assert ledger.phase is Phase.COMPLETED
    assert ledger.answers == [text for text in (way.text, "Done." if way.calls else "") if text]
    assert [(call.name, to_data(call.args)) for call in ledger.calls] == list(way.calls)


ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}

ERRORS = [
    ("an error in the stream", sse(START, ERROR), "provider error 529 (529: Overloaded)"),
    ("an error with status 200", as_json(ERROR), "provider error 529 (529: Overloaded)"),
    ("an error in the words of another", as_json({"error": "no such route"}), "no such route"),
    (
        "a web page",
        Reply([b"<html><title>Login</title>"], "text/html"),
        "a web page (“Login”) at {url}; check the base URL",
    ),
    ("data of another kind", as_json({"models": []}), 'data that is not a message: {{"models": []}} at {url}'),
]


@pytest.mark.parametrize(("reply", "words"), [row[1:] for row in ERRORS], ids=[row[0] for row in ERRORS])
async def test_38_the_words_of_the_provider_are_kept(agents: Agents, reply: Reply, words: str) -> None:
    async with raw_provider(reply) as server:
        agents.settings = ModelSettings(provider="anthropic", base_url=server.url)
        agents.environment = {**agents.environment, "ANTHROPIC_API_KEY": "key"}
        ledger = await agents.run(assignment())
    assert ledger.phase is Phase.FAILED
    assert words.format(url=server.url) in ledger.status.error.replace(", retried twice", "")
