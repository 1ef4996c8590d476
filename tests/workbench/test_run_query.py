"""What a person writes to find runs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.workbench.model import ResourceKind, RunState
from stigmer_tui.workbench.run_query import RunQuery, parse_query

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


class Noon:
    def now(self) -> datetime:
        return NOON

    def monotonic(self) -> float:
        return 0.0


@pytest.mark.parametrize(
    ("written", "query"),
    [
        ("", RunQuery()),
        ("  more   Assam ", RunQuery("more Assam")),
        ("state:failed", RunQuery(states=frozenset({RunState.FAILED}))),
        ("state:done state:failed", RunQuery(states=frozenset({RunState.COMPLETED, RunState.FAILED}))),
        ("agent:helper tea", RunQuery("tea", resource="helper", kind=ResourceKind.AGENT)),
        ("tea name:helper", RunQuery("tea", resource="helper")),
        ("since:2h", RunQuery(since=datetime(2026, 11, 29, 10, tzinfo=UTC))),
        ("since:2026-11-01T00:00:00Z", RunQuery(since=datetime(2026, 11, 1, tzinfo=UTC))),
        ("http://tea.example error: x state:", RunQuery("http://tea.example error: x state:")),
    ],
)
def test_fields_and_text(written: str, query: RunQuery) -> None:
    assert parse_query(written, Noon()) == query


@pytest.mark.parametrize("written", ["state:odd", "since:soon"])
def test_a_value_that_a_field_cannot_have(written: str) -> None:
    with pytest.raises(StigmerError, match=written.partition(":")[2]):
        parse_query(written, Noon())
