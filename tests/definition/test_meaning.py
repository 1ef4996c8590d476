"""What a definition asks for: warnings, variables, agents, and what cannot run yet."""

from __future__ import annotations

from pathlib import Path

from stigmer_tui.api.workflow_pb2 import Workflow, WorkflowSpec
from stigmer_tui.definition.support import called_agents, refusal, unsupported, warnings
from stigmer_tui.definition.validation import parse
from stigmer_tui.definition.variables import VariableUse, variables
from tests.definition.specs import agent, for_, http, set_, spec, switch, task

MANIFESTS = Path(__file__).parent.parent / "manifests"


def manifest(name: str) -> WorkflowSpec:
    return Workflow.FromString((MANIFESTS / name).read_bytes()).spec


def warnings_of(found: WorkflowSpec) -> list[str]:
    return [str(warning) for warning in warnings(parse(found))]


def test_print_outs_of_go_are_pointed_out() -> None:
    assert warnings_of(manifest("orders-workflow-0.pb")) == [
        (
            "/openOrders: task_config.endpoint.uri: {start region} is a plain text here; if the field is meant, write "
            '${ $context["start"].region } (in Go: .Expression())'
        )
    ]
    assert [text.partition(" is ")[0] for text in warnings_of(manifest("research-workflow-0.pb"))] == [
        "/summary: task_config.message: {paper title}",
        "/summary: task_config.message: {paper authors}",
    ]
    assert warnings_of(spec(set_("a", x="{some words}"))) == []


def test_references_to_tasks_that_are_not_there_are_pointed_out() -> None:
    assert warnings_of(
        spec(
            set_("fetch", x="1"),
            set_("shown", y="1", export="${.}"),
            set_("last", a="${ $context.fetsh.x }", b='${ $context["fetch"].x + 1 }', c="${ $context.shown.y }"),
        )
    ) == [
        (
            "/last: task_config.variables.a: ${ $context.fetsh.x }: there is no task fetsh, so this is null; "
            "did you mean fetch?"
        ),
        (
            '/last: task_config.variables.b: ${ $context["fetch"].x + 1 }: the task fetch exports nothing, so this is '
            "null; add an export to it"
        ),
    ]


def test_texts_where_an_expression_is_meant_are_pointed_out() -> None:
    assert warnings_of(
        spec(switch("a", ("x", ".b == 1", "end"), ("y", "true", "end")), for_("c", ".d", set_("e", x="")))
    ) == [
        "/a: task_config.cases[0].when: this text never holds; an expression is written ${ .b == 1 }",
        "/c: task_config.in: a text is nothing to go through; an expression is written ${ .d }",
    ]


def test_variables_come_with_the_tasks_that_use_them() -> None:
    definition = parse(
        spec(
            http("a", "${.env_vars.BASE}/x?k=${ .secrets.KEY | @uri }", headers={"A": "Bearer ${.secrets.KEY}"}),
            for_(
                "b",
                '${ .env_vars["LIST"] | split(",") }',
                set_("c", x='${ "\\(.env_vars.KEY) and \\(.a.secrets.NO)" }'),
            ),
            set_("d", x="1", export="${ .secrets.NOT_A_VARIABLE }"),
        )
    )
    assert variables(definition) == (
        VariableUse("BASE", False, ("/a",)),
        VariableUse("KEY", True, ("/a", "/b/c")),
        VariableUse("LIST", False, ("/b",)),
    )


def test_agents_are_found_wherever_they_are_called() -> None:
    assert called_agents(manifest("research-workflow-0.pb")) == ("paper-reader",)
    nested = spec(
        agent("a", "one", "hi"),
        for_("b", "${ [1] }", agent("c", "two", "hi"), agent("d", "one", "hi")),
        agent("e", "", ""),
    )
    assert called_agents(nested) == ("one", "two")


def test_a_workflow_that_cannot_run_is_refused_by_path_and_kind() -> None:
    assert refusal(parse(manifest("orders-workflow-0.pb"))) == (
        "settle-orders cannot run yet: /tell is FORK, /book is TRY, /approval is LISTEN, /stock is GRPC_CALL, "
        "/archive is CALL_ACTIVITY, /report is RUN"
    )
    assert refusal(parse(manifest("research-workflow-0.pb"))) == ""
    nested = parse(spec(for_("a", "${ [1] }", task("b", "RAISE", {"error": "E", "message": "m"}))))
    assert [found.path for found in unsupported(nested)] == ["/a/b"]
    assert refusal(nested) == "tally cannot run yet: /a/b is RAISE"
