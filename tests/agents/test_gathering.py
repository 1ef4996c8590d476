"""What is gathered of a stream, and what is not: the order, the first text, the end and errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from stigmer_tui.agents.models.gathering import MAX_AHEAD, GatheredOutput, Output, TextDelta


def said(text: str, key: str = "content") -> TextDelta:
    return TextDelta(key, text, lambda whole: f"{key}:{whole}\n".encode())


async def stream(*steps: Output | asyncio.Event | Exception) -> AsyncIterator[Output]:
    """Gives what is given, waits for events, and raises errors."""
    for step in steps:
        match step:
            case asyncio.Event():
                await step.wait()
            case Exception():
                raise step
            case _:
                yield step


async def gathered(steps: Sequence[Output]) -> list[bytes]:
    return await rest(aiter(GatheredOutput(stream(*steps))))


async def rest(events: AsyncIterator[bytes]) -> list[bytes]:
    """All events, however they come together."""
    return b"".join([piece async for piece in events]).splitlines()


async def test_texts_that_arrive_together_are_one() -> None:
    assert await gathered([said("Good "), said("morning"), said(".")]) == [b"content:Good morning."]


async def test_the_order_stays_and_what_differs_is_apart() -> None:
    steps: list[Output] = [said("a", "reasoning"), said("b"), said("c"), b"call\n", said("d"), b"end\n"]
    assert await gathered(steps) == [b"reasoning:a", b"content:bc", b"call", b"content:d", b"end"]


async def test_the_first_text_does_not_wait_for_the_next() -> None:
    more = asyncio.Event()
    events = aiter(GatheredOutput(stream(said("a"), more, said("b"))))
    assert await anext(events) == b"content:a\n"
    more.set()
    assert await rest(events) == [b"content:b"]


async def test_an_error_comes_after_what_came_before_it() -> None:
    events = aiter(GatheredOutput(stream(said("a"), ValueError("cut"))))
    assert await anext(events) == b"content:a\n"
    with pytest.raises(ValueError, match="cut"):
        await anext(events)


async def test_a_reader_that_is_slow_is_not_overrun() -> None:
    piece = "x" * (MAX_AHEAD // 2)
    read: list[str] = []

    async def source() -> AsyncIterator[Output]:
        for name in "abcdef":
            read.append(name)
            yield said(piece, name)

    events = aiter(GatheredOutput(source()))
    [first, *others] = (await anext(events)).splitlines()
    assert first == f"a:{piece}".encode()
    assert "".join(read) == "abc"
    assert [event[:1] for event in (*others, *await rest(events))] == [b"b", b"c", b"d", b"e", b"f"]


async def test_closing_it_ends_the_reading() -> None:
    ended = asyncio.Event()

    async def source() -> AsyncIterator[Output]:
        try:
            yield said("a")
            await asyncio.Event().wait()
        finally:
            ended.set()

    output = GatheredOutput(source())
    events = aiter(output)
    assert await anext(events) == b"content:a\n"
    await output.close()
    async with asyncio.timeout(60):
        await ended.wait()
