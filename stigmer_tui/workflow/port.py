"""The engine port: all that the interpreter asks of an engine.

What crosses it, in both directions, is JSON-like data without secret values: requests hold marks of secrets
(`secrets.SecretMarks`), and so do results. An engine may therefore write all of it into its history.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

Result = TypeVar("Result")


class ActivityPolicy(Enum):
    """What an engine may do with an activity of which it does not know whether it was carried out."""

    PURE = "pure"
    """It has no effect and depends on its request alone: its result need not be recorded."""
    SAFE = "safe"
    """It changes nothing (RFC 9110, 9.2.1): carried out again, also when its result was lost."""
    IDEMPOTENT = "idempotent"
    """Twice is as good as once (RFC 9110, 9.2.2): carried out again, but not after its result was used."""
    ONCE = "once"
    """Never carried out again: the result is Interrupted."""


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    program: str
    """In jq, as `ParsedExpression.program`."""
    inputs: str
    """JSON, as `ParsedExpression.inputs`."""
    is_disclosed: bool = False
    """Whether the value may be known although it comes from secrets: a number of iterations, which can be counted."""


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    value: Any = None
    error: str = ""
    """Why there is no value; empty when there is one."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One attempt."""

    method: str
    uri: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    """JSON-like data, or None for no body."""
    timeout: float = 30.0
    """Seconds."""
    idempotency_key: str = field(default="", compare=False)
    """Names the request to the other side, the same for all attempts; empty for none. Not a part of its content."""
    traceparent: str = field(default="", compare=False)
    """Its place in the trace of the execution, for where traces are made. Not a part of its content."""

    @property
    def policy(self) -> ActivityPolicy:
        match self.method:
            case "GET":
                return ActivityPolicy.SAFE
            case "POST" | "PATCH":
                return ActivityPolicy.ONCE
            case _:
                return ActivityPolicy.IDEMPOTENT

    @property
    def title(self) -> str:
        """`GET 127.0.0.1:18080/item.json`"""
        try:
            parts = urlsplit(self.uri)
        except ValueError:
            return f"{self.method} {self.uri}"
        return f"{self.method} {parts.netloc.rpartition('@')[2]}{parts.path}"


@dataclass(frozen=True, slots=True)
class HttpResponse:
    status: int
    data: Any
    size: int
    """Of the content, in bytes."""


class SendsHttp(Protocol):
    """An HTTP client."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Raises HttpError for everything but a complete answer with a status of 2xx."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class HttpFailure:
    """There was no complete response, or one that is not a success."""

    message: str
    status: int | None = None
    content: str = ""
    """The beginning of the response."""
    is_transient: bool = False
    """Whether another attempt may succeed."""
    retry_after: float | None = None
    """Seconds that the other side asks to wait."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The process ended during an activity that must not be carried out again."""


ActivityRequest = EvaluationRequest | HttpRequest
ActivityResult = EvaluationResult | HttpResponse | HttpFailure | Interrupted


class ChildKind(StrEnum):
    AGENT = "agent"
    WORKFLOW = "workflow"


@dataclass(frozen=True, slots=True)
class ChildRequest:
    kind: ChildKind
    name: str
    """Slug."""
    message: str
    environment: Mapping[str, str] = field(default_factory=dict)
    model: str = ""
    timeout: int = 0
    """Seconds; 0 for no limit."""
    temperature: float = 0.0


class ChildEnd(StrEnum):
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed out"
    NOT_STARTED = "not started"
    LOST = "lost"
    """It was started, and cannot be followed."""


@dataclass(frozen=True, slots=True)
class ChildResult:
    end: ChildEnd
    execution_id: str = ""
    text: str = ""
    """The last answer of an agent that completed."""
    error: str = ""


class EnginePort(Protocol):
    """One execution. A key is a path, of any length, to a place in the run. The same key has the same result in every
    process that goes on with the execution: it takes the same way, and repeats nothing that was done.
    """

    async def task_started(self, key: str) -> datetime:
        """When the task with this key began: now, where it has not begun before."""
        ...

    def task_ended(self, key: str) -> datetime: ...

    def new_id(self, key: str) -> str:
        """A UUID that cannot be guessed."""
        ...

    async def activity(self, key: str, request: ActivityRequest, policy: ActivityPolicy) -> ActivityResult: ...

    async def timer(self, key: str, seconds: float) -> None: ...

    async def child(self, key: str, request: ChildRequest, started: Callable[[str], None]) -> ChildResult:
        """Starts an execution once and follows it to its end. `started` is called with its id, before the result."""
        ...

    async def signal(self, key: str, name: str) -> Any:
        """Waits for a signal, and returns its data. Raises TaskFailure where an engine has no signals."""
        ...

    async def parallel(self, branches: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
        """Runs all branches; the results are in their order. The first failure cancels the others and is raised."""
        ...

    def reused_from(self, key: str) -> str:
        """The earlier execution whose results the task with this key has; empty where this one did the work."""
        ...


_RESULTS = {
    result.__name__: result for result in (EvaluationResult, HttpResponse, HttpFailure, Interrupted, ChildResult)
}


def is_success(result: ActivityResult | ChildResult) -> bool:
    match result:
        case HttpResponse() | EvaluationResult(error="") | ChildResult(end=ChildEnd.COMPLETED):
            return True
        case _:
            return False


def encode_result(result: ActivityResult | ChildResult) -> Any:
    """As JSON-like data, for a history."""
    # Not `asdict`, which copies all data, however large.
    return [type(result).__name__, {each.name: getattr(result, each.name) for each in fields(result)}]


def decode_result(data: Any) -> Any:
    name, values = data
    if name == ChildResult.__name__:
        values = {**values, "end": ChildEnd(values["end"])}
    return _RESULTS[name](**values)


def content_of(request: ActivityRequest | ChildRequest) -> str:
    """The request as text: equal for two requests that ask for the same."""
    content = {each.name: getattr(request, each.name) for each in fields(request) if each.compare}
    return json.dumps([type(request).__name__, content], sort_keys=True, separators=(",", ":"))
