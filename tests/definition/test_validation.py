"""Validation at creation: all problems at once, each with place and what to do.

See `docs/compatibility.md` 8, 24, 30, 81.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer_tui.api.workflow_pb2 import Workflow, WorkflowSpec, WorkflowTask
from stigmer_tui.definition.problems import InvalidDefinition
from stigmer_tui.definition.task_kinds import ForkTask, ForTask, HttpTask, SetTask, SwitchTask, TryTask
from stigmer_tui.definition.tasks import every_task
from stigmer_tui.definition.validation import parse
from tests.definition.specs import Task, agent, for_, http, set_, spec, switch, task, wait

MANIFESTS = Path(__file__).parent.parent / "manifests"


def problems_of(found: WorkflowSpec) -> list[str]:
    with pytest.raises(InvalidDefinition) as invalid:
        parse(found)
    return [str(problem) for problem in invalid.value.problems]


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (
            http("a", "http://u", method="FETCH"),
            "/a: task_config.method: must be in list [GET, POST, PUT, DELETE, PATCH]",
        ),
        (http("a", ""), "/a: task_config.endpoint.uri: value is required"),
        (http("a", "/items"), "/a: task_config.endpoint.uri: /items: an address begins with http:// or https://"),
        (
            http("a", "http://u", timeout_seconds=301),
            "/a: task_config.timeout_seconds: must be greater than or equal to 1 and less than or equal to 300",
        ),
        (
            http("a", "http://u", timeout_seconds=1.5),
            "/a: task_config.timeout_seconds: must be a whole number, not 1.5",
        ),
        (http("a", "http://u", headers={"X": 5}), "/a: task_config.headers.X: must be a text, not 5"),
        (
            http("a", "http://u", header={}),
            (
                "/a: task_config.header: there is no such key, only method, endpoint, headers, body, timeout_seconds; "
                "did you mean headers?"
            ),
        ),
        (
            task("a", "HTTP_CALL", {"method": "GET", "endpoint": "u"}),
            '/a: task_config.endpoint: must be an object, not "u"',
        ),
        (wait("a", 0), "/a: task_config.seconds: value is required"),
        (task("a", "WAIT", {"seconds": "5"}), '/a: task_config.seconds: must be a whole number, not "5"'),
        (task("a", "SET", {"variables": ["x"]}), "/a: task_config.variables: must be an object, not a list"),
        (task("a", "SET", {}), "/a: task_config.variables: value is required"),
        (set_("a", then="nowhere"), "/a: flow.then: there is no task nowhere beside this one"),
        (set_("a", then="edn"), "/a: flow.then: there is no task edn beside this one; did you mean end?"),
        (set_("end"), "/end: name: end says where to go on; choose another name"),
        (set_("a/b"), "/a/b: name: a name has no slash in it: slashes separate the names in a path"),
        (set_("a", x="${ | }"), "/a: task_config.variables.x: ${ | }: syntax error, unexpected '|' at column 2"),
        (set_("a", x="Hi ${ .b"), "/a: task_config.variables.x: Hi ${ .b: `${ .b` is never closed"),
        (set_("a", x="${ input }"), "/a: task_config.variables.x: ${ input }: `input` is not available in expressions"),
        (set_("a", export="${ foo }"), "/a: export.as: ${ foo }: foo/0 is not defined at column 2"),
        (switch("a", ("x", "${ 1 } ==", "b")), "/a: task_config.cases[0].then: there is no task b beside this one"),
        (switch("a", ("x", "${ 1 } ==", "end")), "/a: task_config.cases[0].when: ${ 1 } ==: syntax error"),
        (
            switch("a", ("x", "", "end"), ("y", "", "end")),
            "/a: task_config.cases: several cases have no condition; only one can be the default",
        ),
        (
            for_("a", "${ [1] }", http("b", "http://u", method="FETCH")),
            "/a/b: task_config.method: must be in list [GET, POST, PUT, DELETE, PATCH]",
        ),
        (for_("a", "${ [1] }", set_("b", then="a")), "/a/b: flow.then: there is no task a beside this one"),
        (for_("a", "${ [1] }"), "/a: task_config.do: must contain at least 1 item(s)"),
        (for_("a", "${ [1] }", {"name": "b"}), "/a/b: kind: value is required"),
        (
            for_("a", "${ [1] }", {"name": "b", "kind": "WORKFLOW_TASK_KIND_SETT", "taskConfig": {}}),
            "/a: task_config.do[0].kind: there is no WORKFLOW_TASK_KIND_SETT; did you mean WORKFLOW_TASK_KIND_SET?",
        ),
        (
            for_("a", "${ [1] }", {**set_("b"), "unless": "x"}),
            "/a: task_config.do[0].unless: there is no such key, only name, kind, task_config, export, flow",
        ),
        (
            task("a", "FORK", {"branches": [{"name": "b", "do": [set_("c", x="")]}]}),
            "/a: task_config.branches: must contain",
        ),
        (
            task("a", "FORK", {"branches": [{"name": "b", "do": [set_("c", x="")]}] * 2}),
            "/a: task_config.branches: 2 branches are called b; give each its own name",
        ),
        (
            task("a", "TRY", {"try": [set_("b")], "catch": {"do": [wait("c", -1)]}}),
            "/a/catch/c: task_config.seconds: must be",
        ),
        (agent("a", "helper", "hi", config={"timeout": 3601}), "/a: task_config.config.timeout: must be"),
        (agent("a", "helper", ""), "/a: task_config.message: value is required"),
    ],
)
def test_a_problem_names_the_place(bad: Task, problem: str) -> None:
    assert any(found.startswith(problem) for found in problems_of(spec(bad))), problems_of(spec(bad))


def test_all_problems_come_at_once() -> None:
    found = spec(http("a", "${", method="X", then="c"), set_("b", x="${ 1 + }"), set_("b", x="1"), name="")
    found.document.dsl = "2.0.0"
    assert [problem.partition(": ")[0] for problem in problems_of(found)] == [
        "document.dsl",
        "document.name",
        "/a",
        "/a",
        "/b",
        "/a",
        "/b",
    ]


def test_a_wrong_type_is_one_problem_not_two() -> None:
    bad = task("a", "HTTP_CALL", {"method": 5, "endpoint": {"uri": "http://u"}})
    assert problems_of(spec(bad)) == ["/a: task_config.method: must be a text, not 5"]


def test_tasks_without_what_they_need_are_named_by_their_position() -> None:
    found = spec(set_("a", x="1"))
    found.tasks.append(WorkflowTask())
    assert problems_of(found) == [
        "/[1]: name: value is required",
        "/[1]: kind: value is required",
        "/[1]: task_config: value is required",
    ]
    assert problems_of(WorkflowSpec()) == ["document: value is required", "tasks: must contain at least 1 item(s)"]


def test_same_names_in_different_lists_are_fine() -> None:
    definition = parse(spec(set_("a", x="1"), for_("b", "${ [1] }", set_("a", x="1"))))
    assert [found.path for found in every_task(definition.tasks)] == ["/a", "/b", "/b/a"]


def test_the_error_reads_well() -> None:
    with pytest.raises(InvalidDefinition) as invalid:
        parse(spec(wait("a", -1), name="tally"))
    assert str(invalid.value) == (
        "The workflow tally has 1 problem\n\n/a: task_config.seconds: must be greater than or equal to 1"
    )


def test_both_spellings_and_all_kinds_of_a_recorded_manifest_are_read() -> None:
    manifest = Workflow.FromString((MANIFESTS / "orders-workflow-0.pb").read_bytes())
    definition = parse(manifest.spec)
    paths = [task.path for task in every_task(definition.tasks)]
    assert (definition.namespace, definition.name, definition.version) == ("shop", "settle-orders", "1.2.0")
    assert {"/eachOrder/charge", "/tell/mail/mailed", "/book/try/post", "/book/catch/noted", "/report"} <= set(paths)
    start, orders, size, each, tell, book, *_ = definition.tasks
    assert isinstance(start, SetTask)
    assert start.variables["region"].expressions[0].variables == (("env_vars", "REGION"),)
    assert isinstance(orders, HttpTask)
    assert orders.timeout == 30
    assert isinstance(size, SwitchTask)
    assert [case.then for case in size.cases] == ["end", "end", "eachOrder"]
    assert isinstance(each, ForTask)
    assert each.items.expressions[0].plain
    assert isinstance(tell, ForkTask)
    assert [branch.path for branch in tell.branches] == ["/tell/mail", "/tell/chat"]
    assert isinstance(book, TryTask)
    assert (book.catch_as, definition.tasks[-1].then) == ("problem", "end")
