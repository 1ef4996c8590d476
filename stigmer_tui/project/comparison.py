"""Comparing a resource as it is deployed with the same as a project defines it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy

from google.protobuf.message import Message

from stigmer_tui.api.workflow_pb2 import Workflow, WorkflowTask
from stigmer_tui.project.deployments import FOLDER
from stigmer_tui.project.manifests import Resource, slug_in

GENERATED = ("stigmer.ai/sdk.generated-at", "stigmer.ai/sdk.version", FOLDER)
"""Annotations that say how and where a manifest was made, and not what it is."""


def differences(deployed: Resource, wanted: Resource) -> tuple[str, ...]:
    """In a few words each, such as `instructions` or `task fetch`; empty when nothing differs.

    What the server gives (id, version, status) and what each synthesis writes anew does not count.
    """
    before, after = comparable(deployed), comparable(wanted)
    return () if before == after else tuple(_differences(before, after))


def comparable(resource: Resource) -> Resource:
    """A copy with only what its author decides."""
    comparable = deepcopy(resource)
    comparable.ClearField("status")
    metadata = comparable.metadata
    metadata.slug = slug_in(resource)
    metadata.ClearField("id")
    metadata.ClearField("version")
    for name in GENERATED:
        metadata.annotations.pop(name, None)
    return comparable


def _differences(before: Resource, after: Resource) -> Iterator[str]:
    for name in _fields(before.metadata, after.metadata):
        if name == "annotations":
            yield from _annotations(before.metadata.annotations, after.metadata.annotations)
        else:
            yield name.replace("_", " ")
    for name in _fields(before.spec, after.spec):
        if name == "tasks" and isinstance(before, Workflow) and isinstance(after, Workflow):
            yield from _tasks(before.spec.tasks, after.spec.tasks)
        else:
            yield name.replace("_", " ")


def _fields(before: Message, after: Message) -> Iterator[str]:
    for field in before.DESCRIPTOR.fields:
        if getattr(before, field.name) != getattr(after, field.name):
            yield field.name


def _annotations(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """By the last part of their names: `stigmer-tui/script` is `script`."""
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield name.rpartition("/")[2]


def _tasks(before: Iterable[WorkflowTask], after: Iterable[WorkflowTask]) -> Iterator[str]:
    old = {task.name: task for task in before}
    new = {task.name: task for task in after}
    yield from (f"task {name}" for name in new if name in old and new[name] != old[name])
    yield from (f"new task {name}" for name in new if name not in old)
    yield from (f"no task {name}" for name in old if name not in new)
    if list(new) != list(old) and new.keys() == old.keys():
        yield "order of tasks"
