"""Where a run differs from what is expected of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from stigmer_tui.testing.expectations import (
    Expectations,
    ExpectedCall,
    Failure,
    Limits,
    TextMatch,
    at_path,
    failures,
)
from tests.testing.records import record


async def not_computed(program: str, data: str) -> str:
    raise AssertionError(program)


async def found(expected: Expectations, folders: list[Path] | None = None, **changes: object) -> list[Failure]:
    """What is said; which expectation it is about is tested where it is drafted anew."""
    unmet = await failures(expected, record(**changes), folders or [], not_computed)
    return [replace(failure, part=None, key="") for failure in unmet]


LS, READ = ExpectedCall("ls"), ExpectedCall("read_file", {"file_path": TextMatch(matches=r"a\.md$")})

MET = {
    "state": Expectations(),
    "text": Expectations(text=TextMatch("Assam\n", ("Ass", "sam"), "^A")),
    "calls in any order": Expectations(calls=(LS, READ)),
    "calls in order": Expectations(calls=(READ, LS), in_order=True),
    "limits": Expectations(at_most=Limits(turns=2, tokens=40, seconds=1.5, cost=0)),
}

UNMET = {
    "state": (Expectations(state="failed"), Failure("state", ("- failed", "+ completed"))),
    "equals": (Expectations(text=TextMatch("Ceylon")), Failure("text equals", ("-Ceylon", "+Assam"))),
    "contains": (Expectations(text=TextMatch(contains=("Tea",))), Failure("text contains", ("- Tea", "+ Assam"))),
    "matches": (Expectations(text=TextMatch(matches="^s")), Failure("text matches", ("- /^s/", "+ Assam"))),
    "output": (Expectations(output={"a.0": 1}), Failure("output a.0", ("- 1", "+ (nothing)"))),
    "argument": (
        Expectations(calls=(ExpectedCall("ls", {"path": "/b"}),)),
        Failure("call ls", ("- ls path: '/b'", "+ ls path: '/'")),
    ),
    "call twice": (Expectations(calls=(LS, LS)), Failure("call ls", ("- ls", "+ ls"))),
    "other tool": (Expectations(calls=(ExpectedCall("glob"),)), Failure("call glob", ("- glob", "+ read_file, ls"))),
    "order": (
        Expectations(calls=(LS, ExpectedCall("read_file")), in_order=True),
        Failure("call read_file", ("- read_file, after those before it", "+ read_file, ls")),
    ),
    "turns": (Expectations(at_most=Limits(turns=1)), Failure("at most turns", ("- 1", "+ 2"))),
    "tokens": (Expectations(at_most=Limits(tokens=39)), Failure("at most tokens", ("- 39", "+ 40"))),
}


@pytest.mark.parametrize("expected", MET.values(), ids=MET)
async def test_what_is_as_expected(expected: Expectations) -> None:
    assert await found(expected) == []


@pytest.mark.parametrize(("expected", "failure"), UNMET.values(), ids=UNMET)
async def test_what_is_not_as_expected(expected: Expectations, failure: Failure) -> None:
    assert await found(expected) == [failure]


async def test_values_of_an_output_are_compared_by_path() -> None:
    output = {"items": [{"price": 4.5, "name": "Assam"}]}
    expected = Expectations(output={"items.0.price": 4.5, "items.0.name": TextMatch(contains=("As",)), "items.0": 1})
    (failure,) = await found(expected, output=output)
    assert failure.what == "output items.0"
    assert at_path(output, "items.0.name") == "Assam"


async def test_files_are_looked_for_in_every_folder_of_the_run(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "two" / "said.md").write_text("Assam", encoding="utf-8")
    folders = [tmp_path / "one", tmp_path / "two"]
    expected = Expectations(files={"/said.md": TextMatch(contains=("Assam",)), "/other.md": TextMatch()})
    assert await found(expected, folders) == [Failure("file /other.md", ("- /other.md", "+ /said.md"))]


async def test_a_condition_sees_all_of_the_run_and_must_give_true() -> None:
    async def evaluate(program: str, data: str) -> str:
        return json.dumps(json.loads(data)[program] == 2)

    assert await failures(Expectations(condition="turns"), record(), [], evaluate) == []
    (failure,) = await failures(Expectations(condition="tokens"), record(), [], evaluate)
    assert failure.difference == ("- tokens", "+ gives false")


async def test_where_a_recording_does_not_fit_nothing_else_is_said() -> None:
    misfit = "The recording does not fit the code: the tools of clerk have changed\n+ glob"
    assert await found(Expectations(state="failed"), misfits=[misfit]) == [
        Failure("The recording does not fit the code: the tools of clerk have changed", ("+ glob",))
    ]
