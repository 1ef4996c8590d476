"""Data, expressions, flow, SWITCH, FOR and WAIT: cases by their numbers (`docs/compatibility.md` 1–80)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from stigmer_tui.api.phases import Phase
from stigmer_tui.definition import templates
from stigmer_tui.definition.validation import parse
from tests.definition.specs import Task, for_, set_, spec, switch, wait
from tests.workflow.world import World

SKIPPED = "skipped"
ALL = "${.}"


@dataclass(frozen=True, slots=True)
class Case:
    number: int
    tasks: list[Task]
    output: Any
    statuses: dict[str, str] = field(default_factory=dict)
    message: str = ""


COUNTING = [
    set_("zero", n="${ 0 }"),
    set_("more", n="${ .n + 1 }", then="enough"),
    set_("aside", n="${ 100 }"),
    switch("enough", ("yes", "${ .n >= 3 }", "exit"), then="more"),
]

CASES = [
    Case(1, [set_("s", x="5", y="${ 5 }", z="${ true }")], {"x": "5", "y": 5, "z": True}),
    Case(2, [set_("a", a="${ 10 }", b="${ 20 }"), set_("d", d="${ $data.a + $data.b }")], {"d": 30}),
    Case(3, [set_("a", a="${ 10 }", b="${ 20 }"), set_("d", d="${ .a + .b }")], {"d": 30}),
    Case(4, [set_("s", m="Hi ${ 1 + 1 } there")], {"m": "Hi 2 there"}),
    Case(5, [set_("s", m="${ 1 } and ${ 2 }")], {"m": "1 and 2"}),
    Case(6, [set_("s", x="${ 'abc' }")], {"x": "abc"}),
    Case(7, [set_("s", x="${ 1,2,3 }")], {"x": 1}),
    Case(9, [set_("s", x="${ $data.no.such.key }")], {"x": None}),
    Case(10, [set_("s", e="${ env }", f="${ $ENV.HOME }")], {"e": {}, "f": None}),
    # The digits survive: a message cannot carry the number, so it carries its text.
    Case(11, [set_("s", n="${ 9007199254740993 }")], {"n": "9007199254740993"}),
    Case(
        13,
        [set_("s", i="${ $input.id }", m="${ $input.trigger_message }", by="${ .input.trigger_metadata.by }")],
        {"i": 7, "m": '{"id":7}', "by": "test"},
        message='{"id":7}',
    ),
    Case(13, [set_("s", i="${ $input | keys }")], {"i": ["trigger_message", "trigger_metadata"]}, message="just go"),
    Case(14, [set_("a-b", x="1", export=ALL), set_("s", y='${ $context["a-b"].x }')], {"y": "1"}),
    Case(
        15,
        [*(set_(name, v=name, export=ALL) for name in "abc"), set_("s", all="${ $context }")],
        {"all": {"a": {"v": "a"}, "b": {"v": "b"}, "c": {"v": "c"}}},
    ),
    Case(
        16,
        [
            set_("a", x="${ {k: 1} }", export="${ .x.k }"),
            set_("b", x="2", export="${ $context + {foo: .x} }"),
            set_("s", a="${ $context.a }", b="${ $context.b }"),
        ],
        {"a": 1, "b": {"a": 1, "foo": "2"}},
    ),
    Case(17, [set_("a", x="1", export="pr-review-result"), set_("s", v="${ $context.a }")], {"v": "pr-review-result"}),
    Case(
        19,
        [for_("f", "${ [1] }", set_("i", x="1")), set_("s", v="${ $data.f }", o="${ $output }")],
        {"v": None, "o": [{"x": "1"}]},
    ),
    Case(20, [set_("s", x="1"), for_("f", "${ 2 }", set_("i", v="${ .index }"))], {"result": [{"v": 0}, {"v": 1}]}),
    Case(21, [set_("a", x="1", then="end"), set_("b", x="2")], {"x": "1"}, {"/b": SKIPPED}),
    Case(22, [set_("a", x="1", then="c"), set_("b", x="2"), set_("c", x="${ .x }")], {"x": "1"}, {"/b": SKIPPED}),
    Case(23, COUNTING, {"result": None}, {"/aside": SKIPPED}),
    Case(
        23,
        [*COUNTING[:3], switch("enough", ("yes", "${ .n >= 3 }", "last"), then="more"), set_("last", n="${ .n }")],
        {"n": 3},
    ),
    Case(
        25,
        [for_("f", "${ [1,2] }", set_("x", v="${ .item }", then="end")), set_("after", v="no")],
        {"v": 1},
        {"/f": "completed", "/after": SKIPPED},
    ),
    Case(
        25,
        [
            for_("f", "${ [1,2] }", set_("x", v="${ .item }", then="exit"), set_("y", v="no")),
            set_("after", v="${ $output }"),
        ],
        {"v": [{"v": 1}, {"v": 2}]},
    ),
    Case(
        26,
        [
            set_("n", n="${ 5 }"),
            switch("s", ("hi", "${ .n > 10 }", "hi"), ("lo", "${ .n <= 10 }", "lo")),
            set_("hi", is_="hi", then="end"),
            set_("lo", is_="lo", then="end"),
        ],
        {"is_": "lo"},
        {"/hi": SKIPPED},
    ),
    Case(
        27,
        [switch("s", ("hi", "${ true }", "hi")), set_("lo", v="lo"), set_("hi", v="hi"), set_("after", v="after")],
        {"v": "after"},
        {"/lo": SKIPPED, "/hi": "completed"},
    ),
    Case(
        28,
        [
            switch("s", ("other", "", "other"), ("second", "${ 1 == 1 }", "second")),
            set_("other", v="1"),
            set_("second", v="2"),
        ],
        {"v": "2"},
        {"/other": SKIPPED},
    ),
    Case(29, [switch("s", ("no", "${ false }", "b")), set_("a", v="a", then="end"), set_("b", v="b")], {"v": "a"}),
    Case(
        29,
        [switch("s", ("no", "${ false }", "a"), then="b"), set_("a", v="a"), set_("b", v="b")],
        {"v": "b"},
        {"/a": SKIPPED},
    ),
    Case(
        31,
        [set_("a", v="a"), switch("s", ("yes", "${ true }", "end")), set_("b", v="b")],
        {"result": None},
        {"/b": SKIPPED},
    ),
    Case(
        33,
        [
            set_("f", n="${ 200 }", t="a fix", export=ALL),
            switch("one", ("ok", '${ $context["f"].n } == 200', "two"), ("no", "", "end")),
            switch("two", ("ok", '${ $context["f"].t } | contains("fix")', "last"), ("no", "", "end")),
            set_("last", v="both"),
        ],
        {"v": "both"},
    ),
    Case(
        34,
        [
            for_(
                "f",
                "${ [1,2,3] }",
                switch("s", ("first", "${ .item == 1 }", "big")),
                set_("small", v="small", then="exit"),
                set_("big", v="big"),
            )
        ],
        {"result": [{"v": "big"}, {"v": "small"}, {"v": "small"}]},
    ),
    Case(
        35,
        [for_("f", '${ ["a","b"] }', set_("s", v="${ $data.item }", i="${ $data.index }"))],
        {"result": [{"v": "a", "i": 0}, {"v": "b", "i": 1}]},
    ),
    Case(
        36,
        [for_("f", "${ {a: 1, b: 2} }", set_("s", v="${ .item }", k="${ .index }"))],
        {"a": {"v": 1, "k": "a"}, "b": {"v": 2, "k": "b"}},
    ),
    Case(37, [for_("f", "${ 3 }", set_("s", v="${ .item }"))], {"result": [{"v": 0}, {"v": 1}, {"v": 2}]}),
    Case(37, [for_("f", "${ 2.0 }", set_("s", v="${ .item }"))], {"result": [{"v": 0}, {"v": 1}]}),
    Case(38, [for_("f", "${ [] }", set_("s", v="1"))], {"result": []}),
    Case(
        39,
        [set_("c", c="${ 0 }"), for_("f", "${ [1,2] }", set_("c", c="${ .c + .item }")), set_("t", t="${ $data.c }")],
        {"t": 0},
    ),
    Case(
        40,
        [
            for_("f", "${ [1] }", set_("inner", x="1", export=ALL), set_("seen", x="${ $context.inner.x }")),
            set_("s", v="${ $context }"),
        ],
        {"v": None},
    ),
    Case(
        42,
        [for_("f", "${ [{id: 4}] }", set_("s", a="${.item.id}", b="${.user.id}", c="${ $data.user.id }"), each="user")],
        {"result": [{"a": 4, "b": 4, "c": 4}]},
    ),
    Case(
        43,
        [
            for_(
                "outer",
                "${ [1,2] }",
                for_("inner", "${ [10,20] }", set_("s", v="${ .o + .i }"), each="i", export="${ map(.v) }"),
                set_("row", v="${ $context.inner }"),
                each="o",
                export="${ map(.v) }",
            ),
            set_("all", v="${ $context.outer }"),
        ],
        {"v": [[11, 21], [12, 22]]},
    ),
    Case(66, [set_("a", v="1"), wait("w", 2)], {"result": None}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"case {case.number}")
async def test_case(case: Case, world: World) -> None:
    found = spec(*case.tasks)
    parse(found)
    reported = await world.run(found, message=case.message)
    assert reported.error == ""
    assert reported.phases == [Phase.IN_PROGRESS, Phase.COMPLETED]
    assert reported.output == case.output
    assert {path: reported.statuses[path] for path in case.statuses} == case.statuses
    assert set(reported.statuses.values()) <= {"completed", "skipped"}


@pytest.mark.parametrize(
    ("number", "tasks", "error"),
    [
        (8, [set_("s", x="${ empty }")], "/s failed: ${ empty }: it gives no value"),
        (8, [set_("s", x='a ${ 1 + "a" } b')], '/s failed: ${ 1 + "a" }: number (1) and string ("a") cannot be added'),
        (
            32,
            [switch("s", ("five", "${ 5 }", "end"))],
            "/s failed: the condition of the case five must be true or false, not",
        ),
        (
            32,
            [switch("s", ("none", "${ null }", "end"))],
            "/s failed: the condition of the case none must be true or false",
        ),
        (38, [for_("f", "${ null }", set_("s", v="1"))], "/f failed: null is not iterable"),
        (38, [for_("f", "abc", set_("s", v="1"))], "/f failed: abc is not iterable"),
        (37, [for_("f", "${ 2.5 }", set_("s", v="1"))], "/f failed: 2.5 is not iterable"),
        (37, [for_("f", "${ 1000000000 }", set_("s", v="1"))], "/f failed: 1,000,000,000 iterations are more than"),
    ],
)
async def test_failing_case(number: int, tasks: list[Task], error: str, world: World) -> None:
    reported = await world.run(spec(*tasks, set_("after", x="no")))
    assert reported.phase is Phase.FAILED
    assert reported.error.startswith(error)
    assert reported.statuses["/after"] == "skipped"


async def test_case_44_a_failing_iteration_ends_the_loop_and_is_named(world: World) -> None:
    loop = for_("each", "${ [1, 0, 2] }", set_("divide", v="${ 6 / .item }"))
    reported = await world.run(spec(loop, set_("after", x="no")))
    why = "${ 6 / .item }: number (6) and number (0) cannot be divided because the divisor is zero"
    assert reported.error == f"/each/1/divide failed: {why}"
    assert reported.tasks["/each"].error == f"index 1: /each/1/divide failed: {why}"
    assert reported.tasks["/each/1/divide"].error == why
    assert reported.statuses == {
        "/each": "failed",
        "/after": "skipped",
        "/each/0/divide": "completed",
        "/each/1/divide": "failed",
    }


async def test_a_loop_without_an_end_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stigmer_tui.workflow.limits.MAX_STEPS", 500)
    reported = await world.run(spec(set_("a", x="1"), set_("b", x="1", then="a")))
    assert reported.error == "/a failed: 500 tasks have run in this execution; is there a loop without an end?"


async def test_what_cannot_run_is_refused_before_anything_is_done(world: World) -> None:
    nested = {"name": "b", "kind": "WORKFLOW_TASK_KIND_LISTEN", "taskConfig": {}}
    reported = await world.run(spec(set_("a", x="1"), for_("f", "${ 1 }", nested)))
    assert (reported.phase, reported.error) == (Phase.FAILED, "tally cannot run yet: /f/b is LISTEN")
    assert reported.tasks == {}


async def test_a_text_that_is_put_together_has_a_measure(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point 12: no text grows beyond measure in the runner itself."""
    monkeypatch.setattr(templates, "MAX_TEXT", 1000)
    reported = await world.run(
        spec(set_("a", x="x" * 600), set_("b", y="${ .x }!"), set_("c", z="${ .x } and ${ .x }")),
    )
    assert reported.error == "/c failed: ${ .x } and ${ .x }: the text is larger than 1.0 kB"
    assert reported.statuses["/b"] == "completed"


async def test_a_value_may_be_deep_but_not_without_end(world: World) -> None:
    deep = "${ reduce range(%d) as $i (0; [.]) }"
    reported = await world.run(spec(set_("a", x=deep % 199), set_("b", x=deep % 201)))
    assert reported.error == f"/b failed: {deep % 201}: its value has more than 200 levels"
    assert reported.statuses["/a"] == "completed"
