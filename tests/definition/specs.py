"""Writes workflow definitions for tests, as short as their author would."""

from __future__ import annotations

from typing import Any

from stigmer_tui.api.api_resource_pb2 import WorkflowTaskKind
from stigmer_tui.api.structs import to_struct
from stigmer_tui.api.workflow_pb2 import Export, FlowControl, WorkflowDocument, WorkflowSpec, WorkflowTask

Task = dict[str, Any]
"""A task as it stands in the `do` of another one."""


def spec(*tasks: Task, name: str = "tally") -> WorkflowSpec:
    document = WorkflowDocument(dsl="1.0.0", namespace="demo", name=name, version="1.0.0")
    return WorkflowSpec(document=document, tasks=[message(task) for task in tasks])


def message(task: Task) -> WorkflowTask:
    return WorkflowTask(
        name=task["name"],
        kind=WorkflowTaskKind.Value(task["kind"]),
        task_config=to_struct(task["taskConfig"]),
        export=Export(**task["export"]) if "export" in task else None,
        flow=FlowControl(**task["flow"]) if "flow" in task else None,
    )


def task(name: str, kind: str, config: dict[str, Any], then: str = "", export: str = "") -> Task:
    found: Task = {"name": name, "kind": f"WORKFLOW_TASK_KIND_{kind}", "taskConfig": config}
    if then:
        found["flow"] = {"then": then}
    if export:
        found["export"] = {"as": export}
    return found


def set_(name: str, then: str = "", export: str = "", **variables: str) -> Task:
    return task(name, "SET", {"variables": variables}, then, export)


def http(name: str, uri: str, method: str = "GET", then: str = "", export: str = "", **config: Any) -> Task:
    return task(name, "HTTP_CALL", {"method": method, "endpoint": {"uri": uri}, **config}, then, export)


def switch(name: str, *cases: tuple[str, str, str], then: str = "") -> Task:
    """Cases as name, condition (empty for the default) and target."""
    written = [{"name": case, "then": target} | ({"when": when} if when else {}) for case, when, target in cases]
    return task(name, "SWITCH", {"cases": written}, then)


def for_(name: str, items: str, *do: Task, each: str = "item", then: str = "", export: str = "") -> Task:
    return task(name, "FOR", {"each": each, "in": items, "do": list(do)}, then, export)


def wait(name: str, seconds: int, then: str = "") -> Task:
    return task(name, "WAIT", {"seconds": seconds}, then)


def agent(name: str, slug: str, text: str, export: str = "", **config: Any) -> Task:
    return task(name, "AGENT_CALL", {"agent": slug, "message": text, **config}, export=export)
