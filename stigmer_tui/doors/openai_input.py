"""What clients of OpenAI's API send: messages of texts, in several forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from stigmer_tui.doors.http_errors import RequestError

TEXTS = ("text", "input_text", "output_text")
"""Kinds of parts of a message that are texts."""

INSTRUCTIONS = ("system", "developer")


class ClientMessage(NamedTuple):
    role: str
    text: str


def required_text(body: dict[str, Any], name: str) -> str:
    """Raises RequestError where it is missing."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise RequestError(400, f"{name} must be a text that is not empty", param=name)
    return value


def client_messages(body: dict[str, Any], name: str) -> list[ClientMessage]:
    """The last one is what the agent is to answer. Raises RequestError."""
    given = body.get(name)
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    if not isinstance(given, list) or not given:
        raise RequestError(400, f"{name} must be a list of messages", param=name)
    messages = [_message(item, f"{name}[{index}]") for index, item in enumerate(given)]
    if messages[-1].role != "user" or not messages[-1].text.strip():
        raise RequestError(400, f"The last of {name} must be a message of the user", param=name)
    return messages


def with_history(earlier: Sequence[ClientMessage], last: ClientMessage) -> str:
    """The message, and before it what the agent does not know."""
    instructions = [message.text for message in earlier if message.role in INSTRUCTIONS]
    said = [f"{message.role}: {message.text}" for message in earlier if message.role not in INSTRUCTIONS]
    parts = [*instructions]
    if said:
        parts.append("What was said before:\n\n" + "\n\n".join(said) + "\n\nNow:")
    return "\n\n".join([*parts, last.text])


def _message(item: Any, where: str) -> ClientMessage:
    if not isinstance(item, dict) or not isinstance(role := item.get("role"), str):
        raise RequestError(400, f"{where} must be a message with role and content", param=where)
    content = item.get("content")
    if content is None or isinstance(content, str):
        return ClientMessage(role, content or "")
    if not isinstance(content, list):
        raise RequestError(400, f"{where}.content must be a text, or a list of parts", param=where)
    return ClientMessage(role, "\n".join(_part(part, f"{where}.content[{n}]") for n, part in enumerate(content)))


def _part(part: Any, where: str) -> str:
    if isinstance(part, dict) and part.get("type") in TEXTS and isinstance(part.get("text"), str):
        return str(part["text"])
    kind = part.get("type") if isinstance(part, dict) else type(part).__name__
    raise RequestError(400, f"{where}: parts of the kind {kind} are not taken, only texts", param=where)
