"""Point 12: whether a text is a program of jq is known without compiling it."""

from __future__ import annotations

import random
import re

import jq
import pytest

from stigmer_tui.definition.functions import FUNCTIONS
from stigmer_tui.definition.grammar import check
from stigmer_tui.definition.usage import CLOSED

PROGRAMS = [
    *r"""
    1 | .a.b | ."a" | ."a\(.b)c" | .["a"]? | .a[] | .[1:] | .[:2] | .[1:2] | .[1].[2] | ..[0] | .. | not | "x".a | -.a
    [] | [1,2][0] | {} | {a, "b", $__loc__, @text "c"} | {a: 1 + 2 | -3, (.b): 1, if: 2, "c\(1)": .d?,}
    if . then 1 end | if 1 then 2 elif 3 then 4 else 5 end.a | try error("x") catch . | try try 1 catch 2 catch -3
    reduce .[] as $x (0; . + $x) | foreach .[] as [$a, {b: $c, $d, "e": $f, (1|tostring): $g}] (0; $a; [., $c, $d])
    def f: 1; def g(a; $b): a + $b + b; f + g(2; 3) | def f(x): def g: x; g; f(1) | . as $x | def h: $x; h
    . as [$a] ?// {b: $c} ?// $d | [$a, $c, $d] | label $out | 1, break $out | 1 + . as $x | $x, -$x
    1 == 2 and 3 != 4 or 5 < 6 // .a = 1 // .b |= 2 | . == 1 | (1 == 2) == 3 | @base64 "a\(1)b\("c\(2)")" | @json
    .5 | 1.e3 | 1..a | 1 -1 | - - 1 | "\u00e9\ud83d\ude00\n" | map(select(.a > 1)) | .a? | .a .b | . as $if | $if
    limit(3; repeat(1)) | [.[] | {a, b}] | $ENV.a | 1 as $x | 2 as $x | $x | {$__loc__} | {a: if . then 1 else 2 end}
    1 | reduce -1 as $x (0; 1) + 2 | [..] | ..? | [true, false, null] | nan | infinite | -infinite
    """.strip().splitlines(),
    "1 # one \\\n still one \r too\n + 2 # \\\\\n + 3",
    '"a\nb"',
]
PIECES = (
    *("|", ",", ".", "..", ".a", "$x", "as", "1", '"s"', '"\\(', '\\)"', "(", ")", "[", "]", "{", "}", ":", ";", "if"),
    *("then", "else", "elif", "end", "reduce", "foreach", "def", "f", "try", "catch", "label", "break", "?", "?//"),
    *("-", "+", "==", "and", "or", "//", "=", "|=", "@base64", "not", "f(1)", "a", "$__loc__"),
)
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\.?[A-Za-z_$@]\w*|\?//|[|=!<>+*/%-]=|\.\.|\s+|.', re.DOTALL)


def complaint_of_jq(program: str) -> str:
    try:
        jq.compile(program)
    except ValueError as error:
        return str(error)
    return ""


def changed(program: str, chance: random.Random) -> str:
    tokens = TOKEN.findall(program)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(tokens))
        match chance.randrange(4):
            case 0:
                tokens.insert(at, f" {chance.choice(PIECES)} ")
            case 1 if len(tokens) > 1:
                del tokens[at]
            case 2:
                tokens[at] = f" {chance.choice(PIECES)} "
            case _:
                tokens.insert(at, f" ({chance.choice(PROGRAMS).strip()}) ")
    return "".join(tokens)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_is_one(program: str) -> None:
    assert check(program) == complaint_of_jq(program) == ""


@pytest.mark.parametrize("seed", range(40))
def test_what_jq_says_of_a_program_is_said_of_it_here(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(10):
        program = changed(chance.choice(PROGRAMS), chance)
        expected = complaint_of_jq(program)
        # That a key is no text, and that a name is taken, only jq tells.
        if "as object key" not in expected and "$__loc__" not in expected:
            assert bool(check(program)) == bool(expected), f"{program!r}: {expected}"


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (" | ", "syntax error, unexpected '|' at column 2"),
        ("foo", "foo/0 is not defined at column 1"),
        ("limit(1)", "limit/1 is not defined at column 1"),
        (".a +\n$item", "$item is not defined at line 2, column 1"),
        (".a +", "syntax error, unexpected end at column 5"),
        ("break $out", "$out is not defined at column 7"),
        ('"a\\q"', '"a\\q" has an escape sequence that is none at column 1'),
        ("1 == 2 == 3", "syntax error, unexpected '==' at column 8"),
        ("def f: .a; f(1)", "f/1 is not defined at column 12"),
        ("reduce .[] as $x ($x; 1)", "$x is not defined at column 19"),
        ('"a\0b"', "there is a NUL character in it"),
        ("1 }", "`}` closes nothing"),
        ("(" * 10_000 + "1" + ")" * 10_000, "it is nested too deep"),
        ('"a" * 900000000', ""),
        ("[" * 1000 + "]" * 1000, ""),
        (" | ".join([". as $x"] * 20_000 + ["$x"]), ""),
    ],
)
def test_a_complaint_names_the_place(program: str, message: str) -> None:
    assert check(program) == message


def test_the_functions_of_jq_are_known() -> None:
    builtins = jq.compile("builtins").input_text("null").first()
    assert {name for name in builtins if name.partition("/")[0] not in CLOSED} <= FUNCTIONS
    assert not {name for name in FUNCTIONS if name.partition("/")[0] in CLOSED}
