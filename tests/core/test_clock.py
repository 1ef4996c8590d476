"""Moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stigmer_tui.core.clock import parse_moment

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


class Noon:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30s", NOW - timedelta(seconds=30)),
        ("10m", NOW - timedelta(minutes=10)),
        (" 2 h ", NOW - timedelta(hours=2)),
        ("1d", NOW - timedelta(days=1)),
        ("2026-11-28T10:00Z", NOW - timedelta(hours=2)),
        ("2026-11-28T10:00+01:00", NOW - timedelta(hours=3)),
        ("", None),
        ("10", None),
        ("ten minutes", None),
        ("0001-01-01T00:00+14:00", None),
    ],
)
def test_an_age_or_a_date_is_a_moment(text: str, moment: datetime | None) -> None:
    assert parse_moment(text, Noon()) == moment


def test_a_date_without_a_zone_is_local() -> None:
    assert parse_moment("2026-11-28T10:00", Noon()) == datetime(2026, 11, 28, 10).astimezone(UTC)
