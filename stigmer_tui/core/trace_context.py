"""Traces of executions, without a library: whether any are asked for, and identifiers that follow from the execution.

Since they follow from it, every process knows the span of a task or a call without being told, also after a crash.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from stigmer_tui.core import settings


def collector(environment: Mapping[str, str]) -> str:
    """The address that traces are sent to; empty when none are to be made."""
    return environment.get(settings.OTLP_ENDPOINT.variable, "").strip()


def captures_content(environment: Mapping[str, str]) -> bool:
    """Whether prompts, arguments and outputs are wanted in traces (the opt-in of the GenAI conventions)."""
    return environment.get(settings.OTLP_CONTENT.variable, "").strip().lower() == "true"


def trace_id(root: str) -> int:
    """Of the execution that a person started, and of all that came of it."""
    return _number(f"trace/{root}", 16)


def span_id(execution_id: str, part: str = "") -> int:
    """Of an execution, or of a part of it: see `task_part`."""
    return _number(f"span/{execution_id}/{part}", 8)


def task_part(path: str) -> str:
    return f"task/{path}"


def traceparent(execution_id: str, part: str) -> str:
    """The header of W3C Trace Context that makes this part of a root execution the parent of a request."""
    return f"00-{trace_id(execution_id):032x}-{span_id(execution_id, part):016x}-01"


def _number(text: str, size: int) -> int:
    """Never 0, which stands for no identifier."""
    return int.from_bytes(sha256(text.encode()).digest()[:size]) or 1
