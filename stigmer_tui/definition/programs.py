"""The text that jq is given for an expression: it defines what the expression may see, which is its input alone."""

from __future__ import annotations

from stigmer_tui.definition.usage import ROOTS

NOW = "now"
UUIDS = "uuids"
"""Keys of a program's input beside the roots: seconds since 1970, and one text for each new identifier."""

_PRELUDE = (
    ". as $__in | {} as $ENV | null as $__prog_args | def env: {}; def now: $__in.now; "
    + "".join(f'$__in["{root}"] as {root} | ' for root in ROOTS if root != ".")
    + f'$__in.{UUIDS} as $__uuids | $__in["."] | '
)
"""One line, so that jq counts the lines of the expression from two."""


def uuid_program(number: int) -> str:
    """What takes the place of the word `uuid` in a program."""
    return f"$__uuids[{number}]"


def completed(program: str) -> str:
    """The program as jq compiles it. Its value is JSON text, because libjq rounds numbers that it hands over itself."""
    return f"{_PRELUDE}first(\n{program}\n) | tojson"
