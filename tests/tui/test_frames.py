"""Frames come at once when they can, never too often, and the last value is always shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from stigmer_tui.tui.frame_throttle import BURST, INTERVAL, MAX_PAUSE, REMOTE_INTERVAL, FrameThrottle, interval_for


class Loop:
    """An event loop whose time is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, Callable[[], None], asyncio.TimerHandle]] = []
        self._real = asyncio.new_event_loop()

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[float], None], due: float, /) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, (due,), self._real)
        self.timers.append((when, lambda: callback(due), handle))
        return handle

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for timer in [timer for timer in self.timers if timer[0] <= self.now]:
            self.timers.remove(timer)
            if not timer[2].cancelled():
                timer[1]()


@pytest.fixture
def loop() -> Loop:
    return Loop()


def test_the_first_value_is_shown_at_once(loop: Loop) -> None:
    shown: list[int] = []
    FrameThrottle(shown.append, 0.1, loop).put(1)
    assert shown == [1]
    assert loop.timers == []


def test_of_values_that_come_too_early_the_newest_is_shown_when_it_is_time(loop: Loop) -> None:
    shown: list[int] = []
    frames = FrameThrottle(shown.append, 0.1, loop)
    for value in range(BURST + 5):
        frames.put(value)
    first = list(range(BURST))
    assert len(loop.timers) == 1
    loop.pass_time(0.09)
    assert shown == first
    loop.pass_time(0.02)
    assert shown == [*first, BURST + 4]
    loop.pass_time(1)
    assert shown == [*first, BURST + 4]
    assert loop.timers == []


def test_after_a_rest_some_are_shown_at_once_again(loop: Loop) -> None:
    shown: list[int] = []
    frames = FrameThrottle(shown.append, 0.1, loop)
    for rest, burst in ((0.0, BURST), (0.1 * BURST, BURST), (0.1, 1), (5.0, BURST)):
        loop.pass_time(rest)
        shown.clear()
        for value in range(BURST + 5):
            frames.put(value)
        assert shown == list(range(burst))
        frames.close()


def test_a_steady_stream_is_shown_at_the_interval(loop: Loop) -> None:
    shown: list[int] = []
    frames = FrameThrottle(shown.append, 0.1, loop)
    for value in range(1000):
        frames.put(value)
        loop.pass_time(0.001)
    assert 10 <= len(shown) - (BURST - 1) <= 11


def test_frames_that_take_long_are_rarer(loop: Loop) -> None:
    shown: list[int] = []

    def draw(value: int) -> None:
        shown.append(value)
        loop.now += 0.05

    frames = FrameThrottle(draw, 0.1, loop)
    started = loop.now
    while loop.now < started + 10:
        frames.put(len(shown))
        loop.pass_time(0.01)
    assert 35 <= len(shown) <= 42


def test_a_late_frame_costs_no_pause_as_long_as_there_were_few(loop: Loop) -> None:
    shown: list[int] = []

    def draw(value: int) -> None:
        shown.append(value)
        loop.now += 0.002

    frames = FrameThrottle(draw, 0.1, loop)
    frames.put(1)
    frames.put(2)
    # Something else keeps the loop busy, and the second frame waits for it.
    loop.now += 0.05
    loop.pass_time(0)
    frames.put(3)
    loop.pass_time(0.01)
    assert shown == [1, 2, 3]


def test_even_very_long_frames_come_again(loop: Loop) -> None:
    shown: list[int] = []

    def draw(value: int) -> None:
        shown.append(value)
        loop.now += 5

    frames = FrameThrottle(draw, 0.1, loop)
    frames.put(1)
    frames.put(2)
    loop.pass_time(MAX_PAUSE + 0.01)
    assert shown == [1, 2]


def test_after_close_nothing_is_shown(loop: Loop) -> None:
    shown: list[int] = []
    frames = FrameThrottle(shown.append, 0.1, loop)
    for value in range(BURST + 1):
        frames.put(value)
    frames.close()
    loop.pass_time(1)
    assert shown == list(range(BURST))


@pytest.mark.parametrize(
    ("environment", "interval"),
    [
        ({}, INTERVAL),
        ({"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, REMOTE_INTERVAL),
        ({"TMUX": "/tmp/tmux-0/default,1,0"}, REMOTE_INTERVAL),
        ({"TMUX": ""}, INTERVAL),
    ],
)
def test_where_the_terminal_is_decides_the_interval(environment: dict[str, str], interval: float) -> None:
    assert interval_for(environment) == interval


async def test_it_works_on_a_real_loop() -> None:
    shown: asyncio.Queue[int] = asyncio.Queue()
    frames = FrameThrottle(shown.put_nowait, 0.001)
    frames.put(1)
    frames.put(2)
    assert [await shown.get(), await shown.get()] == [1, 2]
