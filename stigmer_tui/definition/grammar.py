"""The grammar of jq: checks a program without compiling it.

libjq cannot be used for that, because it computes constants while it compiles: `"a" * 900000000` would fill the
memory. Here, time and memory are proportional to the length of the program.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from typing import NoReturn, TypeAlias

from stigmer_tui.definition.functions import FUNCTIONS
from stigmer_tui.definition.lexer import ExpressionError, Token, TokenKind, tokenize
from stigmer_tui.definition.usage import ROOTS

MAX_NESTING = 20_000
"""Nested steps: some 4,000 brackets, about as many as libjq accepts."""

_GIVEN = {*FUNCTIONS, *ROOTS, "$ENV", "$__loc__", "$__prog_args", "$__in", "$__uuids"}
"""Names that are defined in every program."""
_KEYWORDS = {
    *("def", "as", "if", "then", "elif", "else", "end", "and", "or", "reduce", "foreach", "try", "catch"),
    *("label", "break", "import", "include", "module", "__loc__"),
}
_LEVELS = {
    "//": 1,
    **dict.fromkeys(("=", "|=", "+=", "-=", "*=", "/=", "%=", "//="), 2),
    "or": 3,
    "and": 4,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), 5),
    **dict.fromkeys(("+", "-"), 6),
    **dict.fromkeys(("*", "/", "%"), 7),
}
"""The precedence of each operator."""
_NON_ASSOCIATIVE = (2, 5)
"""Precedences without associativity: `a == b == c` is not valid, nor is `a = b = c`."""

_STRING = re.compile(
    r"""
    (?: [^\\] | \\ ["\\/bfnrt]
      | \\u [dD] [89abAB] [0-9a-fA-F]{2} \\u [dD] [c-fC-F] [0-9a-fA-F]{2}
      | \\u (?! [dD] [89abAB] ) [0-9a-fA-F]{4}
    )*
    """,
    re.VERBOSE,
)

_Steps: TypeAlias = "Generator[_Steps, None, None]"
"""Reads a part of a program, and yields each nested part to be read first, so that the depth of a program does not
depend on Python's stack."""


def check(program: str) -> str:
    """The problem of a program, and its place; empty if it is valid."""
    try:
        tokens, end = tokenize(program)
        if end < len(program):
            return "`}` closes nothing"
        if "\0" in program:
            return "there is a NUL character in it"
        _Reader(tokens).read()
    except ExpressionError as error:
        return str(error)
    return ""


class _Reader:
    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = [token for token in tokens if token.kind is not TokenKind.BLANK]
        self._all = tokens
        self._index = 0
        self._bound: list[str] = []
        """Names that the program has defined here, the newest last: `name/arity`, `$name`, `label $name`."""
        self._meanings: Counter[str] = Counter()

    def read(self) -> None:
        waiting = [self._program()]
        while waiting:
            part = next(waiting[-1], None)
            if part is None:
                waiting.pop()
            elif len(waiting) == MAX_NESTING:
                raise ExpressionError("it is nested too deep")
            else:
                waiting.append(part)

    def _program(self) -> _Steps:
        yield self._query()
        if self._index < len(self._tokens):
            self._fail()

    def _query(self) -> _Steps:
        """Everything up to an unmatched bracket, `;`, or word. Names that are bound in it are defined up to there."""
        outside = len(self._bound)
        while True:
            if self._takes("def"):
                yield self._definition()
            elif self._takes("label"):
                name = self._take(TokenKind.VARIABLE)
                self._expect("|")
                self._bind(f"label {name}")
            else:
                yield self._operation()
                if self._takes("as"):
                    yield self._patterns()
                    self._expect("|")
                elif not self._takes("|", ","):
                    break
        self._unbind(outside)

    def _definition(self) -> _Steps:
        """After `def`: a name, parameters, a body."""
        name = self._name()
        parameters = []
        if self._takes("("):
            parameters.append(self._parameter())
            while self._takes(";"):
                parameters.append(self._parameter())
            self._expect(")")
        self._expect(":")
        self._bind(f"{name}/{len(parameters)}")
        outside = len(self._bound)
        for parameter in parameters:
            self._bind(f"{parameter.removeprefix('$')}/0")
            if parameter.startswith("$"):
                self._bind(parameter)
        yield self._query()
        self._expect(";")
        self._unbind(outside)

    def _parameter(self) -> str:
        return self._take(TokenKind.VARIABLE) if self._kind is TokenKind.VARIABLE else self._name()

    def _operation(self) -> _Steps:
        """Operands with operators between them."""
        before: set[int] = set()
        while True:
            yield self._operand()
            level = _LEVELS.get(self._text)
            if level is None:
                return
            before = {other for other in before if other <= level}
            if level in before and level in _NON_ASSOCIATIVE:
                self._fail()
            before.add(level)
            self._index += 1

    def _operand(self) -> _Steps:
        tries = 0
        while self._text in ("-", "try"):
            tries += self._text == "try"
            self._index += 1
        yield self._term()
        while tries and self._takes("catch"):
            tries -= 1
            yield self._operand()

    def _term(self) -> _Steps:
        match self._kind, self._text:
            case TokenKind.NUMBER | TokenKind.FIELD, _:
                self._index += 1
            case TokenKind.VARIABLE, name:
                self._require(name, name)
            case ((TokenKind.FORMAT | TokenKind.STRING | TokenKind.PIECE), _):
                yield self._string()
            case TokenKind.WORD, word:
                yield self._word(word)
            case _, "..":
                self._index += 1
            case _, ".":
                self._index += 1
                if self._is_string():
                    yield self._string(is_key=True)
            case _, "(":
                yield self._bracketed("(", ")")
            case _, "[":
                self._index += 1
                if not self._takes("]"):
                    yield self._query()
                    self._expect("]")
            case _, "{":
                yield self._object()
            case _:
                self._fail()
        yield self._suffixes()

    def _suffixes(self) -> _Steps:
        while True:
            if self._kind is TokenKind.FIELD:
                self._index += 1
            elif self._takes("["):
                yield self._access()
            elif self._takes("."):
                if self._is_string():
                    yield self._string(is_key=True)
                else:
                    self._expect("[")
                    yield self._access(has_ranges=False)
            elif not self._takes("?"):
                return

    def _access(self, has_ranges: bool = True) -> _Steps:
        """After `[`: `]`, `1]`, and the ranges `1:]`, `:2]` and `1:2]`."""
        if self._takes("]"):
            return
        if has_ranges and self._takes(":"):
            yield self._query()
        else:
            yield self._query()
            if has_ranges and self._takes(":") and self._text != "]":
                yield self._query()
        self._expect("]")

    def _is_string(self) -> bool:
        return self._kind in (TokenKind.FORMAT, TokenKind.STRING, TokenKind.PIECE)

    def _string(self, is_key: bool = False) -> _Steps:
        """A string with whatever is in it, a format, or a string in a format; a format alone is no key."""
        if self._kind is TokenKind.FORMAT:
            self._index += 1
            if self._kind not in (TokenKind.STRING, TokenKind.PIECE):
                if is_key:
                    self._fail()
                return
        self._check_string()
        while self._text == "\\(":
            yield self._bracketed("\\(", ")")
            self._check_string()

    def _check_string(self) -> None:
        text = self._text
        if not _STRING.fullmatch(text):
            raise ExpressionError(f"{text} has an escape sequence that is none{self._where(self._index)}")
        self._index += 1

    def _bracketed(self, opening: str, closing: str) -> _Steps:
        self._expect(opening)
        yield self._query()
        self._expect(closing)

    def _word(self, word: str) -> _Steps:
        match word:
            case "if":
                yield self._condition()
            case "reduce" | "foreach":
                yield self._fold()
            case "break":
                self._index += 1
                self._require(f"label {self._text}", self._text, TokenKind.VARIABLE)
            case _ if word in _KEYWORDS:
                self._fail()
            case _:
                yield self._call(word)

    def _condition(self) -> _Steps:
        while self._takes("if", "elif"):
            yield self._query()
            self._expect("then")
            yield self._query()
        if self._takes("else"):
            yield self._query()
        self._expect("end")

    def _fold(self) -> _Steps:
        """`reduce … as $x (start; step)`, `foreach … as $x (start; step; output)`: the start does not know `$x`."""
        has_output = self._text == "foreach"
        self._index += 1
        yield self._operation()
        self._expect("as")
        outside = len(self._bound)
        yield self._patterns()
        names = self._bound[outside:]
        self._unbind(outside)
        self._expect("(")
        yield self._query()
        self._expect(";")
        for name in names:
            self._bind(name)
        yield self._query()
        if has_output and self._takes(";"):
            yield self._query()
        self._unbind(outside)
        self._expect(")")

    def _call(self, name: str) -> _Steps:
        place = self._index
        self._index += 1
        arguments = 0
        if self._takes("("):
            while arguments == 0 or self._takes(";"):
                yield self._query()
                arguments += 1
            self._expect(")")
        if not self._is_known(f"{name}/{arguments}"):
            raise ExpressionError(f"{name}/{arguments} is not defined{self._where(place)}")

    def _object(self) -> _Steps:
        self._expect("{")
        while not self._takes("}"):
            yield self._entry()
            if not self._takes(","):
                self._expect("}")
                return

    def _entry(self) -> _Steps:
        if self._takes("$__loc__"):
            return
        has_value = self._text == "("
        if self._kind is TokenKind.VARIABLE:
            self._require(self._text, self._text)
        else:
            yield self._key()
        if has_value:
            self._expect(":")
        elif not self._takes(":"):
            return
        yield self._operation()
        while self._takes("|"):
            yield self._operation()

    def _key(self) -> _Steps:
        match self._kind, self._text:
            case TokenKind.WORD, _:
                self._index += 1
            case ((TokenKind.FORMAT | TokenKind.STRING | TokenKind.PIECE), _):
                yield self._string(is_key=True)
            case _, "(":
                yield self._bracketed("(", ")")
            case _:
                self._fail()

    def _patterns(self) -> _Steps:
        yield self._pattern()
        while self._takes("?//"):
            yield self._pattern()

    def _pattern(self) -> _Steps:
        match self._kind, self._text:
            case TokenKind.VARIABLE, name:
                self._index += 1
                self._bind(name)
            case _, "[":
                yield self._listed("]", self._pattern)
            case _, "{":
                yield self._listed("}", self._entry_pattern)
            case _:
                self._fail()

    def _listed(self, closing: str, part: Callable[[], _Steps]) -> _Steps:
        self._index += 1
        yield part()
        while self._takes(","):
            yield part()
        self._expect(closing)

    def _entry_pattern(self) -> _Steps:
        if self._kind is TokenKind.VARIABLE:
            self._bind(self._take(TokenKind.VARIABLE))
            if not self._takes(":"):
                return
        else:
            yield self._key()
            self._expect(":")
        yield self._pattern()

    @property
    def _text(self) -> str:
        """Of the next token; empty at the end."""
        return self._tokens[self._index].text if self._index < len(self._tokens) else ""

    @property
    def _kind(self) -> TokenKind | None:
        return self._tokens[self._index].kind if self._index < len(self._tokens) else None

    def _takes(self, *texts: str) -> bool:
        if self._text in texts:
            self._index += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._takes(text):
            self._fail()

    def _take(self, kind: TokenKind) -> str:
        if self._kind is not kind:
            self._fail()
        text = self._text
        self._index += 1
        return text

    def _name(self) -> str:
        if self._text in _KEYWORDS:
            self._fail()
        return self._take(TokenKind.WORD)

    def _require(self, name: str, shown: str, kind: TokenKind = TokenKind.VARIABLE) -> None:
        """Takes a token that refers to something with this name."""
        place = self._index
        self._take(kind)
        if not self._is_known(name):
            raise ExpressionError(f"{shown} is not defined{self._where(place)}")

    def _is_known(self, name: str) -> bool:
        return name in _GIVEN or self._meanings[name] > 0

    def _bind(self, name: str) -> None:
        self._meanings[name] += 1
        self._bound.append(name)

    def _unbind(self, outside: int) -> None:
        self._meanings.subtract(self._bound[outside:])
        del self._bound[outside:]

    def _fail(self) -> NoReturn:
        what = f"'{self._text}'" if self._text else "end"
        raise ExpressionError(f"syntax error, unexpected {what}{self._where(self._index)}")

    def _where(self, index: int) -> str:
        """The place of a token in the program, for people."""
        before: list[str] = []
        for token in self._all:
            if token.kind is not TokenKind.BLANK:
                if index == 0:
                    break
                index -= 1
            before.append(token.text)
        text = "".join(before)
        line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
        return f" at column {column}" if line == 1 else f" at line {line}, column {column}"
