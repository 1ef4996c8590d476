"""What a person wants to know of a resource before a run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.workbench.model import Resource

if TYPE_CHECKING:
    # They read definitions, which takes time to load, and the state needs their names only.
    from stigmer_tui.definition.description import Fact, TaskLine
    from stigmer_tui.workbench.backend import Backend
    from stigmer_tui.workbench.suggestions import Suggestion


@dataclass(frozen=True, slots=True)
class Preview:
    resource: Resource
    facts: tuple[Fact, ...]
    instructions: str = ""
    """Of an agent, or the prompt of a task; Markdown."""
    tasks: tuple[TaskLine, ...] = ()
    """Of a workflow."""
    has_mcp_servers: bool = False
    """Of an agent: whether there are tools to be listed."""
    variables: tuple[Suggestion, ...] = ()
    """With what each would be if it were run now."""


class Previews:
    """Reads the preview of one resource at a time."""

    def __init__(
        self,
        backend: Backend,
        suggest: Callable[[Resource], list[Suggestion]],
        show: Callable[[Preview | None], None],
    ) -> None:
        self._backend = backend
        self._suggest = suggest
        self._show = show
        self._wanted: Resource | None = None

    async def look_at(self, resource: Resource | None) -> None:
        """Shows its preview, unless another one is wanted by then; at once, where there is nothing to be looked at."""
        self._wanted = resource
        preview = None
        if resource is not None:
            # What is wrong with the server is shown elsewhere.
            with suppress(StigmerError):
                preview = await self._backend.preview(resource)
        if self._wanted is resource:
            self._show(replace(preview, variables=tuple(self._suggest(preview.resource))) if preview else None)
