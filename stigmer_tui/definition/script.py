"""A script: what an agent says and does, turn by turn, where no model is asked. In YAML:

    delay: 0.02                  # seconds between two words, 0.02 if left out
    turns:
      - say: "Let me see what {{message}} is about."
        call:
          ls: {path: /}          # one tool with its arguments …
      - think: "Milk, I suppose."  # reasoning, which people may read, before the agent speaks
        pause: 1.5               # seconds before this turn
        call:                    # … or several, one after the other
          - write_file: {file_path: /notes.md, content: "Milk"}
          - execute: {command: cat notes.md}
      - say: |
          The note says {{execute}}.

A turn has `say`, `call` or both, and is played in that order; `think`, `pause` and a `delay` of its own are optional.
Calls are really made, and the next turn follows when they have ended. A turn without calls goes on with the next one,
after a blank line. The end of the script is the end of the answer, and each message to the agent plays it from the
beginning.

A script may say something else to each message of a conversation. In place of `turns` it has `messages`, the turns for
each of them; those of the last one are also played for all messages after it:

    messages:
      - - say: "What is your name?"
      - - say: "Nice to meet you, {{message}}."
      - - say: "You said {{previous}} before."

Where such a conversation has become longer than what its model may get, a summary takes the place of the older
messages. A script says it too, as `summary`:

    summary: "The person is called Ada."
    turns:
      - say: "Hello again."

Texts and arguments may hold `{{message}}`, what the person said; `{{previous}}`, what the person said before that in
the same conversation; `{{result}}`, the result of the last call; and the
name of a tool, as in `{{execute}}`, for the result of its last call. Results are inserted as they read best: without
line numbers and without the exit code.

The tool `task` hands something to a sub-agent, which plays a script of its own, and whose last text is the result:

    turns:
      - call:
          - task: {subagent_type: reader, description: "Read /notes.md"}
          - task: {subagent_type: general-purpose, description: "Count the files"}
      - say: "{{result}}"
    sub_agents:
      reader:
        turns:
          - call: {read_file: {file_path: /notes.md}}
          - say: "They say: {{read_file}}"
      general-purpose:
        turns:
          - say: There are two.

An agent with MCP servers has their tools too, by the names that `stigmer-tui mcp check` prints. Which these are is
known only when the servers run, so a script of such an agent may name any tool.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.yaml_text import Document, Path, read_yaml
from stigmer_tui.definition.support import TOOLS

DEFAULT_DELAY = 0.02
DEFAULT_SUMMARY = "The person and the agent have talked before."
PLACEHOLDER = re.compile(r"\{\{\s*([\w-]+)\s*\}\}")

VALUES = frozenset({"message", "previous", "result"})
"""What can be inserted beside the results of tools."""

TOOL_NAME = re.compile(r"[\w-]+")


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """A tool call of a script."""

    tool: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ScriptTurn:
    """What an agent says and calls at a time."""

    say: str
    calls: tuple[ScriptCall, ...]
    pause: float
    """Seconds before the turn."""
    delay: float
    """Seconds between two words."""
    think: str = ""
    """Before it says anything."""


Answers = tuple[tuple[ScriptTurn, ...], ...]
"""Turns, grouped into responses: a response ends after a turn with calls."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script that an agent plays in place of a model."""

    messages: tuple[Answers, ...]
    """What it answers to each message of a conversation, and with the last one to all after it."""
    sub_agents: Mapping[str, Script] = field(default_factory=dict)
    """The scripts of its sub-agents, by their names."""
    summary: str = DEFAULT_SUMMARY
    """What it makes of the older part of a long conversation."""

    @property
    def summarizing(self) -> Script:
        """Says the summary, whatever it is asked."""
        return Script((((ScriptTurn(self.summary, (), 0, 0),),),))

    def answers(self, number: int) -> Answers:
        """To a message, by its number in the conversation, from 0."""
        return self.messages[min(number, len(self.messages) - 1)]

    def of_sub_agent(self, name: str) -> Script:
        """Raises StigmerError for a sub-agent that has no script."""
        if name not in self.sub_agents:
            raise StigmerError(
                f"{name} has no script to play: give it one in the script of its agent, under sub_agents"
            )
        return self.sub_agents[name]


def parse_script(text: str, source: str, has_servers: bool = False) -> Script:
    """Parses a script. `has_servers` says whether the agent has tools of MCP servers.

    Raises StigmerError, with source and line, for a script that is not valid.
    """
    return _Parser(read_yaml(text, source), has_servers).script()


