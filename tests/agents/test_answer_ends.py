"""Points 16 and 35: half an answer is never a whole one, whatever cut it; and what failed in passing is asked again."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from stigmer_tui.agents.models import checked_stream
from stigmer_tui.agents.models.anthropic_message import MESSAGES
from stigmer_tui.agents.models.chat_completion import CHAT_COMPLETIONS
from stigmer_tui.agents.models.checked_stream import CheckedStream
from stigmer_tui.agents.models.direct_calls import WireFormat
from stigmer_tui.agents.models.faults import StalledError, fault_in
from stigmer_tui.api.phases import Phase
from stigmer_tui.core.configuration import ModelSettings
from tests.agents.conftest import Agents, assignment
from tests.agents.ledger import Ledger
from tests.agents.provider_server import WIRES, Answer
from tests.agents.raw_provider import RawProvider, Reply, as_json, raw_provider

every_provider = pytest.mark.parametrize("provider", WIRES)


async def run(agents: Agents, provider: str, *replies: Reply) -> tuple[Ledger, RawProvider]:
    async with raw_provider(*replies) as server:
        agents.settings = ModelSettings(
            provider=provider, base_url=f"{server.url}/v1" if provider != "anthropic" else server.url
        )
        agents.environment = {**agents.environment, "STIGMER_LLM_API_KEY": "key"}
        return await agents.run(assignment()), server


def events(provider: str, *texts: str) -> list[bytes]:
    return [event.encode() for event in WIRES[provider](Answer(texts))]


def first_words(provider: str) -> list[bytes]:
    """Of an answer, without its end."""
    whole = events(provider, "Once ", "upon ")
    return whole[: next(number for number, event in enumerate(whole, 1) if b"upon " in event)]


def waits(ledger: Ledger) -> list[str]:
    """What people were told while they waited for the model."""
    return [report.waiting.reason for report in ledger.reports if report.waiting.reason]


@every_provider
async def test_16_an_answer_without_an_end_has_failed_and_its_part_is_kept(agents: Agents, provider: str) -> None:
    ledger, server = await run(agents, provider, Reply(first_words(provider)))
    assert ledger.phase is Phase.FAILED
    assert ledger.answers == ["Once upon "]
    assert f"was cut off in the middle of an answer at {server.url}" in ledger.status.error
    assert len(server.bodies) == 1


@every_provider
@pytest.mark.parametrize("sent", [0, 1])
async def test_16_an_answer_that_ends_before_it_said_anything_is_asked_for_again(
    agents: Agents, provider: str, sent: int
) -> None:
    nothing = Reply(events(provider, "")[:sent])
    ledger, server = await run(agents, provider, nothing, nothing, Reply(events(provider, "Hi")))
    assert (ledger.phase, ledger.answers) == (Phase.COMPLETED, ["Hi"])
    assert len(server.bodies) == 3


@every_provider
async def test_16_one_that_never_says_anything_is_given_up(agents: Agents, provider: str) -> None:
    ledger, server = await run(agents, provider, Reply())
    assert ledger.phase is Phase.FAILED
    assert ledger.status.error.endswith(", retried twice; run it again")
    assert len(server.bodies) == 3


@every_provider
async def test_16_a_call_that_is_cut_is_not_made(agents: Agents, provider: str) -> None:
    call = ("c1", "write_file", {"file_path": "/a.txt", "content": "milk"})
    whole = [event.encode() for event in WIRES[provider](Answer(calls=[call]))]
    cut = next(number for number, event in enumerate(whole, 1) if b"write_file" in event)
    ledger, _ = await run(agents, provider, Reply(whole[:cut]))
    assert ledger.phase is Phase.FAILED
    assert not (agents.folder / "a.txt").exists()
    assert "was cut off" in ledger.status.error


@every_provider
async def test_35_a_finish_reason_is_an_end_also_on_a_connection_that_breaks_then(
    agents: Agents, provider: str
) -> None:
    last = -1 if provider == "anthropic" else -2
    headers = {"content-length": "100000"}
    ledger, _ = await run(agents, provider, Reply(events(provider, "Hi")[:last], headers=headers))
    assert (ledger.phase, ledger.answers) == (Phase.COMPLETED, ["Hi"])


@every_provider
async def test_35_a_connection_that_stays_open_after_the_end_is_not_waited_for(
    agents: Agents, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checked_stream, "TRAILING_LIMIT", 0.01)
    last = len(events(provider, "Hi")) if provider == "anthropic" else -2
    ledger, _ = await run(agents, provider, Reply(events(provider, "Hi")[:last], stays_open=True))
    assert (ledger.phase, ledger.answers) == (Phase.COMPLETED, ["Hi"])


@every_provider
async def test_16_an_answer_that_stalls_is_a_timeout_that_says_so(
    agents: Agents, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checked_stream, "NEXT_OUTPUT_LIMIT", 0.01)
    ledger, server = await run(agents, provider, Reply(first_words(provider), stays_open=True))
    assert ledger.phase is Phase.FAILED
    assert ledger.answers == ["Once upon "]
    assert f"timed out: it sent nothing for 0 s at {server.url}" in ledger.status.error


@every_provider
async def test_16_a_model_that_never_speaks_is_a_timeout_and_not_asked_again(
    agents: Agents, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checked_stream, "FIRST_OUTPUT_LIMIT", 0.01)
    ledger, server = await run(agents, provider, Reply(stays_open=True))
    assert "timed out: it sent nothing" in ledger.status.error
    assert len(server.bodies) == 1


GZIP: Mapping[str, str] = {"content-encoding": "gzip"}


@every_provider
async def test_35_a_compressed_answer_is_read(agents: Agents, provider: str) -> None:
    body = gzip.compress(b"".join(events(provider, "Hi")))
    ledger, _ = await run(agents, provider, Reply([body[:20], body[20:]], headers=GZIP))
    assert (ledger.phase, ledger.answers) == (Phase.COMPLETED, ["Hi"])


@every_provider
async def test_35_a_compressed_answer_that_is_cut_has_failed(agents: Agents, provider: str) -> None:
    body = gzip.compress(b"".join(events(provider, *(f"word{number} " for number in range(500)))))
    ledger, _ = await run(agents, provider, Reply([body[: len(body) // 2]], headers=GZIP))
    assert ledger.phase is Phase.FAILED
    assert ledger.answers[0].startswith("word0 ")
    assert "was cut off" in ledger.status.error


async def test_35_what_is_wrong_after_the_end_of_the_stream_does_not_matter() -> None:
    compressor = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    whole = compressor.compress(b"".join(events("openai", "Hi"))) + compressor.flush(zlib.Z_SYNC_FLUSH)
    request = httpx2.Request("POST", "http://127.0.0.1/")
    damaged = Pings(whole, b"\xff" * 20)
    response = httpx2.Response(200, request=request, headers=GZIP, stream=damaged)
    stream = CheckedStream(response, CHAT_COMPLETIONS.reader(response), CHAT_COMPLETIONS.failure)
    chunks = [chunk async for chunk in stream]
    assert [chunk.choices[0].delta.content for chunk in chunks] == ["Hi", None]


async def test_35_a_whole_completion_that_is_cut_is_asked_for_again(agents: Agents) -> None:
    cut = Reply([b'{"choices": [{"message": {"content": "Once'], "application/json")
    ledger, _ = await run(agents, "openai", cut, Reply(events("openai", "Hi")))
    assert (ledger.phase, ledger.answers) == (Phase.COMPLETED, ["Hi"])


FAILURE = {"type": "error", "error": {"type": "api_error", "message": "oops"}}


@every_provider
@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (429, "rate limited (429), retry in 0 s"),
        (500, "provider error 500, retry in 0 s"),
        (503, "provider error 503, retry in 0 s"),
    ],
)
async def test_27_a_passing_failure_is_asked_again_and_people_are_told(
    agents: Agents, provider: str, status: int, reason: str
) -> None:
    ledger, _ = await run(agents, provider, as_json(FAILURE, status), Reply(events(provider, "Hi")))
    assert (ledger.phase, ledger.answers) == (Phase.COMPLETED, ["Hi"])
    assert waits(ledger) == [reason]


@every_provider
async def test_27_a_failure_that_stays_says_how_often_it_was_asked(agents: Agents, provider: str) -> None:
    ledger, server = await run(agents, provider, as_json(FAILURE, 500))
    assert ": provider error 500, retried twice (500: oops)" in ledger.status.error
    assert len(server.bodies) == 3


@every_provider
async def test_a_provider_that_asks_for_a_long_pause_is_not_asked_again(agents: Agents, provider: str) -> None:
    limited = Reply(as_json(FAILURE).pieces, "application/json", {"retry-after": "3600"}, 429)
    ledger, server = await run(agents, provider, limited)
    assert ": rate limited (429), retry in 3600 s (429: oops)" in ledger.status.error
    assert len(server.bodies) == 1


class Pings(httpx2.AsyncByteStream):
    """A body that goes on for ever and says nothing."""

    def __init__(self, first: bytes, ping: bytes) -> None:
        self._first = first
        self._ping = ping

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._first
        while True:
            await asyncio.sleep(0)
            yield self._ping


@pytest.mark.parametrize(
    ("wire_format", "ping"),
    [(MESSAGES, b'event: ping\ndata: {"type": "ping"}\n\n'), (CHAT_COMPLETIONS, b": ping\n\n")],
)
async def test_a_server_that_only_says_that_it_is_there_has_stalled(
    wire_format: WireFormat[Any], ping: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checked_stream, "FIRST_OUTPUT_LIMIT", 0.01)
    request = httpx2.Request("POST", "http://127.0.0.1/")
    response = httpx2.Response(200, request=request, stream=Pings(b"", ping))
    with pytest.raises((openai.APITimeoutError, anthropic.APITimeoutError)) as failure:
        async for _ in CheckedStream(response, wire_format.reader(response), wire_format.failure):
            pass
    assert isinstance(fault_in(failure.value), StalledError)
