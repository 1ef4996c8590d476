"""What the interpreter asks of the world: time, identifiers, expressions, requests, agents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class HttpRequest:
    method: str
    uri: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    """JSON-like data, or None for no body."""
    timeout: float = 30.0
    """Seconds, for each attempt."""

    @property
    def is_safe(self) -> bool:
        """Whether it leaves the other side as it is (RFC 9110, 9.2.1)."""
        return self.method == "GET"

    @property
    def is_repeatable(self) -> bool:
        """Whether carrying it out twice is as good as once (RFC 9110, 9.2.2)."""
        return self.method not in ("POST", "PATCH")

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
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class AgentRequest:
    agent: str
    """Slug."""
    message: str
    environment: Mapping[str, str] = field(default_factory=dict)
    model: str = ""
    timeout: int = 0
    """Seconds; 0 for no limit."""
    temperature: float = 0.0


@dataclass(frozen=True, slots=True)
class AgentResponse:
    execution_id: str
    text: str


WatchAttempts = Callable[[int, str], None]
"""Told before each attempt and each pause: number of the attempt, and why there is a pause."""

WatchChild = Callable[[str], None]
"""Told the id of the agent's execution, as soon as there is one."""


class Context(Protocol):
    """One execution. What is asked twice with the same key has the same answer, also in another process: so a
    workflow that is run again from its start goes the same way, and does nothing again that was done.

    Arguments may hold marks of secrets (`secrets.Secrets`); answers hold no secret values.
    """

    def uuid(self, key: str) -> str: ...

    def started(self, key: str) -> datetime:
        """When the task with this key began."""
        ...

    def finished(self, key: str) -> datetime: ...

    async def evaluate(self, program: str, inputs: str) -> str:
        """As `programs.run`. Raises ExpressionError."""
        ...

    async def wait(self, key: str, seconds: float) -> None: ...

    async def request(self, key: str, request: HttpRequest, watch: WatchAttempts) -> HttpResponse:
        """Raises TaskFailure when there is no answer, or one that is not a success, after all attempts."""
        ...

    async def ask(self, key: str, request: AgentRequest, watch: WatchChild) -> AgentResponse:
        """Raises TaskFailure when the agent does not complete."""
        ...

    async def breathe(self) -> None:
        """Called once for each task, so that a long run of quick ones leaves room for everything else."""
        ...
