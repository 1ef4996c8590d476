"""What one session remembers for the next: the lists it saw, the projects it was opened on, the inputs of its runs.

Losing it costs nothing but time, so whatever cannot be read or written is passed over. Secrets are never in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from stigmer_tui.core.clock import parse_timestamp, timestamp
from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.json_values import from_json
from stigmer_tui.core.private_files import make_private_folders, write_private
from stigmer_tui.project.project_file import is_project
from stigmer_tui.workbench.events import Deployed, Event, ListsChanged
from stigmer_tui.workbench.model import Resource, ResourceKey, ResourceKind, Run, RunState
from stigmer_tui.workbench.state import Deployment, RunInput, Value

MAX_PROJECTS = 10
MAX_RUNS = 20


class SessionCache:
    """Files below the cache folder: one for each project and server, one for all."""

    def __init__(self, folder: Path, project: str, server: str = "") -> None:
        """`project` is its folder; empty outside a project. `server` is one that is not ours, by its address."""
        self._common = folder / "session.json"
        key = f"{project}\0{server}" if server else project
        name = hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()[:16] if key else "none"
        self._own = folder / f"project-{name}.json"
        self._project = project

    @classmethod
    def of(cls, configuration: Configuration, folder: Path) -> SessionCache:
        """For a session on this folder, which need not be a project."""
        project = str(folder) if is_project(folder) else ""
        return cls(configuration.home.cache, project, configuration.server)

    def recent_projects(self) -> tuple[str, ...]:
        folders = _read(self._common).get("projects", [])
        return tuple(folder for folder in folders if isinstance(folder, str)) if isinstance(folders, list) else ()

    def note_project(self) -> None:
        if self._project:
            others = [folder for folder in self.recent_projects() if folder != self._project]
            _write(self._common, {"projects": [self._project, *others][:MAX_PROJECTS]})

    def take(self, event: Event) -> None:
        """Remembers what has happened, as far as the next session wants it."""
        match event:
            case ListsChanged(resources, runs):
                self.note_lists(resources, runs)
            case Deployed(deployment):
                self.note_deployment(deployment)
            case _:
                pass

    def lists(self) -> tuple[tuple[Resource, ...], tuple[Run, ...]]:
        """As the last session saw them."""
        data = _read(self._own)
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            resources = tuple(_resource(dict(_texts(item))) for item in data["resources"])
            return resources, tuple(_run(dict(_texts(item))) for item in data["runs"])
        return (), ()

    def note_lists(self, resources: Iterable[Resource], runs: Iterable[Run]) -> None:
        self._update(
            {
                "resources": [
                    {
                        "kind": item.kind,
                        "id": item.id,
                        "slug": item.slug,
                        "name": item.name,
                        "text": item.description,
                        "project": item.project,
                        "organization": item.organization,
                        "input_schema": item.input_schema,
                    }
                    for item in resources
                ],
                "runs": [
                    {
                        "kind": item.kind,
                        "id": item.id,
                        "resource_id": item.resource_id,
                        "resource": item.resource,
                        "state": item.state,
                        "created_at": timestamp(item.created_at) if item.created_at else "",
                    }
                    for item in list(runs)[:MAX_RUNS]
                ],
            }
        )

    def defines(self) -> frozenset[ResourceKey] | None:
        """What the project's code defined when it was last deployed; None where that is not known."""
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            return frozenset(ResourceKey(ResourceKind(kind), slug) for kind, slug in _read(self._own)["defines"])
        return None

    def inputs(self) -> dict[str, RunInput]:
        """The last input of each resource, by its slug."""
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            return {
                slug: RunInput(str(item["message"]), {name: Value(text) for name, text in _texts(item["environment"])})
                for slug, item in _read(self._own)["inputs"].items()
            }
        return {}

    def note_inputs(self, inputs: Mapping[str, RunInput]) -> None:
        self._update(
            {
                "inputs": {
                    slug: {
                        "message": item.message,
                        "environment": {
                            name: value.text for name, value in item.environment.items() if not value.is_secret
                        },
                    }
                    for slug, item in inputs.items()
                }
            }
        )

    def remembered_secrets(self) -> tuple[str, ...]:
        """Names of variables whose values are in the keyring."""
        found = _read(self._own).get("remembered", [])
        return tuple(name for name in found if isinstance(name, str)) if isinstance(found, list) else ()

    def note_remembered_secrets(self, names: Iterable[str]) -> None:
        self._update({"remembered": sorted(names)})

    def warnings(self) -> frozenset[str]:
        """What was said of the last deployment."""
        found = _read(self._own).get("warnings", [])
        return frozenset(text for text in found if isinstance(text, str)) if isinstance(found, list) else frozenset()

    def note_deployment(self, deployment: Deployment) -> None:
        self._update({"defines": sorted(deployment.defines), "warnings": sorted(deployment.warnings)})

    def _update(self, data: Mapping[str, object]) -> None:
        _write(self._own, {**_read(self._own), **data})


def _read(path: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        data = from_json(path.read_text(encoding="utf-8"))
        if isinstance(data, dict):
            return data
    return {}


def _write(path: Path, data: Mapping[str, object]) -> None:
    with suppress(OSError, StigmerError):
        make_private_folders([path.parent])
        write_private(path, json.dumps(data))


def _texts(item: Mapping[str, object]) -> list[tuple[str, str]]:
    """Whatever somebody else has written there."""
    return [(name, str(value)) for name, value in item.items()]


def _resource(item: Mapping[str, str]) -> Resource:
    return Resource(
        ResourceKind(item["kind"]),
        item["id"],
        item["slug"],
        item["name"],
        item.get("organization", ""),
        item["text"],
        project=item.get("project", ""),
        input_schema=item.get("input_schema", ""),
    )


def _run(item: Mapping[str, str]) -> Run:
    state = RunState(item["state"])
    return Run(
        kind=ResourceKind(item["kind"]),
        id=item["id"],
        resource_id=item["resource_id"],
        resource=item["resource"],
        # Whether it still runs is for the server to say.
        state=state if state.is_final else RunState.PENDING,
        created_at=parse_timestamp(item["created_at"]),
    )
