"""A recorded run of a workflow, played again: HTTP calls are answered from the recording, waits are over at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.definition.extensions import RECORDING
from stigmer_tui.definition.recording import RecordedHttpCall, load_recording, misfit
from stigmer_tui.runners.lease import Lease
from stigmer_tui.workflow.embedded.resources import EngineResources
from stigmer_tui.workflow.http_failures import HttpError
from stigmer_tui.workflow.port import HttpRequest, HttpResponse


@dataclass(frozen=True, slots=True)
class RecordedResources(EngineResources):
    """With which a workflow waits for nothing."""

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(0)


class RecordedHttp:
    """In place of an HTTP client. Nothing leaves the machine."""

    def __init__(self, calls: Sequence[RecordedHttpCall], redactor: Redactor) -> None:
        """`redactor` puts [REDACTED] in the place of secrets, as in the recording."""
        self._left = list(calls)
        self._redactor = redactor

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Raises HttpError for a recorded failure, and for a call that was not recorded."""
        asked, body = self._redactor.text(f"{request.method} {request.uri}"), self._redactor.data(request.body)
        alike = [call for call in self._left if call.request == asked]
        if not alike:
            left = "\n".join(f"- {call.request}" for call in self._left)
            raise HttpError(misfit("it has no answer to this HTTP call", f"{left}\n+ {asked}".strip()).message)
        recorded = next((call for call in alike if call.body == body), None)
        if recorded is None:
            bodies = f"- {json.dumps(alike[0].body, ensure_ascii=False)}\n+ {json.dumps(body, ensure_ascii=False)}"
            raise HttpError(misfit(f"the body of {asked} has changed", bodies).message)
        self._left.remove(recorded)
        if recorded.error:
            raise HttpError(recorded.error, recorded.status)
        return HttpResponse(200, recorded.answer, len(json.dumps(recorded.answer)))

    async def close(self) -> None:
        """There is no connection."""


def resources_for(lease: Lease, resources: EngineResources) -> EngineResources:
    """Those of a run that plays a recording, where this one does.

    Raises StigmerError for a recording that is not there.
    """
    name = lease.assignment.workflow.execution.metadata.annotations.get(RECORDING)
    if not name:
        return resources
    if resources.recordings is None:
        raise StigmerError("Recordings are not played here")
    http = RecordedHttp(load_recording(resources.recordings, name).http, lease.redactor)
    return RecordedResources(resources.clock, resources.sleep, http, resources.evaluator, resources.channel)
