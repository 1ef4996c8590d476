"""What the project room needs of a server. The client room provides it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stigmer_tui.api.kinds import Kind
from stigmer_tui.project.manifests import Resource

PROJECT = "stigmer-tui/project"
"""Annotation with the name of the project that deployed a resource."""

FOLDER = "stigmer-tui/project-folder"
"""Annotation with the folder of that project, on a daemon of the same machine: two projects may have one name."""


@dataclass(frozen=True, slots=True)
class Deployed:
    kind: Kind
    slug: str
    project: str
    """Empty for what no project of ours deployed."""


class Deployments(Protocol):
    """All of it raises StigmerError, in words for people, when the server refuses or is out of reach."""

    async def get(self, kind: Kind, slug: str, org: str) -> Resource | None:
        """As it is deployed, or None."""
        ...

    async def apply(self, resource: Resource) -> Resource:
        """Creates it, or updates the one with its slug. Returns it as it is deployed."""
        ...

    async def deployed(self, org: str) -> Sequence[Deployed] | None:
        """All agents and workflows of an organization, or None where the server cannot list them."""
        ...
