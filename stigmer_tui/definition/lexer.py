"""The tokens of a jq program, to find its end, its strings and what it reads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import cast


class ExpressionError(Exception):
    """An expression is not valid, or has failed. The text is for people."""


class TokenKind(Enum):
    """The kinds of tokens."""

    BLANK = auto()
    """White space and comments."""
    STRING = auto()
    PIECE = auto()
    """A part of a string with `\\( … )` in it: before, between or after these."""
    NUMBER = auto()
    FIELD = auto()
    """`.name`"""
    VARIABLE = auto()
    FORMAT = auto()
    """`@base64`"""
    WORD = auto()
    """A keyword, the name of a function, or the key of an object."""
    SYMBOL = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a jq program."""

    kind: TokenKind
    text: str
    """Its text for jq. The texts of all tokens, joined, are the program."""


def tokenize(text: str, start: int = 0) -> tuple[list[Token], int]:
    """The tokens from `start` to an unmatched closing brace, or else to the end of the text, and that position.

    Strings may have single quotes too. An apostrophe in double quotes is a plain character.
    Raises ExpressionError for brackets or quotes that do not match.
    """
    lexer = _Lexer(text, start)
    lexer.run()
    return lexer.tokens, lexer.position


_INTERPOLATION = "\\("
_PAIRS = {"(": ")", "[": "]", "{": "}", _INTERPOLATION: ")"}
_TOKEN = re.compile(
    r"""
      (?P<BLANK> [ \t\r\n]+ | \# (?: [^\\\n] | \\\r?\n | \\. | \\$ )* )
    | (?P<NUMBER> (?: \d+ \.? \d* | \.\d+ ) (?: [eE] [+-]? \d+ )? )
    | (?P<FIELD> \. [A-Za-z_]\w* )
    | (?P<VARIABLE> \$ (?: [A-Za-z_]\w* :: )* [A-Za-z_]\w* )
    | (?P<FORMAT> @ \w+ )
    | (?P<WORD> (?: [A-Za-z_]\w* :: )* [A-Za-z_]\w* )
    | (?P<SYMBOL> \?//=? | //=? | \.\. | [|+\-*/%=!<>]= | . )
    """,
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_CONTENT = {quote: re.compile(rf"(?:[^{quote}\\]|\\[^(])*", re.DOTALL) for quote in "\"'"}
_ESCAPE_OR_QUOTE = re.compile(r'\\.|"', re.DOTALL)


class _Lexer:
    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.position = start
        self.tokens: list[Token] = []
        self._open: list[tuple[str, str]] = []
        """The open brackets, each with the quote of its string if it is an interpolation."""

    def run(self) -> None:
        while self.position < len(self.text):
            char = self.text[self.position]
            if char in _CONTENT:
                self.position += 1
                self._string(char, begins=True)
            elif char in ")]}":
                if char == "}" and not self._open:
                    return
                self._close(char)
            else:
                self._token(char)
        if self._open:
            raise ExpressionError(f"`{self._open[-1][0]}` is never closed")

    def _token(self, char: str) -> None:
        # The last alternative takes any character.
        match = cast(re.Match[str], _TOKEN.match(self.text, self.position))
        if match[0] in ("$", "@"):
            raise ExpressionError(f"`{char}` needs a name right after it")
        if char in _PAIRS:
            self._open.append((char, ""))
        self.tokens.append(Token(TokenKind[cast(str, match.lastgroup)], match[0]))
        self.position = match.end()

    def _close(self, char: str) -> None:
        if not self._open:
            raise ExpressionError(f"`{char}` closes nothing")
        bracket, quote = self._open.pop()
        if _PAIRS[bracket] != char:
            raise ExpressionError(f"`{bracket}` is closed by `{char}`")
        self.tokens.append(Token(TokenKind.SYMBOL, char))
        self.position += 1
        if quote:
            self._string(quote, begins=False)

    def _string(self, quote: str, begins: bool) -> None:
        """Reads a string, to its end or to the next interpolation."""
        # Empty content is a match too.
        match = cast(re.Match[str], _CONTENT[quote].match(self.text, self.position))
        content = match[0] if quote == '"' else _ESCAPE_OR_QUOTE.sub(_in_double_quotes, match[0])
        content = f'"{content}' if begins else content
        self.position = match.end()
        if self.text.startswith(quote, self.position):
            self.position += 1
            self.tokens.append(Token(TokenKind.STRING if begins else TokenKind.PIECE, f'{content}"'))
        elif self.text.startswith(_INTERPOLATION, self.position):
            self.position += 2
            self.tokens += [Token(TokenKind.PIECE, content), Token(TokenKind.SYMBOL, _INTERPOLATION)]
            self._open.append((_INTERPOLATION, quote))
        else:
            raise ExpressionError(f"a string that begins with {quote} is never closed")


def _in_double_quotes(match: re.Match[str]) -> str:
    return {'"': '\\"', "\\'": "'"}.get(match[0], match[0])
