"""The agents that there are: those of the program, and those that people have added in config.yaml, without code:

agent_clis:
  aider:
    command: [aider, --yes, --message, "{prompt}"]   # {model}, {folder} and {run_folder} are filled in too
    format: plain                                    # or claude, codex, gemini, opencode
    model: gpt-5
    install: pip install aider-chat
  claude:
    binary: /opt/claude/bin/claude                   # of one that is known, another binary
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from stigmer_tui.agent_clis.agent_cli import AgentCli, Launch
from stigmer_tui.agent_clis.agents.claude import CLAUDE
from stigmer_tui.agent_clis.agents.codex import CODEX
from stigmer_tui.agent_clis.agents.gemini import GEMINI
from stigmer_tui.agent_clis.agents.kilo import KILO
from stigmer_tui.agent_clis.agents.ollama import OLLAMA
from stigmer_tui.agent_clis.agents.opencode import OPENCODE
from stigmer_tui.agent_clis.agents.qwen import QWEN
from stigmer_tui.agent_clis.events import LineReader
from stigmer_tui.agent_clis.formats.claude import ClaudeLines
from stigmer_tui.agent_clis.formats.codex import CodexLines
from stigmer_tui.agent_clis.formats.gemini import GeminiLines
from stigmer_tui.agent_clis.formats.opencode import OpencodeLines
from stigmer_tui.agent_clis.formats.plain import PlainLines
from stigmer_tui.core.configuration_file import ConfigurationFile
from stigmer_tui.core.errors import StigmerError

AGENTS = (CODEX, CLAUDE, KILO, OPENCODE, OLLAMA, GEMINI, QWEN)
"""From the highest preference down, in which `auto` tries them."""

FORMATS: Mapping[str, Callable[[], LineReader]] = {
    "plain": PlainLines,
    "claude": ClaudeLines,
    "codex": CodexLines,
    "gemini": GeminiLines,
    "opencode": OpencodeLines,
}

SECTION = "agent_clis"
KEYS = ("binary", "command", "format", "install", "model", "preference")


def agents_of(file: ConfigurationFile) -> dict[str, AgentCli]:
    """All agents by name, those with the highest preference first. Raises StigmerError, with file and line."""
    agents = {agent.name: agent for agent in AGENTS}
    added = file.document.value.get(SECTION) if file.document and isinstance(file.document.value, dict) else None
    if added is None:
        return agents
    if not isinstance(added, dict):
        raise StigmerError(f"{file.where((SECTION,))} {SECTION} must hold agents by their names")
    for name, values in added.items():
        agents[str(name)] = _Reader(file, str(name)).agent(agents.get(str(name)), values)
    return dict(sorted(agents.items(), key=lambda item: -item[1].preference))


class _Reader:
    """Of one agent in config.yaml."""

    def __init__(self, file: ConfigurationFile, name: str) -> None:
        self._file = file
        self._name = name

    def agent(self, known: AgentCli | None, values: Any) -> AgentCli:
        if not isinstance(values, dict):
            raise self._problem("", f"must hold keys such as {', '.join(KEYS)}")
        for key in values:
            if key not in KEYS:
                raise self._problem(str(key), f"is no key of an agent: there are {', '.join(KEYS)}")
        texts = {key: self._text(values, key) for key in ("binary", "format", "install", "model")}
        if known is not None and "command" not in values:
            return replace(
                known,
                binary=texts["binary"] or known.binary,
                install=texts["install"] or known.install,
                default_model=texts["model"] or known.default_model,
                preference=self._preference(values, known.preference),
            )
        binary, *arguments = self._command(values)
        if texts["format"] not in ("", *FORMATS):
            raise self._problem("format", f"is {texts['format']!r}: there are {', '.join(FORMATS)}")
        return AgentCli(
            self._name,
            texts["binary"] or binary,
            texts["install"],
            self._preference(values, 0),
            lambda launch: [_filled(argument, launch) for argument in arguments],
            FORMATS[texts["format"] or "plain"],
            default_model=texts["model"],
        )

    def _command(self, values: dict[str, Any]) -> list[str]:
        command = values.get("command")
        if not isinstance(command, list) or not command or not all(isinstance(part, str) for part in command):
            raise self._problem("command", 'must be a list of texts, such as [aider, --message, "{prompt}"]')
        if not any("{prompt}" in part for part in command):
            raise self._problem("command", "must have {prompt} where the prompt is to stand")
        return command

    def _preference(self, values: dict[str, Any], default: int) -> int:
        value = values.get("preference", default)
        if not isinstance(value, int):
            raise self._problem("preference", "must be a whole number")
        return value

    def _text(self, values: dict[str, Any], key: str) -> str:
        value = values.get(key, "")
        if not isinstance(value, str):
            raise self._problem(key, "must be a text")
        return value

    def _problem(self, key: str, problem: str) -> StigmerError:
        path = tuple(filter(None, (SECTION, self._name, key)))
        return StigmerError(f"{self._file.where(path)} {'.'.join(path)} {problem}")


def _filled(argument: str, launch: Launch) -> str:
    values = {
        "{prompt}": launch.prompt,
        "{model}": launch.model,
        "{folder}": str(launch.folder),
        "{run_folder}": str(launch.run_folder),
    }
    # The prompt last: what it holds is not filled in.
    for name in ("{model}", "{folder}", "{run_folder}", "{prompt}"):
        argument = argument.replace(name, values[name])
    return argument
