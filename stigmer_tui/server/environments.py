"""Environments, and the execution contexts that are made once (`docs/compatibility.md` 118–120)."""

from __future__ import annotations

from stigmer_tui.api.environment_pb2 import Environment
from stigmer_tui.api.execution_context_pb2 import ExecutionContext
from stigmer_tui.api.kinds import ENVIRONMENT, EXECUTION_CONTEXT
from stigmer_tui.server.errors import already_exists
from stigmer_tui.server.resources import Resources, checked_slug


class Environments(Resources[Environment]):
    kind = ENVIRONMENT


class ExecutionContexts(Resources[ExecutionContext]):
    kind = EXECUTION_CONTEXT

    async def apply(self, request: ExecutionContext) -> ExecutionContext:
        """A context is never replaced."""
        slug = checked_slug(request.metadata)
        if self.store.find(EXECUTION_CONTEXT, slug, request.metadata.org) is not None:
            raise already_exists(self.kind.noun, slug)
        return await self.create(request)
