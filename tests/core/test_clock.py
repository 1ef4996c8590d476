"""Times on the wire, and moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from stigmer_tui.core.clock import SystemClock, parse_moment, parse_timestamp, timestamp

MOMENT = datetime(2026, 11, 21, 10, 0, 0, 250_999, UTC)
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


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5, minutes=30))])
def test_a_timestamp_is_in_utc_with_milliseconds(zone: timezone) -> None:
    assert timestamp(MOMENT.astimezone(zone)) == "2026-11-21T10:00:00.250Z"


@pytest.mark.parametrize("text", ["2026-11-21T10:00:00.25Z", "2026-11-21T15:30:00.25+05:30", "2026-11-21T10:00:00.25"])
def test_a_timestamp_is_read_in_any_zone_and_without_one(text: str) -> None:
    moment = parse_timestamp(text)
    assert moment == datetime(2026, 11, 21, 10, 0, 0, 250_000, UTC)
    assert moment.tzinfo is UTC


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-21T25:00:00Z"])
def test_what_is_no_timestamp_is_none(text: str) -> None:
    assert parse_timestamp(text) is None


def test_the_system_clock_is_aware_and_in_utc() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()
