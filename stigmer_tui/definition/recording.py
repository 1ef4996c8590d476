"""What was recorded of a run, so that it can be played again: answers of models, of tools and of HTTP calls.

    agents:
      - agent: clerk
        message: What is left?             # what it was asked
        model: {provider: anthropic, name: claude-sonnet-5-5}
        instructions: Be kind.             # with which it was asked …
        tools: [ls, read_file]             # … and with which tools
        uses: ["MCP server shop"]          # sub-agents, servers and schemas of answers
        server_tools:                      # those of MCP servers, which are not started
          - {name: shop__stock, description: What is in stock, parameters: {type: object}}
        turns:
          - say: Let me see.
            calls:
              - tool: shop__stock
                arguments: {tea: Assam}
                answer: 3 kg               # a call with an answer is not made again
            tokens: {input: 1200, cached: 0, output: 80}
    http:
      - request: GET https://shop.example/stock.json
        answer: {assam: 3}
      - request: POST https://shop.example/orders
        body: {tea: Assam}
        answer: {number: 12}

Secrets are never in it: where one stood, it says [REDACTED].
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.yaml_text import Document, Path, read_yaml
from stigmer_tui.definition.problems import near_miss

MISFIT = "The recording does not fit the code"
"""How the error of a run begins that asks for something else than was recorded."""


def misfit(problem: str, difference: str = "") -> StigmerError:
    """The error of such a run."""
    return StigmerError(f"{MISFIT}: {problem}{chr(10) if difference else ''}{difference}")


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A call that a model made."""

    tool: str
    arguments: Mapping[str, Any]
    answer: str | None = None
    """What is played in place of the call; None where it is really made, as in a folder of the run's own."""
    error: str = ""
    """Why it failed, likewise."""

    @property
    def is_played(self) -> bool:
        return self.answer is not None or bool(self.error)


@dataclass(frozen=True, slots=True)
class Tokens:
    input: int = 0
    cached: int = 0
    output: int = 0


@dataclass(frozen=True, slots=True)
class RecordedTurn:
    """One answer of a model."""

    say: str
    calls: tuple[RecordedCall, ...] = ()
    tokens: Tokens = Tokens()


