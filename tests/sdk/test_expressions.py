"""References, operators and conditions become jq; what Python cannot know is refused at its line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from stigmer_tui.definition.templates import parse_template
from stigmer_tui.definition.usage import ROOTS
from stigmer_tui.sdk import Agent, Expression, Reference, Workflow, contains, env, in_, jq, length, secret
from stigmer_tui.sdk.errors import DefinitionError
from stigmer_tui.sdk.registry import begin_registry
from tests.jq_here import run

DATA = {
    "count": 3,
    "title": "A fix",
    "labels": ["bug", "ui"],
    "state": "open",
    "first-name": "Ada",
    "and": 1,
    "_id": 9,
    "items": [{"id": 1}, {"id": 2}, {"id": 3}],
    "price": 2.5,
    "key": "title",
    "none": None,
}


@pytest.fixture
def item() -> Any:
    begin_registry()
    with Workflow("flow") as flow:
        yield flow.http_get("fetch", "http://127.0.0.1/item.json")


def value(expression: Expression) -> Any:
    """What a run makes of the expression, given that `fetch` gave DATA."""
    (parsed,) = parse_template(str(expression)).expressions
    roots = dict.fromkeys(ROOTS) | {
        ".": {"env_vars": {"WORD": "bug", "STATE": "open"}},
        "$context": {"fetch": DATA},
    }
    if parsed.plain:
        return parsed.look_up(roots)
    return json.loads(run(parsed.program, parsed.inputs(roots, lambda: 0.0, lambda: "")))


def test_formatting_gives_the_placeholder(item: Any) -> None:
    assert f"Praise {item.title}" == 'Praise ${ $context["fetch"].title }'
    assert str(item) == '${ $context["fetch"] }'
    assert "%s" % item.title == f"{item.title}"  # noqa: UP031 - it works too


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        (lambda item: item.title, "A fix"),
        (lambda item: item["first-name"], "Ada"),
        (lambda item: item["and"], 1),
        (lambda item: item._id, 9),
        (lambda item: item["items"][0].id, 1),
        (lambda item: item["items"][-1].id, 3),
        (lambda item: item["items"][1:], [{"id": 2}, {"id": 3}]),
        (lambda item: item.labels[:1], ["bug"]),
        (lambda item: item[item.key], "A fix"),
        (lambda item: item.no.such.key, None),
        (lambda item: jq("map(.id) | add", item["items"]), 6),
        (lambda item: jq(".[1]", item["items"]).id, 2),
        (lambda item: length(item.labels), 2),
    ],
)
def test_access(item: Any, access: Callable[[Any], Expression], expected: object) -> None:
    assert value(access(item)) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (lambda item: item.count == 3, True),
        (lambda item: item.count != 3, False),
        (lambda item: item.count > 3, False),
        (lambda item: item.count >= 3, True),
        (lambda item: item.count < 4, True),
        (lambda item: item.count <= 2, False),
        (lambda item: 2 < item.count, True),  # noqa: SIM300
        (lambda item: item.none == None, True),  # noqa: E711
        (lambda item: item.labels == ["bug", "ui"], True),
        (lambda item: (item.count > 1) & (item.title == "A fix"), True),
        (lambda item: (item.count > 9) | (item.state == "open"), True),
        (lambda item: ~(item.count > 9), True),
        (lambda item: ~(item.count > 1) | (item.count == 3), True),
        (lambda item: contains(item.title, "fix"), True),
        (lambda item: contains(item.labels, "bu"), False),
        (lambda item: contains(item.labels, "bug"), True),
        (lambda item: contains(item.none, "bug"), False),
        (lambda item: contains(item.labels, env("WORD")), True),
        (lambda item: in_(item.state, ["open", "paid"]), True),
        (lambda item: in_(item.state, ("paid",)), False),
        (lambda item: in_(env("WORD"), item.labels), True),
        (lambda item: env("STATE") == item.state, True),
        (lambda item: item.title == f"A {item.none}fix", False),
        (lambda item: item["first-name"] + " 3" == f"Ada {item.count}", True),
    ],
)
def test_conditions(item: Any, condition: Callable[[Any], Expression], expected: bool) -> None:
    assert value(condition(item)) is expected


@pytest.mark.parametrize(
    ("calculation", "expected"),
    [
        (lambda item: item.count * 2 + 1, 7),
        (lambda item: 2 * (item.count + 1), 8),
        (lambda item: 10 - item.count - 2, 5),
        (lambda item: 10 - (item.count - 2), 9),
        (lambda item: item.price / 2, 1.25),
        (lambda item: 10 / item.price, 4),
        (lambda item: item.count % 2, 1),
        (lambda item: "« " + item.title + " »", "« A fix »"),
        (lambda item: item.labels + ["x"], ["bug", "ui", "x"]),  # noqa: RUF005
        (lambda item: '\\(1) "' + item.state, '\\(1) "open'),
        (lambda item: f'"{item.count}" \\({env("WORD")}): ' + item.state, '"3" \\(bug): open'),
    ],
)
def test_arithmetic(item: Any, calculation: Callable[[Any], Expression], expected: object) -> None:
    assert value(calculation(item)) == expected


def test_a_variable_alone_stands_in_the_form_that_existing_runners_know() -> None:
    begin_registry()
    assert f"{env('REGION')}/{secret('TOKEN')}" == "${.env_vars.REGION}/${.secrets.TOKEN}"
    assert str(env("REGION") + "x") == '${ .env_vars.REGION + "x" }'


@pytest.mark.parametrize(
    ("mistake", "message", "advice"),
    [
        (lambda item: 1 if item.count == 0 else 2, "Python cannot decide", "flow.switch"),
        (lambda item: item.count == 0 and item.count == 1, "Python cannot decide", "&"),
        (lambda item: 0 < item.count < 10, "Python cannot decide", "(item.count > 0) & (item.count < 10)"),
        (lambda item: (item.count == 1) & 3, "combines two conditions", "parentheses"),
        (lambda item: list(item.labels), "Python cannot iterate over", "flow.for_each"),
        (lambda item: "bug" in item.labels, "known only when the workflow runs", "contains(value, item)"),
        (lambda item: len(item.labels), "known only when the workflow runs", "length(value)"),
        (lambda item: {item.key: 1}, "cannot be a key", "data[value]"),
        (lambda item: range(item.count), "known only when the workflow runs", "known now"),
        (lambda item: float(item.price), "known only when the workflow runs", "known now"),
        (lambda item: item.title.upper(), "not a function of Python", "jq("),
        (lambda item: f"{item.price:.2f}", "cannot be formatted", ".2f"),
        (lambda item: item[1.5], "is not a key", ""),
        (lambda item: item["items"][::2], "is not a key", "without a step"),
        (lambda item: item.count == {1, 2}, "of type set", "lists and mappings"),
        (lambda item: item.count == float("nan"), "is not a number", "finite"),
        (lambda item: jq("map(", item.labels), "“map(” is not a valid filter", "jqlang.org"),
        (lambda item: jq("input", item.labels), "is not available", "jqlang.org"),
        (lambda item: item.title == "${ .x | }", "has an expression that cannot be read", "jqlang.org"),
        (lambda item: item.title == secret("TOKEN"), "cannot be compared", "where it is sent"),
        (lambda item: in_(item.state, "open"), "list of values", "in_("),
        (lambda item: in_(item.state, []), "list of values", "in_("),
    ],
)
def test_what_python_cannot_know_is_refused(
    item: Any, mistake: Callable[[Any], object], message: str, advice: str
) -> None:
    with pytest.raises(DefinitionError) as raised:
        mistake(item)
    assert message in raised.value.message
    assert advice in raised.value.advice
    assert raised.value.location.file == __file__


def test_a_reference_can_be_looked_at_without_using_it(item: Any) -> None:
    assert repr(item.title) == '<reference $context["fetch"].title>'
    assert isinstance(item.title, Reference)
    assert not hasattr(item, "__wrapped__")


def test_texts_are_quoted_as_json(item: Any) -> None:
    text = 'a "quoted"\nline \\ with ü and \\(1)'
    assert value(item.title + text) == "A fix" + text
    assert json.dumps(text, ensure_ascii=False) in str(item.title + text)


def test_a_reference_says_where_it_is_used_wrongly() -> None:
    begin_registry()
    Agent("helper", instructions="Answer in one sentence.")
    with Workflow("flow") as flow:
        fetched = flow.http_get("fetch", "http://127.0.0.1")
        with pytest.raises(DefinitionError) as raised:
            bool(fetched.count == 0)
        assert raised.value.location.line == test_a_reference_says_where_it_is_used_wrongly.__code__.co_firstlineno + 6
