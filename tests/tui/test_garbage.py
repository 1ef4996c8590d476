"""Which objects a garbage collection looks at."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from stigmer_tui.tui.gc_tuner import MAX_PAUSE, GcTuner


class SteppingClock:
    """So many seconds pass between two looks at it."""

    def __init__(self) -> None:
        self.step = 0.0
        self._time = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._time, UTC)

    def monotonic(self) -> float:
        self._time += self.step
        return self._time


@pytest.fixture
def clock() -> Iterator[SteppingClock]:
    clock = SteppingClock()
    collections = GcTuner(clock)
    collections.begin()
    yield clock
    collections.end()
    gc.unfreeze()


def test_what_was_looked_at_for_long_is_not_looked_at_again(clock: SteppingClock) -> None:
    kept = [[number] for number in range(1000)]
    before = gc.get_freeze_count()
    clock.step = MAX_PAUSE / 2
    gc.collect()
    assert gc.get_freeze_count() <= before
    clock.step = MAX_PAUSE * 2
    gc.collect(0)
    assert gc.get_freeze_count() <= before
    gc.collect()
    assert gc.get_freeze_count() >= before + len(kept)


def test_frozen_objects_are_freed_when_nothing_refers_to_them(clock: SteppingClock) -> None:
    kept = [[number] for number in range(1000)]
    clock.step = MAX_PAUSE * 2
    gc.collect()
    before = gc.get_freeze_count()
    kept.clear()
    assert gc.get_freeze_count() <= before - 1000
