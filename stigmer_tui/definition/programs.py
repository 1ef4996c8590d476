"""Runs jq programs: their input is all that they see, and their first output is their value.

A program has no environment, no files and no other input. What it cannot be kept from is taking for ever: a runner
lets a process of its own run it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import jq

from stigmer_tui.definition.lexer import ExpressionError
from stigmer_tui.definition.usage import ROOTS

NOW = "now"
UUIDS = "uuids"
"""Keys of a program's input beside the roots: seconds since 1970, and one text for each new identifier."""

_PRELUDE = (
    ". as $__in | {} as $ENV | null as $__prog_args | def env: {}; def now: $__in.now; "
    + "".join(f'$__in["{root}"] as {root} | ' for root in ROOTS if root != ".")
    + f'$__in.{UUIDS} as $__uuids | $__in["."] | '
)

_COMPILE_ERROR = re.compile(
    r"jq: error: (?P<what>.*?) at <top-level>, line (?P<line>\d+), column (?P<column>\d+)", re.DOTALL
)


def uuid_program(number: int) -> str:
    """What takes the place of the word `uuid` in a program."""
    return f"$__uuids[{number}]"


def run(program: str, inputs: str) -> str:
    """The value of a program as JSON text, every digit kept. Raises ExpressionError."""
    # tojson within the program, because libjq rounds numbers when it hands them over itself.
    compiled = _compiled(f"{_PRELUDE}first(\n{program}\n) | tojson")
    try:
        value: str = compiled.input_text(inputs).first()
    except StopIteration:
        raise ExpressionError("it gives no value") from None
    except ValueError as error:
        raise ExpressionError(str(error)) from error
    return value


def check(programs: Sequence[str]) -> list[str]:
    """What is wrong with each program, empty for nothing."""
    try:
        # Most of the time of a compilation goes into jq's own library: one for all, as long as all is well.
        _compiled(_PRELUDE + "".join(f"(\n{program}\n) | " for program in programs) + ".")
    except ExpressionError:
        return [_check(program) for program in programs]
    return [""] * len(programs)


def _check(program: str) -> str:
    try:
        _compiled(f"{_PRELUDE}\n{program}")
    except ExpressionError as error:
        return str(error)
    return ""


@lru_cache(maxsize=2048)
def _compiled(text: str) -> Any:
    try:
        return jq.compile(text)
    except ValueError as error:
        raise ExpressionError(_reason(str(error))) from error


def _reason(error: str) -> str:
    """jq's first complaint, with the place in the program instead of that behind the prelude."""
    match = _COMPILE_ERROR.search(error)
    if match is None:
        return error.splitlines()[0]
    line, column = int(match["line"]) - 1, match["column"]
    what = match["what"].partition(", expecting ")[0]
    return f"{what} at column {column}" if line <= 1 else f"{what} at line {line}, column {column}"
