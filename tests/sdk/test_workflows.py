"""What workflows written in Python become, and what is refused while they are written."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from stigmer_tui.api.workflow_pb2 import Workflow as WorkflowMessage
from stigmer_tui.definition.task_kinds import SetTask, WaitTask
from stigmer_tui.definition.validation import parse
from stigmer_tui.sdk import Agent, AgentRef, Reference, Workflow, contains, env, length, secret
from stigmer_tui.sdk.errors import DefinitionError
from stigmer_tui.sdk.layout import PlacedTask
from stigmer_tui.sdk.manifests import manifest_files
from stigmer_tui.sdk.registry import Registry, begin_registry
from tests.sdk.definitions import tasks_in

URL = "http://127.0.0.1:18080"


@pytest.fixture(autouse=True)
def registry() -> Registry:
    return begin_registry()


def tasks_of(write: Callable[[Workflow], object]) -> dict[str, PlacedTask]:
    with Workflow("flow") as flow:
        write(flow)
    return {task.name: task for task in tasks_in(flow)}


def test_the_example_of_the_documentation() -> None:
    helper = Agent("helper", instructions="Answer in one sentence.")
    with Workflow("tally", namespace="demo") as flow:
        headers = {"Authorization": f"Bearer {secret('TOKEN')}"}
        item = flow.http_get("fetch", f"{URL}/item.json", headers=headers)
        praise = flow.call_agent("answer", helper, message=f"Say something kind about {item.title}")
        flow.set("result", title=item.title, praise=praise.response)

    fetch, answer, result = tasks_in(flow)
    assert fetch.kind == "HTTP_CALL"
    assert fetch.config == {
        "method": "GET",
        "endpoint": {"uri": f"{URL}/item.json"},
        "headers": {"Authorization": "Bearer ${.secrets.TOKEN}"},
        "timeout_seconds": 30,
    }
    assert answer.config == {"agent": "helper", "message": 'Say something kind about ${ $context["fetch"].title }'}
    assert result.config == {
        "variables": {"title": '${ $context["fetch"].title }', "praise": '${ $context["answer"].response }'}
    }
    assert [task.is_exported for task in tasks_in(flow)] == [True, True, False]


def test_set_keeps_texts_and_types() -> None:
    def write(flow: Workflow) -> None:
        item = flow.http_get("fetch", URL)
        flow.set(
            "values",
            {"a-b": "5"},
            number=5,
            yes=True,
            nothing=None,
            many=[1, "two", {"three": item.three, "sum": item.a + 1}],
            lines=[f"{item.id}: {item.a + 1}"],
            whole=item,
            token=secret("TOKEN"),
            name="x",
        )

    assert tasks_of(write)["values"].config["variables"] == {
        "a-b": "5",
        "number": "${ 5 }",
        "yes": "${ true }",
        "nothing": "${ null }",
        "many": '${ [1, "two", {"three": $context["fetch"].three, "sum": ($context["fetch"].a + 1)}] }',
        "lines": r'${ ["\($context["fetch"].id): \($context["fetch"].a + 1)"] }',
        "whole": '${ $context["fetch"] }',
        "token": "${.secrets.TOKEN}",
        "name": "x",
    }


def test_requests() -> None:
    def write(flow: Workflow) -> None:
        item = flow.http_get("get", URL, timeout=5)
        flow.http_post("post", f"{URL}/{item.id}", body={"n": item.n, "deep": [{"t": f"x {item.t}"}, 1.5, None, True]})
        flow.http_put("put", item.url, body={})
        flow.http_patch("patch", URL, headers={"X-Count": 5})  # type: ignore[dict-item]
        flow.http_delete("delete", URL)

    tasks = tasks_of(write)
    assert [task.config["method"] for task in tasks.values()] == ["GET", "POST", "PUT", "PATCH", "DELETE"]
    assert tasks["get"].config["timeout_seconds"] == 5
    assert tasks["post"].config["endpoint"] == {"uri": URL + '/${ $context["get"].id }'}
    assert tasks["post"].config["body"] == {
        "n": '${ $context["get"].n }',
        "deep": [{"t": 'x ${ $context["get"].t }'}, 1.5, None, True],
    }
    assert tasks["put"].config["endpoint"] == {"uri": '${ $context["get"].url }'}
    assert tasks["put"].config["body"] == {}
    assert tasks["patch"].config["headers"] == {"X-Count": "5"}
    assert "body" not in tasks["delete"].config


def test_agents_are_called_with_their_settings() -> None:
    Agent("helper", instructions="Answer in one sentence.")

    def write(flow: Workflow) -> None:
        flow.call_agent("a", "helper", message="Hi", env={"TOKEN": secret("TOKEN")}, timeout=60)
        flow.call_agent("b", AgentRef("reviewer"), message=flow.message, model="claude-sonnet-4.5", temperature=0)

    tasks = tasks_of(write)
    assert tasks["a"].config == {
        "agent": "helper",
        "message": "Hi",
        "env": {"TOKEN": "${.secrets.TOKEN}"},
        "config": {"timeout": 60},
    }
    assert tasks["b"].config["message"] == "${ $input.trigger_message }"
    assert tasks["b"].config["config"] == {"model": "claude-sonnet-4.5", "temperature": 0, "timeout": 3600}


def test_the_input_of_a_run() -> None:
    tasks = tasks_of(lambda flow: flow.set("x", id=flow.input.order["order-id"], text=f"{flow.message}!"))
    assert tasks["x"].config["variables"] == {
        "id": '${ $input.order["order-id"] }',
        "text": "${ $input.trigger_message }!",
    }


def test_a_loop_and_what_it_gives() -> None:
    def write(flow: Workflow) -> None:
        shop = flow.http_get("shop", URL)
        charges = flow.for_each("charge-all", shop.orders)
        with charges as order:
            receipt = flow.http_post("charge", URL, body={"id": order.id})
            flow.set("charged", id=order.id, receipt=receipt.number)
        flow.set("result", first=charges[0].receipt, count=length(charges))

    tasks = tasks_of(write)
    assert list(tasks) == ["shop", "charge-all", "result"]
    assert tasks["charge-all"].is_exported
    assert tasks["charge-all"].config == {
        "each": "item",
        "in": '${ $context["shop"].orders }',
        "do": [
            {
                "name": "charge",
                "kind": "WORKFLOW_TASK_KIND_HTTP_CALL",
                "taskConfig": {
                    "method": "POST",
                    "endpoint": {"uri": URL},
                    "body": {"id": "${ $data.item.id }"},
                    "timeout_seconds": 30,
                },
                "export": {"as": "${.}"},
            },
            {
                "name": "charged",
                "kind": "WORKFLOW_TASK_KIND_SET",
                "taskConfig": {"variables": {"id": "${ $data.item.id }", "receipt": '${ $context["charge"].number }'}},
            },
        ],
    }
    assert tasks["result"].config["variables"]["first"] == '${ $context["charge-all"][0].receipt }'


def test_loops_within_loops_have_elements_of_their_own() -> None:
    def write(flow: Workflow) -> None:
        with flow.for_each("outer", [[1], [2, 3]]) as row, flow.for_each("inner", row) as cell:
            flow.set("sum", total=row[0] + cell)

    outer = tasks_of(write)["outer"]
    inner = outer.config["do"][0]
    assert outer.config["in"] == "${ [[1], [2, 3]] }"
    assert inner["taskConfig"]["in"] == "${ $data.item }"
    assert inner["taskConfig"]["each"] == "item_2"
    assert inner["taskConfig"]["do"][0]["taskConfig"]["variables"]["total"] == "${ $data.item[0] + $data.item_2 }"


def test_a_loop_counts_and_names_its_element() -> None:
    def write(flow: Workflow) -> None:
        with flow.for_each("thrice", 3, each="turn") as turn:
            flow.set("x", turn_number=turn + 1)

    config = tasks_of(write)["thrice"].config
    assert (config["each"], config["in"]) == ("turn", "${ 3 }")


def route(tasks: dict[str, PlacedTask], chosen: dict[str, int]) -> list[str]:
    """The tasks that run when each switch takes the case of that number: the meaning of a list of tasks and jumps."""
    order = list(tasks)
    visited = []
    at: str | None = order[0]
    while at is not None:
        task = tasks[at]
        visited.append(at)
        target = task.config["cases"][chosen[at]]["then"] if task.kind == "SWITCH" else task.then
        if target == "end":
            break
        following = order.index(at) + 1
        at = target or (order[following] if following < len(order) else None)
        assert len(visited) < 20
    return visited


def write_branches(flow: Workflow) -> None:
    item = flow.http_get("fetch", URL)
    with flow.switch("size") as size:
        with size.case(item.count == 0):
            flow.set("none", x="1")
            flow.end()
        with size.case(item.count > 10):
            with flow.switch("kind") as kind:
                with kind.case(contains(item.labels, "bug")):
                    flow.set("bug", x="1")
                with kind.case(item.labels == []):
                    pass
            flow.set("many", x="1")
        with size.case(item.count > 5), flow.switch("inner") as inner:
            with inner.case(item.x == 1):
                flow.set("one", x="1")
            with inner.default():
                flow.end()
        with size.default():
            flow.set("some", x="1")
    flow.set("after", x="1")


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"size": 0}, ["fetch", "size", "none"]),
        ({"size": 1, "kind": 0}, ["fetch", "size", "kind", "bug", "many", "after"]),
        ({"size": 1, "kind": 1}, ["fetch", "size", "kind", "many", "after"]),
        ({"size": 1, "kind": 2}, ["fetch", "size", "kind", "many", "after"]),
        ({"size": 2, "inner": 0}, ["fetch", "size", "inner", "one", "after"]),
        ({"size": 2, "inner": 1}, ["fetch", "size", "inner"]),
        ({"size": 3}, ["fetch", "size", "some", "after"]),
    ],
)
def test_each_case_runs_its_own_tasks_and_then_what_follows(chosen: dict[str, int], expected: list[str]) -> None:
    assert route(tasks_of(write_branches), chosen) == expected


def test_cases_are_named_after_what_they_lead_to() -> None:
    cases = tasks_of(write_branches)["size"].config["cases"]
    assert [case["name"] for case in cases] == ["none", "kind", "inner", "default"]
    assert cases[0]["when"] == '${ $context["fetch"].count == 0 }'
    assert "when" not in cases[3]


def test_a_switch_at_the_end_ends_the_workflow() -> None:
    def write(flow: Workflow) -> None:
        with flow.switch("size") as size:
            with size.case(flow.input.count == 0):
                flow.set("none", x="1")
            with size.case(flow.input.count == 1):
                flow.set("one", x="1")

    tasks = tasks_of(write)
    assert route(tasks, {"size": 0}) == ["size", "none"]
    assert route(tasks, {"size": 1}) == ["size", "one"]
    assert route(tasks, {"size": 2}) == ["size"]


def test_a_switch_at_the_end_of_a_loop_ends_the_turn_only() -> None:
    def write(flow: Workflow) -> None:
        with flow.for_each("each", [1, 2]) as item, flow.switch("size") as size:
            with size.case(item == 1):
                flow.set("one", x="1")
            with size.case(item == 2):
                flow.end()

    switch, one = tasks_of(write)["each"].config["do"]
    assert [case["then"] for case in switch["taskConfig"]["cases"]] == ["one", "end", "exit"]
    assert "flow" not in one


def test_jumps_go_back_and_forth() -> None:
    def write(flow: Workflow) -> None:
        job = flow.http_get("poll", URL)
        with flow.switch("ready") as ready:
            with ready.case(job.state != "done"):
                flow.wait("pause", seconds=2)
                flow.go_to(job)
            with ready.case(job.failed == 1):
                flow.go_to("sorry")
            with ready.default():
                flow.set("thanks", x="1")
                flow.end()
        flow.set("sorry", x="1")

    tasks = tasks_of(write)
    assert tasks["pause"].then == "poll"
    assert route(tasks, {"ready": 1}) == ["poll", "ready", "sorry"]
    assert route(tasks, {"ready": 2}) == ["poll", "ready", "thanks"]


MISTAKES: list[tuple[Callable[[Any], Any], str, str]] = [
    (lambda flow: (flow.wait("a", 1), flow.wait("a", 1)), 'a task "a" already, in line', "a name of its own"),
    (lambda flow: flow.wait("two words", 1), "'two words' is not a valid task name", '"two-words"'),
    (lambda flow: flow.wait("end", 1), '"end" is not a valid task name', "Choose another"),
    (lambda flow: flow.wait("a", 0), "seconds is 0", "from 1 to"),
    (lambda flow: flow.wait("a", 1.5), "seconds must be a whole number", "from 1 to"),
    (lambda flow: flow.wait("a", flow.input.pause), "seconds must be a whole number", "from 1 to"),
    (lambda flow: flow.wait(flow.input.name, 1), "The name of a task must be a text that is known", "References"),
    (lambda flow: flow.wait(f"{flow.input.name}", 1), "not a text with an expression", "References"),
    (lambda flow: flow.http_get("a", "shop.example"), "'shop.example' is not a valid URL", "https://"),
    (lambda flow: flow.http_get("a", URL, timeout=301), "timeout is 301", "from 1 to 300"),
    (lambda flow: flow.http_get("a", URL, headers=["x"]), "headers must be a mapping, not a list", "Such as"),
    (lambda flow: flow.http_get("a", URL, headers={"A": None}), "headers['A'] must be a text", "f-string"),
    (lambda flow: flow.http_post("a", URL, body=[1]), "body must be a mapping", "Wrap"),
    (lambda flow: flow.http_post("a", URL, body={"x": {1, 2}}), "body['x'] cannot be a set", "lists and mappings"),
    (lambda flow: flow.http_post("a", URL, body={"x": [2**60]}), "body['x'][0] is too large", "text"),
    (lambda flow: flow.http_post("a", URL, body={"x": float("inf")}), "which JSON cannot hold", "finite"),
    (lambda flow: flow.http_request("a", "HEAD", URL), "'HEAD' is not a method", "PATCH"),
    (lambda flow: flow.http_get("a", URL, params=["x"]), "params must be a mapping, not a list", "page"),
    (lambda flow: flow.http_get("a", URL, params={"x": None}), "params['x'] must be a text, not None", "f-string"),
    (lambda flow: flow.http_get("a", f"{URL}#top", params={"x": 1}), "has a fragment", "Leave out"),
    (lambda flow: flow.task("a", "wait", {"seconds": 1}), "'wait' is not a kind of task", "HTTP_CALL"),
    (lambda flow: flow.task("a", "WAIT", 1), "config must be a mapping", "seconds"),
    (lambda flow: flow.set("a"), "sets nothing", "flow.set("),
    (lambda flow: flow.set("a", x=object()), "of type object", "lists and mappings"),
    (lambda flow: flow.set("a", x="Hi ${ .x | }"), "“Hi ${ .x | }” has an expression that cannot be read", "jq"),
    (lambda flow: flow.set("a", x=f"{flow.input.x} ${{ 1"), "is never closed", "jq"),
    (lambda flow: flow.http_post("a", URL, body={"x": ["${ halt }"]}), "`halt` is not available", "jq"),
    (lambda flow: flow.http_get("a", URL, headers={"X": "${ ( }"}), "cannot be read", "jq"),
    (lambda flow: flow.set("a", {"x${1}": 1}), "known when the workflow is written", "References"),
    (lambda flow: flow.call_agent("a", "Helper", message="x"), "'Helper' is not a valid agent name", '"helper"'),
    (lambda flow: flow.call_agent("a", "helper", message=None), "message must be a text, not None", "f-string"),
    (lambda flow: flow.call_agent("a", "helper", message="x", temperature=2), "temperature is 2", "from 0 to 1"),
    (lambda flow: flow.call_agent("a", "helper", message="x", timeout=0), "timeout is 0", "3600"),
    (lambda flow: flow.for_each("a", "abc"), "cannot iterate over a text", "reference"),
    (lambda flow: flow.go_to(flow.input.x), "is not a task", "flow.go_to(job)"),
    (lambda flow: (flow.end(), flow.wait("a", 1)), 'task "a" can never be reached', "jump in line"),
    (lambda flow: (flow.end(), flow.end()), "can never be reached", "line"),
    (lambda flow: flow.switch("s").__enter__().case("x"), "A case needs a condition", "Compare"),
    (lambda flow: (flow.switch("s").__enter__(), flow.wait("a", 1)), "in none of its cases", "size.case"),
]


@pytest.mark.parametrize(("write", "message", "advice"), MISTAKES)
def test_mistakes_name_what_is_wrong_and_what_to_do(write: Callable[[Any], Any], message: str, advice: str) -> None:
    with pytest.raises(DefinitionError) as raised, Workflow("flow") as flow:
        write(flow)
    assert message in raised.value.message
    assert advice in raised.value.advice
    assert raised.value.location.file == __file__


def mistake_in(write: Callable[[], object]) -> str:
    """The message, once it is clear that it names the line marked with `# here`."""
    with pytest.raises(DefinitionError) as raised:
        write()
    lines, first = inspect.getsourcelines(write)
    (marked,) = [first + offset for offset, line in enumerate(lines) if line.rstrip().endswith("# here")]
    assert raised.value.location == (__file__, marked)
    return str(raised.value)


def test_a_jump_to_nowhere_is_found_at_the_end_of_the_workflow() -> None:
    def write() -> None:
        with Workflow("flow") as flow:
            flow.set("apology", x="1")
            with flow.switch("size") as size, size.case(flow.input.count == 0):
                flow.go_to("appology")  # here

    assert 'Did you mean "apology"?' in mistake_in(write)


def test_a_jump_cannot_leave_a_loop() -> None:
    def write() -> None:
        with Workflow("flow") as flow:
            first = flow.wait("first", 1)
            with flow.for_each("each", [1]):
                flow.wait("second", 1)
                flow.go_to(first)  # here

    assert "cannot enter or leave a loop" in mistake_in(write)


def test_a_loop_keeps_its_outputs_to_itself() -> None:
    def write() -> None:
        with Workflow("flow") as flow:
            with flow.for_each("each", [1]):
                inner = flow.http_get("fetch", URL)
            flow.set("result", title=f"{inner.title}")  # here

    assert '"fetch" is a task of the loop "each"' in mistake_in(write)


def test_the_element_of_a_loop_stays_in_the_loop() -> None:
    def write() -> None:
        with Workflow("flow") as flow:
            with flow.for_each("each", [1]) as item:
                flow.set("a", x=item)
            flow.set("b", x=item)  # here

    assert "cannot be read outside of the loop" in mistake_in(write)


def test_a_loop_has_no_output_within_itself() -> None:
    def write() -> None:
        with Workflow("flow") as flow:
            loop = flow.for_each("each", [1])
            with loop:
                flow.set("a", x=loop)  # here

    assert "when the loop has ended" in mistake_in(write)


def test_a_loop_without_tasks() -> None:
    def write() -> None:
        with Workflow("flow") as flow:
            flow.wait("a", 1)
            with flow.for_each("each", [1]):  # here
                pass

    assert 'The loop "each" has no tasks' in mistake_in(write)


def test_a_switch_without_cases() -> None:
    def write() -> None:
        with Workflow("flow") as flow, flow.for_each("each", [1]):
            flow.switch("size")  # here

    assert 'The switch "size" has no cases' in mistake_in(write)


def test_nothing_may_hide_the_element_of_a_loop() -> None:
    def write() -> None:
        with Workflow("flow") as flow, flow.for_each("each", [1]) as item:
            flow.set("a", item=item)  # here

    assert 'hides the element of the loop "each"' in mistake_in(write)


def test_workflows_share_no_data() -> None:
    def write() -> None:
        with Workflow("one") as one:
            fetched = one.http_get("fetch", URL)
        with Workflow("two") as two:
            two.set("a", x=fetched.title)  # here

    assert 'The output of "fetch" of workflow "one" cannot be read in workflow "two"' in mistake_in(write)


def test_a_reference_outlives_its_workflow_in_vain() -> None:
    def write() -> None:
        with Workflow("one") as one:
            fetched = one.http_get("fetch", URL)
        one.set("late", title=f"{fetched.title}")  # here

    assert "outside of its `with` block" in mistake_in(write)


def test_a_task_outside_of_the_with_block() -> None:
    def write() -> None:
        Workflow("one").wait("a", 1)  # here

    assert 'stands outside of workflow "one"' in mistake_in(write)


def test_workflows_do_not_nest() -> None:
    def write() -> None:
        with Workflow("one"), Workflow("two"):  # here
            pass

    assert 'Workflow "one" is not finished' in mistake_in(write)


def test_a_workflow_is_written_once() -> None:
    def write() -> None:
        with Workflow("one") as one:
            one.wait("a", 1)
        with one:  # here
            pass

    assert "is finished" in mistake_in(write)


def test_an_empty_workflow_is_found_at_the_end(registry: Registry) -> None:
    def write() -> None:
        Workflow("empty")  # here
        registry.check()

    assert 'Workflow "empty" has no tasks' in mistake_in(write)


def test_an_unknown_agent_is_found_at_the_end(registry: Registry) -> None:
    def write() -> None:
        with Workflow("flow") as flow:
            flow.call_agent("a", "helpr", message="x")  # here
        Agent("helper", instructions="Answer in one sentence.")
        registry.check()

    text = mistake_in(write)
    assert 'This project has no agent "helpr"' in text
    assert 'Did you mean "helper"?' in text


def test_two_workflows_of_one_name() -> None:
    def write() -> None:
        Workflow("flow")
        Workflow("flow")  # here

    assert 'The workflow "flow" is defined already' in mistake_in(write)


def test_an_error_of_python_is_not_hidden_by_an_unfinished_workflow() -> None:
    with pytest.raises(ZeroDivisionError), Workflow("flow") as flow, flow.for_each("each", [1]):
        flow.wait("a", 1 // 0)
    with Workflow("other") as other:
        other.wait("a", 1)


def test_variables_are_described_once(registry: Registry) -> None:
    env("REGION")
    env("REGION", default="eu", description="Region of the shop")
    env("REGION", default="eu")
    assert registry.variables["REGION"].default == "eu"
    assert registry.variables["REGION"].description == "Region of the shop"
    for contradiction in (lambda: env("REGION", default="us"), lambda: secret("REGION")):
        with pytest.raises(DefinitionError, match="REGION is described differently in line"):
            contradiction()
    with pytest.raises(DefinitionError, match="'api-token' is not a valid variable name") as raised:
        secret("api-token")
    assert '"API_TOKEN"' in raised.value.advice


def uri_of(write: Callable[[Any], Any]) -> str:
    *_, task = tasks_of(write).values()
    return str(task.config["endpoint"]["uri"])


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (lambda flow: flow.http_get("a", URL, params={"q": "a b&c", "n": 2, "on": True}), "?q=a%20b%26c&n=2&on=true"),
        (lambda flow: flow.http_get("a", f"{URL}?x=1", params={"y": [1, "2"]}), "?x=1&y=1&y=2"),
        (lambda flow: flow.http_get("a", URL, params={}), ""),
        (lambda flow: flow.http_get("a", URL, params={"tag": []}), ""),
        (lambda flow: flow.http_delete("a", URL, params={"é": "/"}), "?%C3%A9=%2F"),
        (lambda flow: flow.http_put("a", URL, params={"q": flow.input.q}), "?q=${ $input.q | tostring | @uri }"),
        (
            lambda flow: flow.http_patch("a", URL, params={"q": f"{flow.input.a} or b"}),
            '?q=${ "\\($input.a) or b" | tostring | @uri }',
        ),
        (lambda flow: flow.http_post("a", URL, params={"t": secret("T")}), "?t=${ .secrets.T | tostring | @uri }"),
        (lambda flow: flow.http_get("a", f"{URL}/${{ $input.x? }}", params={"n": 1}), "/${ $input.x? }?n=1"),
    ],
)
def test_parameters_are_added_to_the_query(write: Callable[[Any], Any], expected: str) -> None:
    assert uri_of(write) == URL + expected


def test_whether_a_url_that_is_an_expression_has_a_query_is_seen_by_the_run() -> None:
    def write(flow: Workflow) -> None:
        page = flow.http_get("page", URL)
        flow.http_get("next", page.next, params={"n": 1})

    test = '${ if "\\($context["page"].next)" | contains("?") then "&" else "?" end }'
    page, following = tasks_of(write).values()
    assert following.config["endpoint"]["uri"] == f'${{ $context["page"].next }}{test}n=1'
    assert page.is_exported


def test_any_method_is_a_request(registry: Registry) -> None:
    def write(flow: Workflow) -> None:
        flow.http_request("a", "PATCH", URL, headers={"X": "y"}, body={"n": flow.input.n}, timeout=7)

    assert tasks_of(write)["a"].config == {
        "method": "PATCH",
        "endpoint": {"uri": URL},
        "headers": {"X": "y"},
        "body": {"n": "${ $input.n }"},
        "timeout_seconds": 7,
    }


class ShopWorkflow(Workflow):
    def pause(self, name: str, minutes: int) -> Reference:
        """A method for a kind of task, as a project may write it."""
        return self.task(name, "WAIT", {"seconds": minutes * 60})


def test_a_subclass_adds_a_method_for_a_kind_of_task(registry: Registry) -> None:
    with ShopWorkflow("flow") as flow:
        item = flow.http_get("fetch", URL)
        flow.pause("rest", minutes=2)
        flow.task("greet", "SET", {"variables": {"title": item.title}})
    fetch, rest, greet = parse(WorkflowMessage.FromString(manifest_files(registry, 0)["workflow-0.pb"]).spec).tasks
    assert isinstance(rest, WaitTask)
    assert rest.seconds == 120
    assert isinstance(greet, SetTask)
    assert greet.variables["title"].source == '${ $context["fetch"].title }'
    assert fetch.export is not None


def test_an_unknown_kind_of_task_is_found_at_the_end(registry: Registry) -> None:
    def write() -> None:
        with Workflow("flow") as flow, flow.for_each("each", [1]):
            flow.task("a", "HTTP_CAL", {})  # here
        manifest_files(registry, 0)

    text = mistake_in(write)
    assert 'There is no kind of task "HTTP_CAL"' in text
    assert 'Did you mean "HTTP_CALL"?' in text
