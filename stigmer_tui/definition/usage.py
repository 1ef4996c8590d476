"""Finds what a jq program reads, so that only those parts of the state are passed to it.

The result may contain too much, but never too little. `.` is the input of the whole program only where no pipe has
replaced it. A program that binds or assigns counts as reading all of `.`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from stigmer_tui.definition.lexer import ExpressionError, Token, TokenKind

ROOTS = (".", "$data", "$context", "$output", "$env", "$input")
"""What an expression can read (`docs/compatibility.md` 3, 84)."""

CLOSED = {
    *("debug", "stderr", "input", "inputs", "input_filename", "input_line_number"),
    *("halt", "halt_error", "get_search_list", "get_jq_origin", "get_prog_origin"),
    *("modulemeta", "import", "include"),
}
"""Functions of jq that reach beyond its input, which expressions may not use."""

_BINDING = {"as", "def", "reduce", "foreach", "label", "try", "catch"}
_ASSIGNMENTS = {"=", "|=", "+=", "-=", "*=", "/=", "%=", "//="}
_BLIND = {"null", "true", "false", "empty", "env", "now", "uuid", "and", "or", "if", "then", "elif", "else", "end"}
"""Words that do not read their input."""


@dataclass(frozen=True, slots=True)
class VariableReference:
    """A root and the keys below it, such as `$context["a-b"].items[0]`."""

    root: str
    keys: tuple[str | int, ...] = ()


@dataclass(slots=True)
class Usage:
    """What a program reads and needs."""

    references: list[VariableReference] = field(default_factory=list)
    """A reference without keys is the whole root."""
    plain: bool = False
    """Whether the program is one reference and nothing else."""
    now: bool = False
    uuids: list[int] = field(default_factory=list)
    """The positions of the tokens `uuid`."""


@dataclass(slots=True)
class _Frame:
    """A pair of brackets, or `if … end`, and whether `.` is still the input of the program in it."""

    opener: str
    rooted_at_start: bool
    rooted: bool


def usage_of(tokens: Sequence[Token]) -> Usage:
    """What a program reads. Raises ExpressionError for functions that expressions may not use."""
    return _UsageReader(tokens).read()


class _UsageReader:
    def __init__(self, tokens: Sequence[Token]) -> None:
        self._positions = [index for index, token in enumerate(tokens) if token.kind is not TokenKind.BLANK]
        self._tokens = [tokens[index] for index in self._positions]
        self._frames = [_Frame("", True, True)]
        self._usage = Usage()

    def read(self) -> Usage:
        index = 0
        while index < len(self._tokens):
            index = self._step(index)
        references = self._usage.references
        self._usage.plain = len(references) == 1 and self._length(0) == len(self._tokens) > 0
        return self._usage

    def _step(self, index: int) -> int:
        """Reads the token or the reference at `index`; returns the index after it."""
        if length := self._length(index):
            self._reference(self._tokens[index : index + length])
            return index + length
        token = self._tokens[index]
        match token.kind:
            case TokenKind.WORD | TokenKind.STRING if self._is_key(index):
                if self._is_shorthand(index):
                    self._read_root((_string(token) if token.kind is TokenKind.STRING else token.text,))
            case TokenKind.WORD:
                self._word(token.text, self._positions[index])
            case TokenKind.FORMAT:
                self._read_root()
            case TokenKind.SYMBOL:
                self._symbol(token.text)
            case _:
                pass
        return index + 1

    def _symbol(self, text: str) -> None:
        frame = self._frames[-1]
        if text in ("(", "[", "{", "\\("):
            self._open(text)
        elif text in (")", "]", "}"):
            self._close()
        elif text == "|":
            frame.rooted = False
        elif (text == ";" and frame.opener == "(") or (text == "," and frame.opener == "{"):
            frame.rooted = frame.rooted_at_start
        elif text in ("..", "?//") or text in _ASSIGNMENTS:
            self._read_root()

    def _word(self, word: str, position: int) -> None:
        if word in CLOSED:
            raise ExpressionError(f"`{word}` is not available in expressions")
        match word:
            case "if":
                self._open(word)
            case "then" | "elif" | "else":
                self._frames[-1].rooted = self._frames[-1].rooted_at_start
            case "end":
                self._close()
            case "now":
                self._usage.now = True
            case "uuid":
                self._usage.uuids.append(position)
        if word in _BINDING:
            # After `as`, or in the body of a function, `.` may be the input of the program again.
            self._usage.references.append(VariableReference("."))
        elif word not in _BLIND:
            self._read_root()

    def _reference(self, tokens: Sequence[Token]) -> None:
        root = tokens[0].text if tokens[0].kind is TokenKind.VARIABLE else "."
        keys = tuple(key for token in tokens if (key := _key(token)) is not None)
        if root == ".":
            self._read_root(keys)
        elif root in ROOTS:
            self._usage.references.append(VariableReference(root, keys))

    def _read_root(self, keys: tuple[str | int, ...] = ()) -> None:
        if self._frames[-1].rooted:
            self._usage.references.append(VariableReference(".", keys))

    def _length(self, index: int) -> int:
        """The number of tokens of the reference that begins here; 0 if none does."""
        first = self._tokens[index]
        if first.kind not in (TokenKind.VARIABLE, TokenKind.FIELD) and first.text != ".":
            return 0
        # `."key"` and `.["key"]` are a root and its first key in one.
        end = index + (self._suffix(index) or 1)
        while suffix := self._suffix(end):
            end += suffix
        return end - index

    def _suffix(self, index: int) -> int:
        """The number of tokens of a fixed key here: `.a`, `."a"`, `["a"]`, `[0]`, `.["a"]`."""
        kinds = [token.kind for token in self._tokens[index : index + 4]]
        texts = [token.text for token in self._tokens[index : index + 4]]
        if kinds[:1] == [TokenKind.FIELD]:
            return 1
        if texts[:1] == ["."] and kinds[1:2] == [TokenKind.STRING]:
            return 2
        dot = 1 if texts[:1] == ["."] else 0
        is_fixed = kinds[dot + 1 : dot + 2] == [TokenKind.STRING] or (
            kinds[dot + 1 : dot + 2] == [TokenKind.NUMBER] and texts[dot + 1].isdigit() and len(texts[dot + 1]) < 10
        )
        return dot + 3 if is_fixed and texts[dot : dot + 3 : 2] == ["[", "]"] else 0

    def _is_key(self, index: int) -> bool:
        """Whether the word or string here is the key of an object construction."""
        return self._frames[-1].opener == "{" and self._tokens[index - 1].text in ("{", ",")

    def _is_shorthand(self, index: int) -> bool:
        """`{name}`, which means `{name: .name}`."""
        following = self._tokens[index + 1 : index + 2]
        return self._is_key(index) and bool(following) and following[0].text in (",", "}")

    def _open(self, opener: str) -> None:
        rooted = self._frames[-1].rooted
        self._frames.append(_Frame(opener, rooted, rooted))

    def _close(self) -> None:
        if len(self._frames) > 1:
            self._frames.pop()


def _key(token: Token) -> str | int | None:
    match token.kind:
        case TokenKind.FIELD:
            return token.text[1:]
        case TokenKind.STRING:
            return _string(token)
        case TokenKind.NUMBER:
            return int(token.text)
        case _:
            return None


def _string(token: Token) -> str:
    try:
        value: str = json.loads(token.text, strict=False)
    except ValueError as error:
        raise ExpressionError(f"{token.text} is not a string that can be read: {error}") from error
    return value
