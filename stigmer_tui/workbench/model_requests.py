"""Requests as models really got them: what they consist of, what fills the context, and how to send them again."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.units import plural
from stigmer_tui.definition import skill_text
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.nodes import NodeKind
from stigmer_tui.workbench.usage import ModelCall

ANTHROPIC_HEADER = "anthropic-version"
"""Only requests to Anthropic have it; their key stands in a header of its own."""


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request that was kept, and the answer that it led to, in numbers."""

    call: ModelCall
    body: Mapping[str, Any]
    body_text: str
    """As it was sent, without secrets."""
    url: str = ""
    """Empty for a script, which is played in place of a model."""
    key_variable: str = ""
    """That its key came from."""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RequestName:
    """Where to find a request."""

    execution_id: str
    number: int
    """In its execution, from 1."""
    agent: str
    call: ModelCall


def requests_of(executions: Iterable[Execution]) -> list[RequestName]:
    """All that models were asked in executions and in what they have called, in the order of time."""
    found = [
        RequestName(key[-1] if key else execution.id, number, node.name or execution.resource, call)
        for execution in executions
        for key, node in execution.nodes()
        if node.kind is NodeKind.RUN
        for number, call in enumerate(node.usage.calls, 1)
    ]
    return sorted(found, key=lambda name: name.call.asked_at.timestamp() if name.call.asked_at else 0.0)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a request, for people."""

    title: str
    """`Instructions`, `user`, `calls read_file`."""
    text: str
    is_new: bool = False
    """Whether the request before did not have it."""


def sections(body: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> Iterator[Section]:
    """What a request consists of; `before` is the one before it in its run."""
    yield Section("Settings", _settings(body))
    for name in ("system", "instructions"):
        if text := _text(body.get(name)):
            yield Section("Instructions", text, before is not None and _text(before.get(name)) != text)
    if tools := body.get("tools"):
        is_new = before is not None and before.get("tools") != tools
        yield Section(plural(len(tools), "tool").capitalize(), "\n".join(map(_tool_line, tools)), is_new)
    known = before.get("messages", []) if before else []
    messages = body.get("messages", [])
    same = next((i for i, pair in enumerate(zip(known, messages, strict=False)) if pair[0] != pair[1]), len(known))
    for number, message in enumerate(messages):
        for title, text in _message_parts(message):
            yield Section(title, text, before is not None and number >= same)


def _settings(body: Mapping[str, Any]) -> str:
    apart = ("system", "instructions", "tools", "messages", "settings")
    settings = {name: value for name, value in body.items() if name not in apart} | (body.get("settings") or {})
    return ", ".join(f"{name} {_json(value)}" for name, value in settings.items()) or "none"


def _tool_line(tool: Any) -> str:
    data = tool.get("function", tool) if isinstance(tool, Mapping) else {}
    description = str(data.get("description") or "").strip().partition("\n")[0]
    return f"{data.get('name', _json(tool))}  {description}".rstrip()


def _message_parts(message: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    role = str(message.get("role") or "")
    parts = message.get("content") if "content" in message else message.get("parts")
    for part in parts if isinstance(parts, list) else [parts]:
        if part is not None and part != "":
            yield _part(part, role)
    for call in message.get("tool_calls") or ():
        function = call.get("function", call)
        yield f"calls {function.get('name', '')}", _json(function.get("arguments", ""))


def _part(part: Any, role: str) -> tuple[str, str]:
    """Of a message, in the words of any provider."""
    match part:
        case str():
            return "result" if role == "tool" else role, part
        case {"type": "tool_use", "name": name, "input": arguments}:
            return f"calls {name}", _json(arguments)
        case {"part_kind": "tool-call", "tool_name": name, **others}:
            return f"calls {name}", _json(others.get("args", ""))
        case {"type": "tool_result"} | {"part_kind": "tool-return" | "retry-prompt"}:
            return "result", _text(part.get("content"))
        case {"part_kind": "user-prompt" | "system-prompt" | "text" | "thinking" as kind}:
            names = {"user-prompt": "user", "system-prompt": "system", "text": "assistant", "thinking": "reasoning"}
            return names[kind], _text(part.get("content"))
        case {"type": "text" | "input_text" | "output_text", "text": str(text)}:
            return role, text
        case {"type": "thinking", "thinking": str(text)}:
            return "reasoning", text
        case {"type": str(kind), **others}:
            # Images and documents, whose contents nobody reads here.
            return f"{role}: {kind}", _json(others)
    return role, _json(part)


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case list():
            return "\n".join(filter(None, map(_text, value)))
        case {"text": str(text)}:
            return text
    return _json(value)


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def context_shares(body: Mapping[str, Any]) -> dict[str, int]:
    """What a request consists of, in per cent of its text."""
    sizes = Counter[str]()
    for name, value in body.items():
        match name:
            case "system" | "instructions":
                sizes.update(_instruction_sizes(value))
            case "tools":
                sizes["tools"] += _size(value)
            case "messages":
                for message in value:
                    sizes.update(_message_sizes(message))
    whole = max(1, sizes.total())
    names = ("instructions", "tools", "skills", "history", "results")
    return {name: round(100 * sizes[name] / whole) for name in names if sizes[name]}


def _instruction_sizes(value: Any) -> Counter[str]:
    """The list of skills is a section of the instructions, up to the next one."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False).replace("\\n", "\n")
    _, heading, rest = text.partition(f"\n{skill_text.HEADING}\n")
    skills = len(heading) + len(rest.partition("\n## ")[0]) if heading else 0
    return Counter(instructions=len(text) - skills, skills=skills)


def _message_sizes(message: Mapping[str, Any]) -> Counter[str]:
    if message.get("role") in ("system", "developer"):
        sizes = _instruction_sizes(message.get("content") or "")
        sizes["instructions"] += _size(message) - sizes.total()
        return sizes
    if message.get("role") == "tool":
        return Counter(results=_size(message))
    parts = message.get("content") or message.get("parts")
    if not isinstance(parts, list):
        return Counter(history=_size(message))
    sizes = Counter[str]()
    for part in parts:
        kind = part.get("type") or part.get("part_kind") if isinstance(part, Mapping) else ""
        sizes["results" if kind in ("tool_result", "tool-return") else "history"] += _size(part)
    return sizes


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str) else len(json.dumps(value, ensure_ascii=False))


def curl_command(request: SentRequest) -> str:
    """The request as a command for a shell, which takes the key from its variable. Raises StigmerError for a script."""
    if not request.url:
        raise StigmerError(
            "This request was not sent: a script was played in place of a model",
            "Leave --curl out to read what the model would have got.",
        )
    lines = [f"curl {shlex.quote(request.url)}"]
    if variable := request.key_variable:
        is_anthropic = ANTHROPIC_HEADER in request.headers
        lines.append(f'-H "x-api-key: ${variable}"' if is_anthropic else f'-H "authorization: Bearer ${variable}"')
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in sorted(request.headers.items())]
    lines.append(f"-d {shlex.quote(request.body_text)}")
    return " \\\n  ".join(lines)
