"""What can be wrong with a response although the call succeeded: cut short, stalled, an error with status 200."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx2

from stigmer_tui.runners.outgoing import SettingUnusableError

MAX_EXCERPT = 10_000
"""Characters of an excerpt of the response. It is shortened further once it is redacted."""


class CutShortError(httpx2.RemoteProtocolError):
    """The response was cut off."""

    def __init__(self) -> None:
        super().__init__("was cut off in the middle of an answer")


class StalledError(httpx2.ReadTimeout):
    """Nothing was received for so long that the request is given up."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"timed out: it sent nothing for {seconds:.0f} s")


class InvalidResponseError(httpx2.RemoteProtocolError):
    """The body is not the response of a model, and a retry would not help."""


Fault = CutShortError | StalledError | InvalidResponseError | SettingUnusableError


def fault_in(error: BaseException | None) -> Fault | None:
    """The fault that caused an error, or None."""
    while error is not None:
        if isinstance(error, Fault):
            return error
        error = error.__cause__ or error.__context__
    return None


def error_in(data: Any) -> dict[str, Any] | None:
    """The error in some data, as `message`, `code` and `type`; None if it is not an error."""
    match data:
        case [first, *_]:
            return error_in(first)
        case {"error": error} if error:
            return _error(error)
        case {"choices": _} | {"content": _}:
            return None
        case {"object": "error"} | {"type": "error"} | {"message": str()} | {"detail": _} | {"success": False}:
            return _error(data)
        case _:
            return None


def message_in(body: Any) -> str:
    """The message in an error of any shape; empty if there is none."""
    match body:
        case str():
            return body
        case [first, *_]:
            return message_in(first)
        case {"error": Mapping() | str() as inner}:
            return message_in(inner)
        case {"message": str() as message, "metadata": {"raw": str() as raw}} if raw not in message:
            # OpenRouter: its own message, and that of the provider behind it.
            return f"{message}: {message_in(json_or_text(raw))}"
        case {"message": inner} | {"detail": inner} | {"msg": inner} if inner:
            return message_in(inner)
        case _:
            return ""


def json_or_text(text: str) -> Any:
    """What a text says as JSON, or the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _error(error: Any) -> dict[str, Any]:
    message = message_in(error) or json.dumps(error)
    details = error if isinstance(error, Mapping) else {}
    return {"message": message, "code": details.get("code", details.get("status")), "type": details.get("type")}
