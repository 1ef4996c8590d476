"""A test: a YAML file that says what is run, on which recording, and what is expected.

    version: 1
    agent: clerk                      # or workflow: …
    message: What is left?
    environment:
      REGION: eu
      TOKEN: secret:TOKEN             # a secret, of which only the name is kept
    expect:
      state: completed
      text: {contains: Assam}         # of the last answer; or equals, or matches, a regular expression
      output:                         # by path; a value, or what a text is to contain
        items.0.price: 4.5
      calls:                          # tools that are called, with those arguments that matter
        - read_file: {file_path: /stock.md}
        - ls
      in_order: true                  # whether they are to be called one after the other
      files:                          # in the working folder when the run has ended
        /notes.md: {contains: Assam}
      at_most: {turns: 4, tokens: 5000, seconds: 5, cost: 0.02}
      condition: .turns < 4 and (.calls | length) > 1    # jq
      judge: Is it polite, and does it name a tea?       # a rubric, by which a model grades the run; only with --live
    recording: …                      # what is played; made by `stigmer-tui export --as test`

What is left out is not looked at. Offline, tokens and cost are those of the recording. A recorded call that has an
answer is not made again, and a run is played only where the code asks with the same instructions, tools and message.

With `--live` models are asked instead of the recording, MCP servers are started, and commands are run. Calls that wait
for an approval are denied, and secrets are taken from variables of their names in the environment. HTTP calls of
workflows are played even then. Of a conversation only the message of the test is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.run_variable import SECRET_PREFIX
from stigmer_tui.core.yaml_output import to_yaml
from stigmer_tui.core.yaml_text import Path as Place
from stigmer_tui.core.yaml_text import read_yaml
from stigmer_tui.definition.recording import DataReader, Recording, read_recording, recording_data
from stigmer_tui.testing.expectations import Expectations, ExpectedCall, Limits, Matcher, TextMatch
from stigmer_tui.testing.records import Variable

VERSION = 1
KEYS = ("version", "agent", "workflow", "message", "environment", "expect", "recording")
EXPECTED = ("state", "text", "output", "calls", "in_order", "files", "at_most", "condition", "judge")
STATES = ("completed", "failed", "cancelled")
MATCHES = ("equals", "contains", "matches")


@dataclass(frozen=True, slots=True)
class TestCase:
    __test__ = False  # pytest collects by the name

    name: str
    path: Path
    is_agent: bool
    runs: str
    """Name of the agent or workflow."""
    message: str
    expected: Expectations
    recording: Recording
    variables: Mapping[str, Variable] = field(default_factory=dict)


_SAYS_A_TEST = re.compile(r"^(agent|workflow|expect|recording)\s*:", re.MULTILINE)


def find_cases(folder: Path) -> list[Path]:
    """The tests in a folder, and in those below. Other files, such as data, may stand beside them."""
    return sorted(path for path in folder.rglob("*") if looks_like_case(path))


def looks_like_case(path: Path) -> bool:
    """Whether a file says what only a test says, be it right or wrong."""
    if path.suffix not in (".yaml", ".yml"):
        return False
    try:
        return bool(_SAYS_A_TEST.search(path.read_text(encoding="utf-8", errors="replace")))
    except OSError:
        # A folder, or a file that has just been removed.
        return False


def read_case(path: Path) -> TestCase:
    """Raises StigmerError, with line, column and the nearest key, for a file that is no test."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StigmerError(f"Cannot read the test {path}: {error}") from error
    document = read_yaml(text, str(path))
    reader = DataReader(document)
    data = reader.mapping(document.value, (), KEYS)
    if (version := data.get("version")) != VERSION:
        raise reader.error(
            ("version",), f"is {version!r}, and this version of stigmer-tui reads {VERSION}: export the run again"
        )
    if ("agent" in data) == ("workflow" in data):
        raise reader.error((), "must say what runs: either agent or workflow")
    kind = "agent" if "agent" in data else "workflow"
    return TestCase(
        name=path.stem,
        path=path,
        is_agent=kind == "agent",
        runs=reader.text(data[kind], (kind,)),
        message=reader.text(data.get("message", ""), ("message",)),
        expected=_expectations(reader, data.get("expect") or {}, ("expect",)),
        recording=read_recording(document, ("recording",), data.get("recording")),
        variables=_variables(reader, data.get("environment") or {}, ("environment",)),
    )


def _variables(reader: DataReader, value: Any, path: Place) -> dict[str, Variable]:
    if not isinstance(value, dict):
        raise reader.error(path, "must hold values by the names of variables")
    texts = {str(name): reader.text(text, (*path, name)) for name, text in value.items()}
    return {
        name: Variable("", is_secret=True) if text.startswith(SECRET_PREFIX) else Variable(text, is_secret=False)
        for name, text in texts.items()
    }


