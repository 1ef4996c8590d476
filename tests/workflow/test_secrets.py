"""Marks of secrets: opaque in the data, values on the wire, nothing to be forged or found."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stigmer_tui.workflow.secrets import SecretValues
from tests.definition.specs import for_, http, set_, spec, switch
from tests.workflow.http_server import HttpServer, Reply
from tests.workflow.world import World


def secrets() -> SecretValues:
    return SecretValues({"TOKEN": "s3cr3t-value", "REGION": "eu"}, {"TOKEN"}, "0123456789abcdef")


def test_what_each_name_gives() -> None:
    found = secrets()
    marks = found.marks
    assert marks.plain == {"REGION": "eu"}
    assert marks.variables == {"TOKEN": marks.marks["TOKEN"], "REGION": "eu"}
    assert found.reveal(marks.marks) == {"TOKEN": "s3cr3t-value", "REGION": "eu"}
    assert marks.hide(marks.marks) == {"TOKEN": "[REDACTED]", "REGION": "[REDACTED]"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["TOKEN", "REGION"]),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=3), parts, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_revealing_and_hiding_touch_nothing_but_marks_and_values(data: Any) -> None:
    found = secrets()
    marked = json.loads(json.dumps(data).replace('"TOKEN"', json.dumps(f"a {found.marks.mark('TOKEN')} b")))
    assert found.reveal(marked) == json.loads(json.dumps(data).replace('"TOKEN"', '"a s3cr3t-value b"'))
    hidden = json.loads(json.dumps(data).replace('"TOKEN"', '"a [REDACTED] b"'))
    assert found.marks.hide(marked) == hidden
    assert found.clean(found.reveal(marked)) == hidden


def test_what_stands_in_public_is_no_secret() -> None:
    found = secrets()
    made = {"user": "bob", "n": 5, "pin": 4821, "yes": True, "none": None, "list": ["s3cr3t-value"], "s3cr3t-value": 5}
    public = '{user: "bob", n: 5, pin: "_", yes: 1, none: 2, list: 3, (_): 5}'
    sealed = found.seal(made, public)
    assert found.marks.hide(sealed) == {
        "user": "bob",
        "n": 5,
        "pin": "[REDACTED]",
        "yes": True,
        "none": None,
        "list": ["[REDACTED]"],
        "[REDACTED]": 5,
    }
    assert found.reveal(sealed) == made
    assert found.clean("4821 and 5") == "[REDACTED] and 5"


def test_another_run_has_other_marks() -> None:
    other = SecretValues({"TOKEN": "s3cr3t-value"}, {"TOKEN"}, "fedcba9876543210")
    assert secrets().reveal(other.marks.mark("TOKEN")) == other.marks.mark("TOKEN")


def test_values_in_what_a_run_was_given_become_marks() -> None:
    found = SecretValues(
        {"LONG": "abcd-efgh", "PART": "abcd", "NAME": "LONG", "PIN": "123", "URL": "http://abcd@x"},
        {"LONG", "PART", "NAME", "PIN"},
        "0123456789abcdef",
    )
    given_ = {"abcd": ["abcd-efgh, abcd, LONG", 123, "123", None], "n": {"u": "http://abcd@x"}}
    marked = found.mark(given_)
    marks = found.marks
    assert marked == {
        marks.mark("PART"): [f"{marks.mark('LONG')}, {marks.mark('PART')}, {marks.mark('NAME')}", 123, "123", None],
        "n": {"u": f"http://{marks.mark('PART')}@x"},
    }
    assert marks.plain == {"URL": f"http://{marks.mark('PART')}@x"}
    assert found.reveal(marked) == given_


async def test_a_secret_in_the_input_is_sent_and_not_shown(world: World, server: HttpServer) -> None:
    server.replies(Reply(200))
    reported = await world.run(
        spec(
            switch("t", ("x", '${ $input.key } == "s3cr3t-value"', "h"), ("y", "", "end")),
            http(
                "h", f"{server.url}/${{ $input.key }}", headers={"N": "${ $input.key | length }", "E": "${ $env.KEY }"}
            ),
        ),
        environment={"KEY": "k=s3cr3t-value"},
        secrets={"TOKEN": "s3cr3t-value"},
        message='{"key": "s3cr3t-value"}',
    )
    [asked] = server.asked
    assert (asked.target, asked.headers["n"], asked.headers["e"]) == ("/s3cr3t-value", "12", "k=s3cr3t-value")
    assert reported.input_of("/h")["headers"] == {"N": "[REDACTED]", "E": "k=[REDACTED]"}
    assert "s3cr3t" not in reported.text


async def test_conditions_and_counts_may_be_secret(world: World) -> None:
    reported = await world.run(
        spec(
            switch("s", ("on", "${ .secrets.FLAG }", "loop"), ("off", "", "end")),
            for_(
                "loop",
                "${ .secrets.COUNT | tonumber } - 4819",
                switch("t", ("x", '${ .secrets.PLAN } == "gold"', "end")),
            ),
            set_("last", made='${ {user: "bob", token: .secrets.PLAN} }'),
        ),
        secrets={"FLAG": "true", "COUNT": "4821", "PLAN": "silver"},
    )
    assert reported.metadata("/s")["detail"] == "on → loop"
    assert [reported.metadata(f"/loop/{number}/t")["detail"] for number in range(2)] == ["no case holds"] * 2
    assert "/loop/2/t" not in reported.tasks
    assert reported.output == {"made": {"user": "bob", "token": "[REDACTED]"}}


@pytest.mark.parametrize("padding", range(180, 200, 4))
async def test_an_excerpt_does_not_cut_through_a_secret(padding: int, world: World, server: HttpServer) -> None:
    server.replies(Reply(400, "x" * padding + "s3cr3t-value" + "x" * 50))
    reported = await world.run(spec(http("h", server.url)), secrets={"TOKEN": "s3cr3t-value"})
    assert "s3cr" not in reported.error


async def test_a_condition_that_is_none_does_not_tell_a_secret(world: World) -> None:
    reported = await world.run(
        spec(set_("s", v='${ [.secrets.TOKEN, "open"] }'), switch("t", ("x", "${ .v }", "end"))),
        secrets={"TOKEN": "s3cr3t-value"},
    )
    assert reported.error == '/t failed: the condition of the case x must be true or false, not ["[REDACTED]","open"]'
