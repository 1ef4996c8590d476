"""What a project's code has written: manifests of agents and workflows (`docs/compatibility.md` 144)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from google.protobuf.message import DecodeError

from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.kinds import AGENT, WORKFLOW, Kind
from stigmer_tui.api.workflow_pb2 import Workflow
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.json_values import from_json
from stigmer_tui.core.slugs import slug_of

DEPENDENCIES = "dependencies.json"

Resource = Agent | Workflow
AnyResource = TypeVar("AnyResource", Agent, Workflow)


@dataclass(frozen=True, slots=True)
class Manifests:
    """All that a project defines, each kind in the order of its definition."""

    agents: tuple[Agent, ...] = ()
    workflows: tuple[Workflow, ...] = ()
    dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What its code says of itself: `workflow:tally` → `agent:helper`. Go projects say nothing."""

    @property
    def resources(self) -> tuple[Resource, ...]:
        """In the order of deployment: what is referred to comes first."""
        return (*self.agents, *self.workflows)


def read_manifests(folder: Path) -> Manifests:
    """Raises StigmerError, with the name of the file, for one that cannot be read or says too little."""
    return Manifests(
        agents=_unique([_read(path, Agent) for path in _numbered(folder, "agent")]),
        workflows=_unique([_read(path, Workflow) for path in _numbered(folder, "workflow")]),
        dependencies=_read_dependencies(folder / DEPENDENCIES),
    )


def kind_of(resource: Resource) -> Kind:
    return AGENT if isinstance(resource, Agent) else WORKFLOW


def slug_in(resource: Resource) -> str:
    """Under which the server will know it."""
    return resource.metadata.slug or slug_of(resource.metadata.name)


def _numbered(folder: Path, kind: str) -> list[Path]:
    """`agent-2.pb` before `agent-10.pb`."""
    numbers = {path: re.fullmatch(rf"{kind}-(\d+)\.pb", path.name) for path in folder.iterdir()}
    return sorted((path for path, match in numbers.items() if match), key=lambda path: int(path.stem.split("-")[1]))


def _read(path: Path, kind: type[AnyResource]) -> AnyResource:
    try:
        message = kind.FromString(path.read_bytes())
    except (OSError, DecodeError) as error:
        raise StigmerError(f"{path.name} is not a valid {kind.__name__} manifest: {error}", _ADVICE) from error
    if message.kind != kind.__name__ or not slug_in(message):
        raise StigmerError(f"{path.name} is not a valid {kind.__name__} manifest: it has no kind or no name", _ADVICE)
    return message


_ADVICE = "Check that the SDK with which the project is written fits this version."


def _unique(resources: list[AnyResource]) -> tuple[AnyResource, ...]:
    seen: dict[str, AnyResource] = {}
    for resource in resources:
        slug = slug_in(resource)
        if slug in seen:
            noun = resource.kind.lower()
            advice = "On the server the second would replace the first. Give one of them another name."
            raise StigmerError(f'The project defines two {noun}s with the name "{slug}"', advice)
        seen[slug] = resource
    return tuple(resources)


def _read_dependencies(path: Path) -> dict[str, tuple[str, ...]]:
    try:
        data = from_json(path.read_text(encoding="utf-8"))
        return {str(name): tuple(map(str, others)) for name, others in data.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise StigmerError(f"{path.name} cannot be understood: {error}", _ADVICE) from error
