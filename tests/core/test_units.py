"""Numbers as people read them, at the borders between units."""

from __future__ import annotations

import pytest

from stigmer_tui.core.units import count_text, duration_text, plural, size_text, uptime_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1.0, "0 ms"),
        (0.0034, "3 ms"),
        (0.9994, "999 ms"),
        (0.9995, "1.0 s"),
        (59.94, "59.9 s"),
        (59.95, "1 m 00 s"),
        (245.4, "4 m 05 s"),
        (3599.4, "59 m 59 s"),
        (3599.5, "1 h 00 m"),
        (7500.0, "2 h 05 m"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1.0, "0 s"),
        (1.9, "1 s"),
        (59.9, "59 s"),
        (60, "1 m"),
        (3599, "59 m"),
        (3600, "1 h"),
        (86399, "23 h"),
        (86400, "1 d"),
        (5 * 86400.0, "5 d"),
    ],
)
def test_uptimes_have_one_unit(seconds: float, text: str) -> None:
    assert uptime_text(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1250, "1.2 kB"),
        (9949, "9.9 kB"),
        (9950, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (38_000_000, "38 MB"),
        (2_000_000_000, "2.0 GB"),
        (7 * 10**12, "7.0 TB"),
        (7 * 10**15, "7000 TB"),
    ],
)
def test_sizes(count: int, text: str) -> None:
    assert size_text(count) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0"), (950, "950"), (1200, "1.2 k"), (3_400_000, "3.4 M"), (5 * 10**12, "5000 G")]
)
def test_counts(count: int, text: str) -> None:
    assert count_text(count) == text


def test_plurals() -> None:
    assert [plural(count, "task") for count in (0, 1, 2)] == ["0 tasks", "1 task", "2 tasks"]
    assert [plural(count, "entry", "entries") for count in (1, 3)] == ["1 entry", "3 entries"]
