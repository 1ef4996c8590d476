"""`test --update`: what has failed is drafted anew, and what a person has written stays."""

from __future__ import annotations

import json
from pathlib import Path

from stigmer_tui.testing.expectations import Expectations, ExpectedCall, Limits, TextMatch, failures
from stigmer_tui.testing.export import redrafted
from tests.testing.records import record


async def updated(expected: Expectations, **changes: object) -> Expectations:
    async def evaluate(program: str, data: str) -> str:
        return json.dumps(False)

    run = record(**changes)
    return redrafted(expected, run, await failures(expected, run, [], evaluate))


async def test_only_what_has_failed_changes() -> None:
    kept = ExpectedCall("read_file", {"file_path": TextMatch(contains=("a",))})
    expected = Expectations(
        text=TextMatch(contains=("Ceylon",)),
        output={"price": 4.5, "gone": 1, "name": TextMatch(matches="^A")},
        calls=(kept,),
        at_most=Limits(turns=1, seconds=9),
        judge="Is it kind?",
    )
    now = await updated(expected, output={"price": 5, "name": "Assam"})
    assert now == Expectations(
        text=TextMatch(equals="Assam"),
        output={"price": 5, "name": TextMatch(matches="^A")},
        calls=(kept,),
        at_most=Limits(turns=2, seconds=9),
        judge="Is it kind?",
    )
    assert await updated(now, output={"price": 5, "name": "Assam"}) == now


async def test_calls_are_drafted_together_and_keep_whether_their_order_matters() -> None:
    now = await updated(Expectations(calls=(ExpectedCall("glob"),), in_order=True))
    assert [call.tool for call in now.calls] == ["read_file", "ls"]
    assert now.in_order


async def test_files_that_are_not_written_any_more_are_left_out(tmp_path: Path) -> None:
    assert (await updated(Expectations(files={"/said.md": TextMatch()}))).files == {}


async def test_nobody_can_draft_a_condition() -> None:
    expected = Expectations(condition=".turns == 9")
    assert await updated(expected) == expected
