"""The errors that providers tell with status 200, in the many shapes in which they do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def told_error(data: Any) -> dict[str, Any] | None:
    """An error with `message`, and `code` and `type` where there are any; None for what is no error."""
    match data:
        case [first, *_]:
            return told_error(first)
        case {"error": error} if error:
            return _error(error)
        case {"choices": _} | {"content": _}:
            return None
        case {"object": "error"} | {"type": "error"} | {"message": str()} | {"detail": _} | {"success": False}:
            return _error(data)
        case _:
            return None


def message_in(body: Any) -> str:
    """The words for people in an error, whatever is around them; empty when there are none."""
    match body:
        case str():
            return body
        case [first, *_]:
            return message_in(first)
        case {"error": Mapping() | str() as inner}:
            return message_in(inner)
        case {"message": str() as message, "metadata": {"raw": str() as raw}} if raw not in message:
            # OpenRouter: its own words, and those of the provider behind it.
            return f"{message}: {message_in(_json(raw))}"
        case {"message": inner} | {"detail": inner} | {"msg": inner} if inner:
            return message_in(inner)
        case _:
            return ""


def _error(error: Any) -> dict[str, Any]:
    message = message_in(error) or json.dumps(error)
    details = error if isinstance(error, Mapping) else {}
    return {"message": message, "code": details.get("code", details.get("status")), "type": details.get("type")}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
