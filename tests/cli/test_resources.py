"""What the commands about resources print and say, and what they make of a kind."""

from __future__ import annotations

from typing import Any

import click
import pytest

from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.catalogue_pb2 import Resource, ResourceLink
from stigmer_tui.api.kinds import AGENT, AGENT_INSTANCE, ENVIRONMENT, WORKFLOW
from stigmer_tui.cli.printing import Column, print_rows
from stigmer_tui.cli.resource_commands import KindName
from stigmer_tui.cli.resources import users_of

ROWS: list[dict[str, Any]] = [{"name": "shop", "size": 3, "note": ""}, {"name": "a\nb", "size": None, "note": ""}]
COLUMNS = (Column("NAME", "name"), Column("SIZE", "size", lambda size: f"{size} B"), Column("NOTE", "note"))


def printed(output: str, rows: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> str:
    print_rows(rows, COLUMNS, output, lambda row: str(row["name"]), "There is nothing")
    return capsys.readouterr().out


def test_a_table_leaves_empty_columns_out_and_keeps_a_row_to_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed("table", ROWS, capsys) == "NAME  SIZE\nshop  3 B\na b   -\n"


def test_nothing_is_said_to_people_and_an_empty_list_to_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed("table", [], capsys) == "There is nothing\n"
    assert printed("json", [], capsys) == "[]\n"
    assert printed("name", [], capsys) == ""


def test_programs_get_values_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed("yaml", ROWS[:1], capsys) == "- name: shop\n  size: 3\n  note: ''\n"
    assert printed("name", ROWS[:1], capsys) == "shop\n"


@pytest.mark.parametrize(
    ("text", "kind"),
    [("agents", "agent"), ("AgentInstance", "agent-instance"), ("workflow_instances", "workflow-instance")],
)
def test_a_kind_is_understood_as_people_write_it(text: str, kind: str) -> None:
    assert KindName().convert(text, None, None) == kind


def test_an_unknown_kind_is_answered_by_the_known_ones() -> None:
    with pytest.raises(click.BadParameter, match="there is no kind 'pod'; there are agent, workflow"):
        KindName().convert("pod", None, None)


def test_what_depends_on_a_resource_is_what_refers_to_it_but_for_what_came_with_it() -> None:
    helper = Agent(metadata={"slug": "helper"})  # type: ignore[arg-type]
    link = ResourceLink(kind=AGENT.number, slug="helper")
    caller = Resource(kind=WORKFLOW.number, slug="tally", uses=[link])
    own = Resource(kind=AGENT_INSTANCE.number, slug="helper-default", uses=[link])
    other = Resource(kind=AGENT_INSTANCE.number, slug="helper-in-test", uses=[link])
    namesake = Resource(kind=WORKFLOW.number, slug="x", uses=[ResourceLink(kind=ENVIRONMENT.number, slug="helper")])
    assert users_of(AGENT, helper, [caller, own, other, namesake]) == [caller, other]
