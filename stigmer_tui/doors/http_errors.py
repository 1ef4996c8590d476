"""Refusals, in the form that clients of OpenAI's API know."""

from __future__ import annotations

from typing import Any


class RequestError(Exception):
    """A request that cannot be answered. `param` is the field that it is about."""

    def __init__(self, status: int, message: str, code: str = "", param: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.body = error_body(message, "invalid_request_error" if status < 500 else "server_error", code, param)


def error_body(message: str, kind: str, code: str = "", param: str = "") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param or None, "code": code or None}}


def failed_body(message: str) -> dict[str, Any]:
    """That of a run that has failed."""
    return error_body(message, "server_error", "run_failed")
