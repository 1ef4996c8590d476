"""An engine that keeps all that crosses the port, as another engine would in its history."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from stigmer_tui.api.workflow_pb2 import WorkflowSpec
from stigmer_tui.definition.validation import parse
from stigmer_tui.workflow.child_executions import ChildExecutions
from stigmer_tui.workflow.failures import TaskFailure
from stigmer_tui.workflow.http_client import HttpClient
from stigmer_tui.workflow.interpreter import Interpreter
from stigmer_tui.workflow.port import (
    ActivityPolicy,
    ActivityRequest,
    ActivityResult,
    ChildEnd,
    ChildRequest,
    ChildResult,
    HttpRequest,
    HttpResponse,
    decode_result,
    encode_result,
)
from stigmer_tui.workflow.progress import Progress
from stigmer_tui.workflow.secrets import SecretValues
from stigmer_tui.workflow.state import RunInputs
from stigmer_tui.workflow.worker import ActivityWorker
from tests.workflow.world import LocalEvaluator

NOW = datetime(2026, 11, 28, 10, 0, tzinfo=UTC)

Result = TypeVar("Result")


class EchoingClient(HttpClient):
    """Answers with all that it was sent."""

    def __init__(self) -> None:
        self.sent: list[HttpRequest] = []

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.sent.append(request)
        return HttpResponse(200, {"uri": request.uri, "headers": dict(request.headers), "body": request.body}, 1)


class EchoingChildren(ChildExecutions):
    """Each child answers with all that it was given."""

    def __init__(self) -> None:
        self.given: dict[str, str] = {}

    async def start(self, key: str, request: ChildRequest, environment: Mapping[str, tuple[str, bool]]) -> str:
        self.given[f"agx_{key}"] = f"{request.message} {environment}"
        return f"agx_{key}"

    async def follow(self, execution_id: str) -> ChildResult:
        return ChildResult(ChildEnd.COMPLETED, execution_id, self.given[execution_id])


class RecordingEngine:
    def __init__(self, worker: ActivityWorker) -> None:
        self._worker = worker
        self.history: list[str] = []

    @property
    def text(self) -> str:
        return "\n".join(self.history)

    async def task_started(self, key: str) -> datetime:
        self._record(key)
        return NOW

    def task_ended(self, key: str) -> datetime:
        self._record(key)
        return NOW

    def new_id(self, key: str) -> str:
        self._record(key)
        return str(UUID(int=len(self.history), version=4))

    async def activity(self, key: str, request: ActivityRequest, policy: ActivityPolicy) -> ActivityResult:
        self._record(key, request, policy)
        result: ActivityResult = self._through_json(await self._worker.perform(request))
        return result

    async def timer(self, key: str, seconds: float) -> None:
        self._record(key, seconds)

    async def child(self, key: str, request: ChildRequest, started: Callable[[str], None]) -> ChildResult:
        self._record(key, request)
        execution_id = await self._worker.start_child(key, request)
        started(execution_id)
        result: ChildResult = self._through_json(await self._worker.follow_child(execution_id))
        return result

    async def signal(self, key: str, name: str) -> Any:
        self._record(key, name)
        raise NotImplementedError

    async def parallel(self, branches: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
        return [await branch for branch in branches]

    def reused_from(self, key: str) -> str:
        return ""

    def _record(self, *parts: Any) -> None:
        self.history.append(repr(parts))

    def _through_json(self, result: ActivityResult | ChildResult) -> Any:
        text = json.dumps(encode_result(result))
        self._record(result, text)
        return decode_result(json.loads(text))


class RecordedRun:
    """A workflow on the engine above, with secrets; what reached the outside, and what was reported."""

    def __init__(self, secrets: Mapping[str, str], given: Mapping[str, Any] | None = None) -> None:
        """`given` is the input of the run."""
        self._input = given or {}
        self._values = SecretValues(secrets, secrets.keys(), "0123456789abcdef")
        self.http = EchoingClient()
        self.children = EchoingChildren()
        self.engine = RecordingEngine(ActivityWorker(self._values, LocalEvaluator(), self.http, self.children))
        self.failure: TaskFailure | None = None
        self.reported = ""

    async def run(self, spec: WorkflowSpec) -> Any:
        definition = parse(spec)
        progress = Progress(definition, self._values.marks, NOW)
        inputs = RunInputs("wfx_1", "acme", self._values.marks, self._values.mark(self._input))
        try:
            return await Interpreter(definition, inputs, self.engine, progress).run()
        except TaskFailure as failure:
            self.failure = failure
            return None
        finally:
            self.reported = str(progress.take())
