"""Expressions: what they give, what they are not given, and how they fail (`docs/compatibility.md` 1–17, 33)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stigmer_tui.definition.expressions import ParsedExpression, parse_expression
from stigmer_tui.definition.lexer import ExpressionError
from stigmer_tui.definition.templates import Template, parse_condition, parse_template
from tests import jq_here

DATA = {"a": 10, "b": 20, "title": "fix it", "deep": {"list": [{"x": 1}, {"x": 2}], "none": None}, "a-b": {"x": 5}}
ROOTS = {
    ".": {**DATA, "item": {"id": 7}, "input": {"id": 3}},
    "$data": DATA,
    "$context": {"a-b": {"x": 5}, "f": {"n": 200, "title": "a fix"}},
    "$output": None,
    "$env": {"REGION": "eu"},
    "$input": {"id": 3},
}


def value_of(text: str, parse: Callable[[str], Template] = parse_template) -> Any:
    template = parse(text)
    return template.fill(iter([evaluate(expression) for expression in template.expressions]))


def evaluate(expression: ParsedExpression, plainly: bool = True) -> Any:
    if expression.plain and plainly:
        return expression.look_up(ROOTS)
    identifiers = iter("uvw")
    return json.loads(jq_here.run(expression.program, expression.inputs(ROOTS, lambda: 1.5, lambda: next(identifiers))))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", "5"),
        ("${ 5 }", 5),
        ("${ true }", True),
        ("${ $data.a + $data.b }", 30),
        ("${ .a + .b }", 30),
        ("Hi ${ 1 + 1 } there", "Hi 2 there"),
        ("${ 1 } and ${ 2 }", "1 and 2"),
        ("${ {k: [1, null, true]} }!", '{"k":[1,null,true]}!'),
        ("${ 'abc' }", "abc"),
        ('${ "it\'s" }', "it's"),
        ("${ 'a \"b\" \\(.a) it\\'s' }", 'a "b" 10 it\'s'),
        ("${ 1,2,3 }", 1),
        ("${ $data.no.such.key }", None),
        ("${ env }", {}),
        ("${ $ENV.HOME }", None),
        ("${ $__prog_args }", None),
        ("${ 9007199254740993 }", 9007199254740993),
        ("${ [9007199254740993] | .[0] }", 9007199254740993),
        ('${ $context["a-b"].x }', 5),
        ('${ ."a-b".x + .["a-b"].x }', 10),
        ("${.item.id}", 7),
        ("${ .deep.list[1].x }", 2),
        ("${ .deep.list[9].x }", None),
        ("${ {a: 1} | .a }", 1),
        ('${ "}" }', "}"),
        ('${ "a \\({b: "}"} | .b) c" }', "a } c"),
        ("${ # a comment with } and '\n .a }", 10),
        ("it's ${ .a } isn't", "it's 10 isn't"),
        ("a { b } $c", "a { b } $c"),
        ("", ""),
        ("${ now }", 1.5),
        ("${ uuid }${ uuid }", "uu"),
        ("${ [uuid, uuid] }", ["u", "v"]),
        ("${ {uuid: uuid} | .uuid }", "u"),
        ("${ {input: .input.id} }", {"input": 3}),
        ("${ $env.REGION }", "eu"),
    ],
)
def test_a_text_has_the_value_of_its_expressions(text: str, expected: Any) -> None:
    found = value_of(text)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('${ $context["f"].n } == 200', True),
        ('${ $context["f"].title } | contains("fix")', True),
        ("${ .a } > ${ .b }", False),
        ("${ .no // 3 } == 3", True),
        ("${ .a # ten\n} == 10", True),
        (" ${ .a == 10 } ", True),
        ("true", "true"),
    ],
)
def test_text_outside_the_braces_belongs_to_a_condition(text: str, expected: Any) -> None:
    assert value_of(text, parse_condition) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${ empty }", "it gives no value"),
        ('${ 1 + "a" }', 'number (1) and string ("a") cannot be added'),
        ("${ .title.body }", "there is no 'body' in a text"),
        ("${ .a[0] }", "there is no 0 in a number"),
        ("${ $data.deep.list.x }", "there is no 'x' in a list"),
        ("${}", "an expression is empty"),
        ("${ .a", "`${ .a` is never closed"),
        ("${ (.a }", "`(` is closed by `}`"),
        ("${ .a) | env | (.b }", "`)` closes nothing"),
        ('${ "abc }', 'a string that begins with " is never closed'),
        ("${ $ }", "`$` needs a name right after it"),
        ("${ input }", "`input` is not available in expressions"),
        ("${ .a | debug }", "`debug` is not available in expressions"),
        ('${ import "a" as a; a::f }', "`import` is not available in expressions"),
    ],
)
def test_a_failure_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as failure:
        value_of(text)
    assert message in str(failure.value)


@pytest.mark.parametrize(
    "word",
    ["debug", "get_search_list", "halt", "halt_error", "input", "inputs", "input_filename", "modulemeta", "stderr"],
)
def test_nothing_reaches_beyond_the_input(word: str) -> None:
    with pytest.raises(ExpressionError, match="is not available in expressions"):
        parse_expression(f"[{word}]")
    assert parse_expression(f".{word} + {{{word}: 1}}.{word}").program


@pytest.mark.parametrize(
    ("program", "reads"),
    [
        ('$context["f"].n == 200', {"$context": {"f": {"n": 200}}}),
        ('$context["f"].title | contains("fix")', {"$context": {"f": {"title": "a fix"}}}),
        ('($context["f"].title | length) > 3', {"$context": {"f": {"title": "a fix"}}}),
        ("[.a, .item.id] | add", {".": {"a": 10, "item": {"id": 7}}}),
        ("{a, b: .b}", {".": {"a": 10, "b": 20}}),
        ("if .a == 10 then .b | tostring else .title end", {".": {"a": 10, "b": 20, "title": "fix it"}}),
        ("$data | keys", {"$data": DATA}),
        ("length", {".": ROOTS["."]}),
        (".a as $x | $x", {".": ROOTS["."]}),
        ("1 + 1", {}),
    ],
)
def test_a_program_is_given_what_it_reads(program: str, reads: Any) -> None:
    assert json.loads(parse_expression(program).inputs(ROOTS, lambda: 0, str)) == reads


FAILED = "it failed"
KEYS = st.sampled_from(["a", "b", "title", "deep", "list", "none", "x", "no", "a-b"])
PATHS = st.lists(
    KEYS.map(lambda key: f'["{key}"]') | KEYS.filter(str.isidentifier).map(lambda key: f".{key}") | st.just("[0]"),
    max_size=4,
).map("".join)
REFERENCES = st.sampled_from(["$data", "$context", ".item", ".deep", '.["deep"]', "$output"]).flatmap(
    lambda root: PATHS.map(lambda path: root + path)
)
LEAVES = REFERENCES | st.sampled_from([".", "..", "1", '"t"', "null", "length", "keys", "[.[]?]", "$data as $x | .a"])


def combine(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(parts, parts)
    return st.one_of(
        *(
            pair.map(lambda two, form=form: form.format(*two))  # type: ignore[misc]
            for form in (
                "({} | {})",
                "[{}, {}]",
                "({} == {})",
                "(({})? // {})",
                "{{k: {} | tostring, a, v: {}}}",
                "(if {} then . | tostring else {} end)",
                '"x\\({})\\({})"',
                "(try ({}) catch ({}))",
                "({} as [$y] | {})",
                "(reduce {} as $y ({}; 1))",
                "[limit(2; {}), {}]",
            )
        )
    )


@given(st.recursive(LEAVES, combine, max_leaves=6))
def test_what_is_left_out_of_the_input_changes_nothing(program: str) -> None:
    expression = parse_expression(program)
    assert outcome(expression.program, expression.inputs(ROOTS, lambda: 0, str)) == outcome(
        expression.program, json.dumps(ROOTS)
    )


@given(REFERENCES)
def test_a_plain_reference_is_looked_up_as_jq_would(program: str) -> None:
    expression = parse_expression(program)
    assert expression.plain
    try:
        found = expression.look_up(ROOTS)
    except ExpressionError:
        found = FAILED
    assert found == outcome(expression.program, json.dumps(ROOTS))


def outcome(program: str, inputs: str) -> Any:
    try:
        return json.loads(jq_here.run(program, inputs))
    except ExpressionError:
        return FAILED