def _expectations(reader: DataReader, value: Any, path: Place) -> Expectations:
    data = reader.mapping(value, path, EXPECTED)
    state = data.get("state", "completed")
    if state not in STATES:
        raise reader.error((*path, "state"), f"is one of {', '.join(STATES)}, not {state!r}")
    output, files = data.get("output") or {}, data.get("files") or {}
    for key, part in (("output", output), ("files", files)):
        if not isinstance(part, dict):
            raise reader.error((*path, key), "must hold what is expected by paths")
    in_order = data.get("in_order", False)
    if not isinstance(in_order, bool):
        raise reader.error((*path, "in_order"), f"is true or false, not {in_order!r}")
    return Expectations(
        state=state,
        text=_text_match(reader, data["text"], (*path, "text")) if "text" in data else None,
        output={str(key): _matcher(reader, item, (*path, "output", key)) for key, item in output.items()},
        calls=tuple(_call(reader, *item) for item in reader.items(data.get("calls"), (*path, "calls"))),
        in_order=in_order,
        files={str(key): _text_match(reader, item, (*path, "files", key)) for key, item in files.items()},
        at_most=_limits(reader, data.get("at_most") or {}, (*path, "at_most")),
        condition=reader.text(data.get("condition", ""), (*path, "condition")),
        judge=reader.text(data.get("judge", ""), (*path, "judge")).strip(),
    )


def _text_match(reader: DataReader, value: Any, path: Place) -> TextMatch:
    """A text alone is what it equals; {} asks for nothing, such as of a file that only has to be there."""
    if not isinstance(value, dict):
        return TextMatch(equals=reader.text(value, path))
    data = reader.mapping(value, path, MATCHES)
    parts = data.get("contains", [])
    if matches := data.get("matches"):
        try:
            re.compile(str(matches))
        except re.error as error:
            raise reader.error((*path, "matches"), f"is no regular expression: {error}") from error
    return TextMatch(
        reader.text(data["equals"], (*path, "equals")) if "equals" in data else None,
        tuple(map(str, parts if isinstance(parts, list) else [parts])),
        str(matches) if matches is not None else None,
    )


def _matcher(reader: DataReader, value: Any, path: Place) -> Matcher:
    """An object with keys of a text match is one; anything else is the value itself."""
    is_match = isinstance(value, dict) and value and set(value) <= set(MATCHES)
    return _text_match(reader, value, path) if is_match else value


def _call(reader: DataReader, value: Any, path: Place) -> ExpectedCall:
    if isinstance(value, str):
        return ExpectedCall(value)
    if not isinstance(value, dict) or len(value) != 1:
        raise reader.error(path, "must be the name of a tool, or one with arguments, such as ls: {path: /}")
    ((tool, arguments),) = value.items()
    if not isinstance(arguments or {}, dict):
        raise reader.error((*path, tool), "must hold arguments by their names")
    matchers = {str(name): _matcher(reader, item, (*path, tool, name)) for name, item in (arguments or {}).items()}
    return ExpectedCall(str(tool), matchers)


def _limits(reader: DataReader, value: Any, path: Place) -> Limits:
    data = reader.mapping(value, path, ("turns", "tokens", "seconds", "cost"))
    for name, limit in data.items():
        if isinstance(limit, bool) or not isinstance(limit, int | float) or limit < 0:
            raise reader.error((*path, name), f"must be a number, not {limit!r}")
    return Limits(**data)


def case_text(case: TestCase) -> str:
    """The file. `read_case` reads the same from it."""
    data: dict[str, Any] = {"version": VERSION, "agent" if case.is_agent else "workflow": case.runs}
    if case.message:
        data["message"] = case.message
    if case.variables:
        data["environment"] = {
            name: f"{SECRET_PREFIX}{name}" if variable.is_secret else variable.value
            for name, variable in case.variables.items()
        }
    data["expect"] = _expectation_data(case.expected)
    data["recording"] = recording_data(case.recording)
    return to_yaml(data)


def _expectation_data(expected: Expectations) -> dict[str, Any]:
    data: dict[str, Any] = {"state": expected.state}
    if expected.text is not None:
        data["text"] = _match_data(expected.text)
    if expected.output:
        data["output"] = {path: _match_data(item) for path, item in expected.output.items()}
    if expected.calls:
        data["calls"] = [
            {call.tool: {name: _match_data(item) for name, item in call.arguments.items()}} for call in expected.calls
        ]
    if expected.in_order:
        data["in_order"] = True
    if expected.files:
        data["files"] = {path: _match_data(item) for path, item in expected.files.items()}
    limits = {
        name: limit
        for name in ("turns", "tokens", "seconds", "cost")
        if (limit := getattr(expected.at_most, name)) is not None
    }
    if limits:
        data["at_most"] = limits
    if expected.condition:
        data["condition"] = expected.condition
    if expected.judge:
        data["judge"] = expected.judge
    return data


def _match_data(matcher: Matcher) -> Any:
    if not isinstance(matcher, TextMatch):
        return matcher
    parts: dict[str, Any] = {}
    if matcher.equals is not None:
        parts["equals"] = matcher.equals
    if matcher.contains:
        parts["contains"] = matcher.contains[0] if len(matcher.contains) == 1 else list(matcher.contains)
    if matcher.matches is not None:
        parts["matches"] = matcher.matches
    return parts
