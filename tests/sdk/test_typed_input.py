"""Workflows that declare their input."""

from __future__ import annotations

import json

import pytest
from pydantic import BaseModel

from stigmer_tui.api.workflow_pb2 import Workflow as WorkflowMessage
from stigmer_tui.definition import extensions
from stigmer_tui.sdk import Workflow
from stigmer_tui.sdk.errors import DefinitionError
from stigmer_tui.sdk.manifests import manifest_files
from stigmer_tui.sdk.registry import begin_registry, current_registry


class Order(BaseModel):
    item: str
    count: int = 1


SCHEMA = {"type": "object", "properties": {"item": {"type": "string"}, "count": {"type": "integer"}}}


@pytest.fixture(autouse=True)
def fresh() -> None:
    begin_registry()


@pytest.mark.parametrize("declared", [Order, SCHEMA])
def test_the_schema_is_deployed_with_the_workflow_in_the_order_of_the_code(declared: object) -> None:
    with Workflow("orders", input=declared) as flow:  # type: ignore[arg-type]
        flow.set("result", text=f"{flow.input.count} × {flow.input.item}", message=flow.message)
    message = WorkflowMessage.FromString(manifest_files(current_registry(), 0)["workflow-0.pb"])
    assert list(json.loads(message.metadata.annotations[extensions.INPUT])["properties"]) == ["item", "count"]


def test_an_unknown_field_is_an_error() -> None:
    with Workflow("orders", input=Order) as flow:
        flow.set("result", item=flow.input.item)
        with pytest.raises(DefinitionError) as refusal:
            _ = flow.input.itme
    assert str(refusal.value).startswith('The input of this workflow has no field "itme"')
    assert 'Did you mean "item"?' in str(refusal.value)


def test_without_a_schema_any_field_may_be_read() -> None:
    with Workflow("orders") as flow:
        flow.set("result", item=flow.input.whatever)
    message = WorkflowMessage.FromString(manifest_files(current_registry(), 0)["workflow-0.pb"])
    assert extensions.INPUT not in message.metadata.annotations


@pytest.mark.parametrize("declared", [{"type": "string"}, int])
def test_what_describes_no_object_is_refused(declared: object) -> None:
    with pytest.raises(DefinitionError, match="input"):
        Workflow("orders", input=declared)  # type: ignore[arg-type]
