"""What a test expects of a run, and where the run differs from it."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from stigmer_tui.testing.records import CallMade, RunRecord

Evaluate = Callable[[str, str], Awaitable[str]]
"""Computes a jq program on JSON. Raises StigmerError."""


@dataclass(frozen=True, slots=True)
class TextMatch:
    """What a text is to be; what is None is not asked for."""

    equals: str | None = None
    contains: tuple[str, ...] = ()
    matches: str | None = None
    """A regular expression that is found in it."""


Matcher = TextMatch | Any
"""Anything but a TextMatch is the value itself."""


@dataclass(frozen=True, slots=True)
class Limits:
    turns: int | None = None
    tokens: int | None = None
    seconds: float | None = None
    cost: float | None = None
    """US dollars."""


@dataclass(frozen=True, slots=True)
class ExpectedCall:
    tool: str
    arguments: Mapping[str, Matcher] = field(default_factory=dict)
    """Those that matter; others may be anything."""


@dataclass(frozen=True, slots=True)
class Expectations:
    state: str = "completed"
    text: TextMatch | None = None
    output: Mapping[str, Matcher] = field(default_factory=dict)
    """By path, such as `items.0.price`."""
    calls: tuple[ExpectedCall, ...] = ()
    in_order: bool = False
    """Whether the calls are to be made in the order of the list."""
    files: Mapping[str, TextMatch] = field(default_factory=dict)
    """By their paths in the working folder, such as `/notes.md`."""
    at_most: Limits = Limits()
    condition: str = ""
    """A jq program on `{state, text, output, calls, turns, tokens, seconds, cost}` that gives true."""
    judge: str = ""
    """A rubric by which a model grades the run, where models are asked."""


class Part(StrEnum):
    """Of what is expected, by its key in the file."""

    STATE = "state"
    TEXT = "text"
    OUTPUT = "output"
    CALLS = "calls"
    FILES = "files"
    AT_MOST = "at_most"
    CONDITION = "condition"
    JUDGE = "judge"


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that is not as expected."""

    what: str
    difference: tuple[str, ...] = ()
    """Lines that begin with - where they were expected, and with + where they are there instead."""
    part: Part | None = None
    """None where it is not about an expectation, but about the recording, the code or the file."""
    key: str = ""
    """Of an output its path, of a limit its name, of a file its path."""


MISSING = object()


async def failures(expected: Expectations, run: RunRecord, folders: list[Path], evaluate: Evaluate) -> list[Failure]:
    """All that is not as expected; `folders` are the working folders of the run."""
    if run.misfits:
        return [_misfit(text) for text in run.misfits]
    found = [*_state(expected, run), *_texts(expected, run), *_output(expected, run), *_calls(expected, run)]
    found += [*_files(expected, folders), *_limits(expected.at_most, run)]
    if expected.condition:
        found += await _condition(expected.condition, run, evaluate)
    return found


def _misfit(text: str) -> Failure:
    first, *rest = text.splitlines()
    return Failure(first, tuple(rest))


def _state(expected: Expectations, run: RunRecord) -> Iterator[Failure]:
    if run.state != expected.state:
        why = f": {run.error}" if run.error else ""
        yield Failure("state", (f"- {expected.state}", f"+ {run.state}{why}"), Part.STATE)


def _texts(expected: Expectations, run: RunRecord) -> Iterator[Failure]:
    if expected.text is not None:
        yield from (replace(each, part=Part.TEXT) for each in _text("text", expected.text, run.text))


def _text(what: str, expected: TextMatch, actual: str) -> Iterator[Failure]:
    if expected.equals is not None and expected.equals.rstrip("\n") != actual.rstrip("\n"):
        yield Failure(f"{what} equals", _difference(expected.equals, actual))
    for part in expected.contains:
        if part not in actual:
            yield Failure(f"{what} contains", (f"- {part}", *(f"+ {line}" for line in actual.splitlines()[:LINES])))
    if expected.matches is not None and not re.search(expected.matches, actual):
        yield Failure(
            f"{what} matches", (f"- /{expected.matches}/", *(f"+ {line}" for line in actual.splitlines()[:LINES]))
        )


LINES = 12
"""Of a text that does not contain what it is to."""


def _difference(before: str, after: str) -> tuple[str, ...]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=2, lineterm="")
    return tuple(line for line in lines if not line.startswith(("---", "+++", "@@")))