@dataclass(frozen=True, slots=True)
class RecordedTool:
    """As a model was shown it."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RecordedAgent:
    """One run of an agent or a sub-agent."""

    agent: str
    message: str
    instructions: str
    tools: tuple[str, ...]
    turns: tuple[RecordedTurn, ...]
    server_tools: tuple[RecordedTool, ...] = ()
    uses: tuple[str, ...] = ()
    """As `definition/agent_uses` tells it."""
    provider: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class RecordedHttpCall:
    """An HTTP call of a workflow."""

    request: str
    """Method and address."""
    answer: Any = None
    error: str = ""
    """Why there was no answer; empty where there was one."""
    status: int | None = None
    """Of an answer that was no success."""
    body: Any = None
    """Of the request."""


@dataclass(frozen=True, slots=True)
class Recording:
    agents: tuple[RecordedAgent, ...] = ()
    http: tuple[RecordedHttpCall, ...] = ()


def recording_data(recording: Recording) -> dict[str, Any]:
    """As `read_recording` reads it; what is empty is left out."""
    data: dict[str, Any] = {}
    if recording.agents:
        data["agents"] = [_agent_data(agent) for agent in recording.agents]
    if recording.http:
        data["http"] = [_http_data(call) for call in recording.http]
    return data


def _agent_data(agent: RecordedAgent) -> dict[str, Any]:
    data: dict[str, Any] = {"agent": agent.agent, "message": agent.message}
    if agent.model:
        data["model"] = {"provider": agent.provider, "name": agent.model}
    data |= {"instructions": agent.instructions, "tools": list(agent.tools)}
    if agent.uses:
        data["uses"] = list(agent.uses)
    if agent.server_tools:
        data["server_tools"] = [
            {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
            for tool in agent.server_tools
        ]
    return data | {"turns": [_turn_data(turn) for turn in agent.turns]}


def _turn_data(turn: RecordedTurn) -> dict[str, Any]:
    data: dict[str, Any] = {"say": turn.say} if turn.say or not turn.calls else {}
    if turn.calls:
        data["calls"] = [_call_data(call) for call in turn.calls]
    if turn.tokens != Tokens():
        data["tokens"] = {"input": turn.tokens.input, "cached": turn.tokens.cached, "output": turn.tokens.output}
    return data


def _call_data(call: RecordedCall) -> dict[str, Any]:
    data: dict[str, Any] = {"tool": call.tool, "arguments": dict(call.arguments)}
    if call.answer is not None:
        data["answer"] = call.answer
    if call.error:
        data["error"] = call.error
    return data


def _http_data(call: RecordedHttpCall) -> dict[str, Any]:
    asked = {"request": call.request, **({"body": call.body} if call.body is not None else {})}
    if not call.error:
        return {**asked, "answer": call.answer}
    status = {"status": call.status} if call.status is not None else {}
    return {**asked, "error": call.error, **status}


def read_recording(document: Document, path: Path, value: Any) -> Recording:
    """Raises StigmerError, with line, column and the nearest key, for what is no recording."""
    reader = DataReader(document)
    data = reader.mapping(value or {}, path, ("agents", "http"))
    agents = reader.items(data.get("agents"), (*path, "agents"))
    calls = reader.items(data.get("http"), (*path, "http"))
    return Recording(
        tuple(_read_agent(reader, item, place) for item, place in agents),
        tuple(_read_http(reader, item, place) for item, place in calls),
    )


NAME = re.compile(r"[\w-]+")


def load_recording(folder: FilePath, name: str) -> Recording:
    """The one of this name, which `stigmer-tui test` has put into the folder. Raises StigmerError without it."""
    path = folder / f"{name}.json"
    if not NAME.fullmatch(name) or not path.is_file():
        raise StigmerError(f"There is no recording {name} here", "Recordings are played by: stigmer-tui test")
    document = read_yaml(path.read_text(encoding="utf-8"), path.name)
    return read_recording(document, (), document.value)


def _read_agent(reader: DataReader, value: Any, path: Path) -> RecordedAgent:
    keys = ("agent", "message", "model", "instructions", "tools", "uses", "server_tools", "turns")
    data = reader.mapping(value, path, keys, required=("agent", "turns"))
    model = reader.mapping(data.get("model") or {}, (*path, "model"), ("provider", "name"))
    server_tools = reader.items(data.get("server_tools"), (*path, "server_tools"))
    return RecordedAgent(
        agent=reader.text(data["agent"], (*path, "agent")),
        message=reader.text(data.get("message", ""), (*path, "message")),
        instructions=reader.text(data.get("instructions", ""), (*path, "instructions")),
        tools=tuple(reader.text(name, place) for name, place in reader.items(data.get("tools"), (*path, "tools"))),
        turns=tuple(_read_turn(reader, *item) for item in reader.items(data["turns"], (*path, "turns"))),
        server_tools=tuple(_read_tool(reader, *item) for item in server_tools),
        uses=tuple(reader.text(line, place) for line, place in reader.items(data.get("uses"), (*path, "uses"))),
        provider=reader.text(model.get("provider", ""), (*path, "model", "provider")),
        model=reader.text(model.get("name", ""), (*path, "model", "name")),
    )


def _read_tool(reader: DataReader, value: Any, path: Path) -> RecordedTool:
    data = reader.mapping(value, path, ("name", "description", "parameters"), required=("name",))
    parameters = data.get("parameters") or {"type": "object"}
    if not isinstance(parameters, dict):
        raise reader.error((*path, "parameters"), "must be a JSON schema")
    return RecordedTool(str(data["name"]), str(data.get("description") or ""), parameters)


def _read_turn(reader: DataReader, value: Any, path: Path) -> RecordedTurn:
    data = reader.mapping(value, path, ("say", "calls", "tokens"))
    tokens = reader.mapping(data.get("tokens") or {}, (*path, "tokens"), ("input", "cached", "output"))
    for name, number in tokens.items():
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise reader.error((*path, "tokens", name), f"must be a number of tokens, not {number!r}")
    return RecordedTurn(
        reader.text(data.get("say", ""), (*path, "say")),
        tuple(_read_call(reader, *item) for item in reader.items(data.get("calls"), (*path, "calls"))),
        Tokens(**tokens),
    )


def _read_call(reader: DataReader, value: Any, path: Path) -> RecordedCall:
    data = reader.mapping(value, path, ("tool", "arguments", "answer", "error"), required=("tool",))
    arguments = data.get("arguments") or {}
    if not isinstance(arguments, dict):
        raise reader.error((*path, "arguments"), "must be arguments by their names")
    answer = reader.text(data["answer"], (*path, "answer")) if "answer" in data else None
    return RecordedCall(str(data["tool"]), arguments, answer, reader.text(data.get("error", ""), (*path, "error")))


def _read_http(reader: DataReader, value: Any, path: Path) -> RecordedHttpCall:
    data = reader.mapping(value, path, ("request", "body", "answer", "error", "status"), required=("request",))
    status = data.get("status")
    if status is not None and not isinstance(status, int):
        raise reader.error((*path, "status"), f"must be a status such as 404, not {status!r}")
    error = str(data.get("error") or "")
    return RecordedHttpCall(str(data["request"]), data.get("answer"), error, status, data.get("body"))


@dataclass(frozen=True, slots=True)
class DataReader:
    """Checks what a person has written, and says where it is wrong."""

    document: Document

    def error(self, path: Path, problem: str) -> StigmerError:
        line, column = self.document.position(*path)
        name = f"{path[-1]} " if path and isinstance(path[-1], str) else ""
        return StigmerError(f"{self.document.source}:{line}:{column} {name}{problem}")

    def mapping(self, value: Any, path: Path, keys: Sequence[str], required: Sequence[str] = ()) -> Mapping[str, Any]:
        """Raises StigmerError for another key than these, with the nearest one."""
        if not isinstance(value, dict):
            raise self.error(path, f"must hold keys out of {', '.join(keys)}")
        for key in value:
            if key not in keys:
                hint = near_miss(str(key), keys) or f"; known are {', '.join(keys)}"
                raise self.error((*path, key), f"is no key here{hint}")
        for key in required:
            if key not in value:
                raise self.error(path, f"lacks {key}")
        return value

    def items(self, value: Any, path: Path) -> list[tuple[Any, Path]]:
        """With the path of each; none where there is no value."""
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.error(path, "must be a list")
        return [(item, (*path, index)) for index, item in enumerate(value)]

    def text(self, value: Any, path: Path) -> str:
        if isinstance(value, dict | list) or value is None:
            raise self.error(path, "must be a text")
        return value if isinstance(value, str) else str(value)
