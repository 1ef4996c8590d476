"""What is gathered of a stream, and what is not: the order, the first text, the end and errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from stigmer_tui.agents.models.gathering import MAX_AHEAD, GatheredOutput, Output, TextDelta


def said(text: str, key: str = "content") -> TextDelta[str]:
    return TextDelta(key, text, lambda whole: f"{key}:{whole}")


async def stream(*steps: Output[str] | asyncio.Event | Exception) -> AsyncIterator[Output[str]]:
    """Gives what is given, waits for events, and raises errors."""
    for step in steps:
        match step:
            case asyncio.Event():
                await step.wait()
            case Exception():
                raise step
            case _:
                yield step


async def gathered(steps: Sequence[Output[str]]) -> list[str]:
    return [event async for event in GatheredOutput(stream(*steps))]


async def test_texts_that_arrive_together_are_one() -> None:
    assert await gathered([said("Good "), said("morning"), said(".")]) == ["content:Good morning."]


async def test_the_order_stays_and_what_differs_is_apart() -> None:
    steps: list[Output[str]] = [said("a", "reasoning"), said("b"), said("c"), "call", said("d"), "end"]
    assert await gathered(steps) == ["reasoning:a", "content:bc", "call", "content:d", "end"]


async def test_the_first_text_does_not_wait_for_the_next() -> None:
    more = asyncio.Event()
    events = aiter(GatheredOutput(stream(said("a"), more, said("b"))))
    assert await anext(events) == "content:a"
    more.set()
    assert [event async for event in events] == ["content:b"]


async def test_an_error_comes_after_what_came_before_it() -> None:
    events = aiter(GatheredOutput(stream(said("a"), ValueError("cut"))))
    assert await anext(events) == "content:a"
    with pytest.raises(ValueError, match="cut"):
        await anext(events)


async def test_an_error_does_not_come_from_what_came_of_it() -> None:
    output = GatheredOutput(stream(ValueError("cut")))
    with pytest.raises(RuntimeError) as raised:
        try:
            await anext(aiter(output))
        except ValueError as error:
            try:
                raise RuntimeError from error
            finally:
                await output.close()
    assert raised.value.__cause__ is not None
    assert raised.value.__cause__.__context__ is None


async def test_a_reader_that_is_slow_is_not_overrun() -> None:
    piece = "x" * (MAX_AHEAD // 2)
    read: list[str] = []

    async def source() -> AsyncIterator[Output[str]]:
        for name in "abcdef":
            read.append(name)
            yield said(piece, name)

    events = aiter(GatheredOutput(source()))
    assert await anext(events) == f"a:{piece}"
    assert "".join(read) == "abc"
    assert [event[:1] async for event in events] == ["b", "c", "d", "e", "f"]


async def test_closing_it_ends_the_reading() -> None:
    ended = asyncio.Event()

    async def source() -> AsyncIterator[Output[str]]:
        try:
            yield said("a")
            await asyncio.Event().wait()
        finally:
            ended.set()

    output = GatheredOutput(source())
    events = aiter(output)
    assert await anext(events) == "content:a"
    await output.close()
    async with asyncio.timeout(60):
        await ended.wait()
