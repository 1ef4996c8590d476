"""What crosses the engine port: plain data, and no secret in any form, whatever a task does with it."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stigmer_tui.core.secret_forms import forms
from stigmer_tui.definition.lexer import ExpressionError
from stigmer_tui.workflow.port import ChildKind, ChildRequest, HttpRequest, content_of
from stigmer_tui.workflow.tasks.kinds import RUNNERS
from tests import jq_here
from tests.definition.specs import Task, agent, for_, http, set_, spec, switch, wait
from tests.workflow.recording_engine import RecordedRun

SECRET = 's3cr3t-välue/"42 which is too long for an error'
SECRETS = {"K": SECRET, "FLAG": "true", "COUNT": "4821"}

OF_EACH_KIND: dict[str, list[Task]] = {
    "SET": [set_("t", v="${ .secrets.K }", w="a ${ .secrets.K } b", x="${ .secrets.K | ascii_upcase }", export="${.}")],
    "HTTP_CALL": [
        http(
            "t",
            "http://x.example/${ .secrets.K }?k=${ .secrets.K | @uri }",
            "POST",
            headers={"Authorization": "Bearer ${ .secrets.K | @base64 }"},
            body={"k": "${ .secrets.K }", "both": "${ [.secrets.K, .secrets.K] | tojson }"},
            export="${ {(.body.k): .headers} }",
        )
    ],
    "SWITCH": [
        switch("t", ("a", "${ .secrets.K } == 1", "s"), ("b", "${ .secrets.FLAG }", "s"), ("c", "", "s")),
        set_("s", v="${ .secrets.K }"),
    ],
    "FOR": [
        for_("t", "${ [.secrets.K, (.secrets.K | explode)] }", set_("s", v="${ .item }", w="${ .item | length }")),
        for_("u", "${ .secrets.COUNT | tonumber - 4819 }", set_("s", v="${ .secrets.K }")),
    ],
    "WAIT": [set_("s", v="${ .secrets.K }"), wait("t", 1)],
    "AGENT_CALL": [agent("t", "helper", "Use ${ .secrets.K }", env={"T": "${ .secrets.K | @base64 }"}, export="${.}")],
}
"""Tasks that do with a secret all that their kind can."""


def assert_hidden(text: str, secret: str = SECRET) -> None:
    for form in forms(secret):
        if len(form) >= 6:
            assert form not in text


def test_there_are_tasks_of_each_kind() -> None:
    assert OF_EACH_KIND.keys() == {kind.kind for kind in RUNNERS}


@pytest.mark.parametrize("kind", OF_EACH_KIND)
async def test_no_secret_crosses_the_port(kind: str) -> None:
    run = RecordedRun(SECRETS)
    await run.run(spec(*OF_EACH_KIND[kind]))
    assert run.failure is None
    assert run.engine.history
    assert_hidden(run.engine.text)
    assert_hidden(run.reported)


async def test_secrets_become_values_where_a_request_leaves() -> None:
    run = RecordedRun(SECRETS)
    await run.run(spec(*OF_EACH_KIND["HTTP_CALL"]))
    [sent] = run.http.sent
    assert sent.uri.startswith(f"http://x.example/{SECRET}?k=s3cr3t-v%C3%A4lue%2F%2242%20which")
    assert sent.headers["Authorization"] == f"Bearer {base64.b64encode(SECRET.encode()).decode()}"
    assert sent.body == {"k": SECRET, "both": json.dumps([SECRET, SECRET], ensure_ascii=False, separators=(",", ":"))}
    called = RecordedRun(SECRETS)
    await called.run(spec(*OF_EACH_KIND["AGENT_CALL"]))
    [given_] = called.children.given.values()
    assert f"Use {SECRET}" in given_
    assert base64.b64encode(SECRET.encode()).decode() in given_


async def test_a_secret_in_the_input_of_a_run_crosses_as_a_mark() -> None:
    run = RecordedRun(SECRETS, {"key": SECRET, "list": [SECRET]})
    await run.run(
        spec(
            set_("s", k="${ $input.key }", l="${ $input.list | length }"),
            http("h", "http://x.example/${ $input.key }"),
            for_("f", "${ $input.list }", agent("a", "helper", "${ .item }")),
        )
    )
    assert run.failure is None
    assert run.http.sent[0].uri == f"http://x.example/{SECRET}"
    assert_hidden(run.engine.text)


STEPS = (
    "ascii_upcase",
    "explode",
    "implode",
    "reverse",
    "@base64",
    "@uri",
    "@json",
    "tojson",
    "tonumber",
    "fromjson",
    "error",
    ".[2:9]",
    '[., "open"]',
    "{(.): 1, b: .}",
    "map(.)",
    "{} * .",
    'ltrimstr("s3")',
    "length",
)


@settings(deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=4))
def test_no_value_that_is_made_of_a_secret_crosses_the_port(steps: list[str]) -> None:
    program = " | ".join([".secrets.K", *steps])
    run = RecordedRun(SECRETS)
    tasks = (set_("s", v=f"${{ {program} }}", export="${.}"), http("h", "http://x.example/${ .v }"))
    asyncio.run(run.run(spec(*tasks)))
    for secret in (SECRET, *made_by(program)):
        assert_hidden(run.engine.text, secret)
        assert_hidden(run.reported, secret)
        assert_hidden(str(run.failure), secret)


def made_by(program: str) -> list[str]:
    """The texts that are in the value of a program."""
    try:
        value = json.loads(jq_here.run(program, json.dumps({".": {"secrets": SECRETS}})))
    except (ExpressionError, ValueError):
        return []
    return [text for text in texts_in(value) if len(text) >= 6]


def texts_in(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [text for key, item in value.items() for text in (key, *texts_in(item))]
        case list():
            return [text for item in value for text in texts_in(item)]
        case _:
            return []


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        ("tonumber", "string [REDACTED] cannot be parsed as a number"),
        ("ascii_upcase | . + 1", "string [REDACTED] and number (1) cannot be added"),
        ("explode | reverse | implode | error", "[REDACTED]"),
        ('error("no such user")', "no such user"),
        ('error("no " + .)', "no [REDACTED]"),
    ],
)
async def test_an_error_says_no_more_than_the_program(steps: str, error: str) -> None:
    """jq quotes the beginnings of values."""
    run = RecordedRun(SECRETS)
    await run.run(spec(set_("s", v=f"${{ .secrets.K | {steps} }}")))
    assert str(run.failure) == f"/s failed: ${{ .secrets.K | {steps} }}: {error}"
    assert SECRET[:6] not in run.engine.text
    assert SECRET[:-7:-1] not in run.engine.text


@pytest.mark.parametrize("secret", ["482199999", "48219.25", "-482199"])
async def test_a_number_that_is_no_count_stays_a_secret(secret: str) -> None:
    run = RecordedRun({"PIN": secret})
    await run.run(spec(for_("t", "${ .secrets.PIN | tonumber }", set_("s", v="1"))))
    assert str(run.failure) == "/t failed: [REDACTED] is not iterable: a list, an object or a count is needed"
    for text in (run.engine.text, run.reported):
        assert secret not in text
        assert f"{float(secret):,.0f}" not in text


async def test_marks_have_the_same_names_in_every_process() -> None:
    """So that what one process has recorded means the same to the next."""
    found = spec(*OF_EACH_KIND["SET"], http("h", "http://x.example/${ .x }"))
    first, second = RecordedRun(SECRETS), RecordedRun(SECRETS)
    await first.run(found)
    await second.run(found)
    assert first.engine.history == second.engine.history


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (HttpRequest("GET", "http://a"), HttpRequest("GET", "http://a"), True),
        (HttpRequest("GET", "http://a"), HttpRequest("PUT", "http://a"), False),
        (HttpRequest("GET", "http://a"), HttpRequest("GET", "http://b"), False),
        (
            HttpRequest("GET", "http://a", body={"a": 1, "b": 2}),
            HttpRequest("GET", "http://a", body={"b": 2, "a": 1}),
            True,
        ),
        (
            HttpRequest("POST", "http://a", idempotency_key="1"),
            HttpRequest("POST", "http://a", idempotency_key="2"),
            True,
        ),
        (ChildRequest(ChildKind.AGENT, "a", "hi"), ChildRequest(ChildKind.WORKFLOW, "a", "hi"), False),
        (ChildRequest(ChildKind.AGENT, "a", "hi"), ChildRequest(ChildKind.AGENT, "a", "hi", model="m"), False),
    ],
)
def test_requests_are_the_same_when_they_ask_for_the_same(one: Any, other: Any, is_same: bool) -> None:
    assert (content_of(one) == content_of(other)) is is_same