def _output(expected: Expectations, run: RunRecord) -> Iterator[Failure]:
    for path, matcher in expected.output.items():
        for each in _value(f"output {path}", matcher, at_path(run.output, path)):
            yield replace(each, part=Part.OUTPUT, key=path)


def at_path(value: Any, path: str) -> Any:
    """MISSING where there is nothing."""
    for part in path.split("."):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return MISSING
    return value


def _value(what: str, matcher: Matcher, actual: Any) -> Iterator[Failure]:
    if actual is MISSING:
        yield Failure(what, (f"- {_shown(matcher)}", "+ (nothing)"))
    elif isinstance(matcher, TextMatch):
        yield from _text(what, matcher, actual if isinstance(actual, str) else _shown(actual))
    elif matcher != actual:
        yield Failure(what, _difference(_shown(matcher), _shown(actual)))


def _shown(value: Any) -> str:
    match value:
        case TextMatch():
            parts = [value.equals, *value.contains, value.matches]
            return ", ".join(repr(part) for part in parts if part is not None)
        case str():
            return value
        case _:
            return json.dumps(value, ensure_ascii=False, indent=2 if isinstance(value, dict | list) else None)


def _calls(expected: Expectations, run: RunRecord) -> Iterator[Failure]:
    left = list(run.calls)
    for call in expected.calls:
        place = next((index for index, made in enumerate(left) if _fits(call, made)), None)
        if place is None:
            yield Failure(f"call {call.tool}", tuple(_closest(call, run, expected.in_order)), Part.CALLS)
        elif expected.in_order:
            left = left[place + 1 :]
        else:
            del left[place]


def _fits(call: ExpectedCall, made: CallMade) -> bool:
    return call.tool == made.tool and all(
        not list(_value("", matcher, made.arguments.get(name, MISSING))) for name, matcher in call.arguments.items()
    )


def _closest(call: ExpectedCall, run: RunRecord, in_order: bool) -> Iterator[str]:
    """What was called instead."""
    if in_order and any(_fits(call, made) for made in run.calls):
        yield f"- {_call_line(call.tool, call.arguments)}, after those before it"
        yield f"+ {', '.join(made.tool for made in run.calls)}"
        return
    yield f"- {_call_line(call.tool, call.arguments)}"
    alike = [made for made in run.calls if made.tool == call.tool]
    for made in alike:
        yield f"+ {_call_line(made.tool, {name: made.arguments.get(name) for name in call.arguments})}"
    if not alike:
        yield f"+ {', '.join(made.tool for made in run.calls) or '(no calls)'}"


def _call_line(tool: str, arguments: Mapping[str, Any]) -> str:
    return f"{tool} {', '.join(f'{name}: {_shown(value)!r}' for name, value in arguments.items())}".rstrip()


def _files(expected: Expectations, folders: list[Path]) -> Iterator[Failure]:
    for path, match in expected.files.items():
        found = next((folder / path.lstrip("/") for folder in folders if (folder / path.lstrip("/")).is_file()), None)
        if found is None:
            written = sorted(
                f"/{file.relative_to(folder)}" for folder in folders for file in folder.rglob("*") if file.is_file()
            )
            yield Failure(f"file {path}", (f"- {path}", f"+ {', '.join(written) or '(no files)'}"), Part.FILES, path)
        else:
            content = found.read_text(encoding="utf-8", errors="replace")
            for each in _text(f"file {path}", match, content):
                yield replace(each, part=Part.FILES, key=path)


def _limits(limits: Limits, run: RunRecord) -> Iterator[Failure]:
    for name in ("turns", "tokens", "seconds", "cost"):
        limit, spent = getattr(limits, name), getattr(run, name)
        if limit is not None and spent > limit:
            yield Failure(f"at most {name}", (f"- {limit:g}", f"+ {spent:g}"), Part.AT_MOST, name)


async def _condition(program: str, run: RunRecord, evaluate: Evaluate) -> list[Failure]:
    data = {
        **{name: getattr(run, name) for name in ("state", "text", "output", "turns", "tokens", "seconds", "cost")},
        "calls": [{"tool": call.tool, "arguments": dict(call.arguments)} for call in run.calls],
    }
    answer = json.loads(await evaluate(program, json.dumps(data)))
    difference = (f"- {program}", f"+ gives {json.dumps(answer)}")
    return [] if answer is True else [Failure("condition", difference, Part.CONDITION)]