class _Parser:
    def __init__(self, document: Document, has_servers: bool) -> None:
        self._document = document
        self._has_servers = has_servers

    def script(self) -> Script:
        return self._script(self._document.value, (), DEFAULT_DELAY)

    def _script(self, value: Any, path: Path, delay: float) -> Script:
        script = self._mapping(value, path, ("delay", "messages", "sub_agents", "summary", "turns"))
        delay = self._seconds(script.get("delay", delay), (*path, "delay"))
        messages, sub_agents = self._messages(script, path, delay), script.get("sub_agents")
        return Script(messages, self._sub_agents(sub_agents, path, delay), self._summary(script, path))

    def _summary(self, script: Mapping[str, Any], path: Path) -> str:
        summary = script.get("summary", DEFAULT_SUMMARY)
        if not isinstance(summary, str) or not summary.strip():
            raise self._error((*path, "summary"), f"must be a text, not {summary!r}")
        return summary

    def _messages(self, script: Mapping[str, Any], path: Path, delay: float) -> tuple[Answers, ...]:
        if "messages" not in script:
            return (self._answers(script.get("turns"), (*path, "turns"), delay),)
        if "turns" in script:
            raise self._error((*path, "turns"), "must have either turns or messages, not both")
        messages = script["messages"]
        if not isinstance(messages, list) or not messages:
            raise self._error((*path, "messages"), "must have messages: a list of the turns for each of them")
        return tuple(self._answers(turns, (*path, "messages", i), delay) for i, turns in enumerate(messages))

    def _sub_agents(self, scripts: Any, path: Path, delay: float) -> dict[str, Script]:
        if not isinstance(scripts or {}, dict):
            raise self._error((*path, "sub_agents"), "must hold the scripts of sub-agents by their names")
        return {
            str(name): self._script(value, (*path, "sub_agents", name), delay)
            for name, value in (scripts or {}).items()
        }

    def _answers(self, turns: Any, path: Path, delay: float) -> Answers:
        if not isinstance(turns, list) or not turns:
            raise self._error(path, "must have turns: a list of what the agent says and calls")
        answers: list[list[ScriptTurn]] = [[]]
        for index, value in enumerate(turns):
            turn = self._turn(value, (*path, index), delay)
            if turn.think and answers[-1]:
                problem = "comes in the middle of an answer: the turn before has no call, and goes on with this one"
                raise self._error((*path, index, "think"), problem)
            answers[-1].append(turn)
            if turn.calls:
                answers.append([])
        return tuple(tuple(answer) for answer in answers if answer)

    def _turn(self, value: Any, path: Path, delay: float) -> ScriptTurn:
        turn = self._mapping(value, path, ("think", "say", "call", "pause", "delay"))
        think, say = (self._text(turn.get(key), (*path, key)) for key in ("think", "say"))
        calls = tuple(self._calls(turn.get("call") or [], (*path, "call")))
        if not say.strip() and not calls:
            raise self._error(path, "is a turn that neither says nor calls anything")
        pause = self._seconds(turn.get("pause", 0), (*path, "pause"))
        return ScriptTurn(say, calls, pause, self._seconds(turn.get("delay", delay), (*path, "delay")), think)

    def _text(self, value: Any, path: Path) -> str:
        text = value if isinstance(value, str) else str(value or "")
        self._check_placeholders(text, path)
        return text

    def _calls(self, value: Any, path: Path) -> Iterator[ScriptCall]:
        listed = value if isinstance(value, list) else [value]
        for index, item in enumerate(listed):
            place = (*path, index) if isinstance(value, list) else path
            for tool, arguments in self._tools(item, place).items():
                if not isinstance(arguments, dict):
                    raise self._error((*place, tool), f"must give {tool} its arguments, such as {{path: /}}")
                self._check_placeholders(arguments, (*place, tool))
                yield ScriptCall(tool, arguments)

    def _tools(self, value: Any, path: Path) -> dict[str, Any]:
        if self._has_servers and isinstance(value, dict) and all(map(TOOL_NAME.fullmatch, map(str, value))):
            return {str(tool): arguments for tool, arguments in value.items()}
        return self._mapping(value, path, tuple(sorted(TOOLS)))

    def _mapping(self, value: Any, path: Path, keys: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._error(path, f"must hold keys out of {', '.join(keys)}")
        for key in value:
            if key not in keys:
                raise self._error((*path, key), f"has {key!r}, which is none of {', '.join(keys)}")
        return value

    def _seconds(self, value: Any, path: Path) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 3600:
            raise self._error(path, f"must be a number of seconds, not {value!r}")
        return float(value)

    def _check_placeholders(self, value: Any, path: Path) -> None:
        match value:
            case str():
                for name in PLACEHOLDER.findall(value):
                    if not self._has_servers and name not in TOOLS | VALUES:
                        known = ", ".join((*sorted(VALUES), *sorted(TOOLS)))
                        raise self._error(path, f"has {{{{{name}}}}}, where only these can be inserted: {known}")
            case dict():
                for key, item in value.items():
                    self._check_placeholders(item, (*path, key))
            case list():
                for index, item in enumerate(value):
                    self._check_placeholders(item, (*path, index))

    def _error(self, path: Path, problem: str) -> StigmerError:
        return StigmerError(f"{self._document.where(*path)} {problem}")
