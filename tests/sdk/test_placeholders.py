"""Point 42: formatting changes nothing; what a task uses is found where the text becomes part of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest

from stigmer_tui.sdk import Workflow, contains, jq
from stigmer_tui.sdk.errors import DefinitionError
from stigmer_tui.sdk.manifests import manifest_files
from stigmer_tui.sdk.registry import Registry, begin_registry
from tests.sdk.definitions import tasks_in

URL = "http://127.0.0.1:18080"


@pytest.fixture(autouse=True)
def registry() -> Registry:
    return begin_registry()


def exported(flow: Workflow) -> set[str]:
    return {task.name for task in tasks_in(flow) if task.is_exported}


LOOKING: list[Callable[[Any], object]] = [
    print,
    str,
    repr,
    "{}".format,
    lambda item: f"{item.title} {item} {item['the-id']!r}",
    lambda item: logging.getLogger("project").warning("got %s", item.title),
    lambda item: (item.count + 1, item.count == f"{item.other}", contains(item.labels, "x"), jq("add", item.amounts)),
]


@pytest.mark.parametrize("look", LOOKING)
def test_looking_at_a_reference_deploys_the_same(look: Callable[[Any], object]) -> None:
    def define(look: Callable[[Any], object]) -> dict[str, bytes]:
        registry = begin_registry()
        with Workflow("flow") as flow:
            item = flow.http_get("fetch", URL)
            look(item)
            with flow.for_each("each", [1]) as turn:
                inner = flow.http_get("inner", URL)
                look(inner)
            look(turn)
            look(inner)
            flow.set("result", text="Nothing of it", by_hand='${ $context["other"].title }')
        look(item)
        return manifest_files(registry, 0)

    assert define(look) == define(lambda item: None)


@pytest.mark.parametrize(
    "write",
    [
        lambda flow, item: flow.set("s", a=item),
        lambda flow, item: flow.set("s", a=f"x {item.title} y"),
        lambda flow, item: flow.set("s", a=[{"b": f"{item.title}"}]),
        lambda flow, item: flow.set("s", a=item.count + 1),
        lambda flow, item: flow.set("s", a=flow.input.count == f"{item.count}"),
        lambda flow, item: flow.http_get("s", f"{URL}/{item.id}"),
        lambda flow, item: flow.http_get("s", URL, headers={"X": f"{item.id}"}),
        lambda flow, item: flow.http_post("s", URL, body={"a": [f"{item.id}"]}),
        lambda flow, item: flow.call_agent("s", "helper", message=f"{item.title}", env={"A": "b"}),
        lambda flow, item: flow.call_agent("s", "helper", message="hi", env={"A": f"{item.title}"}),
        lambda flow, item: (flow.for_each("s", item.list).__enter__(), flow.wait("w", 1)),
        lambda flow, item: flow.set("s", a='${ $context["fetch"].title }'),
        lambda flow, item: flow.set("s", a="${ $context.fetch | length }"),
        lambda flow, item: flow.set("s", a=f"{item.title} ${{ $context.fetch.a }}"),
    ],
)
def test_what_becomes_part_of_a_task_is_used(write: Callable[[Workflow, Any], object]) -> None:
    with Workflow("flow") as flow:
        write(flow, flow.http_get("fetch", URL))
    assert "fetch" in exported(flow)


def test_a_case_uses_what_its_condition_compares() -> None:
    with Workflow("flow") as flow:
        item = flow.http_get("fetch", URL)
        with flow.switch("size") as size, size.case(item.count == 0):
            flow.wait("pause", 1)
    assert exported(flow) == {"fetch"}


def test_a_task_that_is_named_before_it_is_written_is_used() -> None:
    with Workflow("flow") as flow:
        again = flow.set("first", a="${ $context.poll.state }")
        flow.http_get("poll", URL)
        flow.go_to(again)
    assert exported(flow) == {"poll"}


def test_the_same_text_means_what_has_a_value_where_it_is_used() -> None:
    texts = []
    for name in ("one", "two"):
        with Workflow(name) as flow:
            texts.append(f"{flow.http_get('fetch', URL).title}")
            with flow.for_each("each", [1]) as turn:
                texts.append(f"{turn.id}")
                flow.set("inner", a=f"{turn.id}")
            with flow.for_each("other", [1]) as turn:
                flow.set("last", a=f"{turn.id}")
            flow.set("result", a=texts[0])
        assert "fetch" in exported(flow)
    assert texts[0] == texts[2]


def test_a_text_from_elsewhere_is_refused_where_it_is_used() -> None:
    with Workflow("one") as one:
        text = f"{one.http_get('fetch', URL).title}"
    with Workflow("two") as two:
        with pytest.raises(DefinitionError, match='of workflow "one" cannot be read in workflow "two"'):
            two.set("a", x=text)
        with pytest.raises(DefinitionError, match='of workflow "one" cannot be read in workflow "two"'):
            two.set("a", x=two.input.x == text)


class Uncountable(dict[str, Any]):
    """Everything in it can be found, nothing can be gone through."""

    def __iter__(self) -> NoReturn:
        raise AssertionError("the time of one text would grow with the number of all")

    keys = values = items = __iter__


def test_the_time_of_a_text_does_not_depend_on_how_many_there_are(registry: Registry) -> None:
    registry.placeholders.known = Uncountable()
    with Workflow("flow") as flow:
        item = flow.http_get("fetch", URL)
        for number in range(100):
            flow.set(f"set-{number}", a=f"{item[number]} of {item['}']}")
    assert len(tasks_in(flow)) == 101


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable()
    yield
    logging.disable(logging.NOTSET)
