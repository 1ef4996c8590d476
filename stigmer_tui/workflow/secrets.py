"""Secrets in the data of a run: opaque marks, which become values only where an activity is carried out.

An expression that reads a mark is evaluated on the value, and its result is a secret too, with marks of its own. Marks
cannot be forged from outside: they carry a random text that no other run has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b
from itertools import groupby
from typing import Any

from stigmer_tui.core.redaction import MIN_LENGTH, REDACTED, Redactor
from stigmer_tui.definition.templates import text_of

_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[A-Za-z_]\w*')
"""Texts and numbers in JSON and in programs, and the bare keys of objects in programs."""

_WORD = re.compile(r"\w+")

_ERROR_WORDS = frozenset(
    re.findall(
        r"\w+",
        """a added an and array as at base64 be because boolean by cannot check data date divided divisor does element
        end error exist first for format found from has have in index input invalid is iterate it its key keys last
        limit longer match memory more multiplied no not null number numeric object of only or out over parsed range
        requires slice sorted string strings subtracted takes than that the time to too type unknown valid value values
        with zero""",
    )
)
"""What errors of jq consist of, besides values."""


def _mark(nonce: str, name: str) -> str:
    return f"\ue000{nonce}:{name}\ue001"


class SecretMarks:
    """What may be known of the variables of a run: all names with their marks, and the values that are not secret."""

    def __init__(
        self, names: Iterable[str], plain: Mapping[str, str], nonce: str, redactor: Redactor | None = None
    ) -> None:
        """`redactor` finds secret values in what came from outside, such as the input of the run."""
        self._nonce = nonce
        self._pattern = re.compile(f"\ue000{nonce}:([^\ue001]*)\ue001")
        self._redactor = redactor or Redactor()
        self.marks = {name: self.mark(name) for name in names}
        """`.secrets` in expressions."""
        self.plain = dict(plain)
        """`$env` in expressions."""
        self.variables = self.marks | self.plain
        """`.env_vars` in expressions."""

    def mark(self, name: str) -> str:
        return _mark(self._nonce, name)

    def are_in(self, text: str) -> bool:
        return self._nonce in text

    def names_in(self, text: str) -> set[str]:
        """Variables whose marks are in a text."""
        return {match[1] for match in self._pattern.finditer(text)} & self.marks.keys()

    def find(self, text: str) -> re.Match[str] | None:
        """A text that is one mark and nothing else; group 1 is the name."""
        return self._pattern.fullmatch(text)

    def substitute(self, text: str, value_of: Mapping[str, Any]) -> str:
        return self._pattern.sub(lambda match: text_of(value_of[match[1]]), text)

    def digest(self, text: str) -> str:
        """The same in every run: secrets count by their names, so it tells nothing about their values."""
        return blake2b(text.replace(self._nonce, "").encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def hide(self, data: Any) -> Any:
        """A copy in which marks and known values are [REDACTED]; for everything that is reported or shown."""
        return self._redactor.data(self._without_marks(data)) if self.marks else data

    def _without_marks(self, data: Any) -> Any:
        match data:
            case str():
                return self._pattern.sub(REDACTED, data)
            case dict():
                return {self._without_marks(key): self._without_marks(item) for key, item in data.items()}
            case list() | tuple():
                return [self._without_marks(item) for item in data]
            case _:
                return data


class SecretValues:
    """The values behind the marks. Only what carries activities out may have it."""

    def __init__(
        self, environment: Mapping[str, str], secret: Collection[str], nonce: str, redactor: Redactor | None = None
    ) -> None:
        """`environment` are all variables of the run, `secret` the names of those that are secret.

        `redactor` gains every value that turns out to be a secret.
        """
        self._environment = dict(environment)
        self._values: dict[str, Any] = dict(environment)
        self._redactor = Redactor() if redactor is None else redactor
        self._redactor.add(value for name, value in environment.items() if name in secret)
        self._nonce = nonce
        self._names = {
            value: name for name, value in environment.items() if name in secret and len(value) >= MIN_LENGTH
        }
        """Secret variables by their values."""
        # The longest first, which may hold another one.
        self._known = re.compile("|".join(map(re.escape, sorted(self._names, key=len, reverse=True))))
        plain = {name: self.mark(value) for name, value in environment.items() if name not in secret}
        self.marks = SecretMarks(environment, plain, nonce, self._redactor)

    def reveal(self, data: Any) -> Any:
        """A copy with the values in place of the marks."""
        match data:
            case str() if whole := self.marks.find(data):
                return self._values[whole[1]]
            case str():
                return self.marks.substitute(data, self._values)
            case dict():
                return {self.reveal_text(key): self.reveal(item) for key, item in data.items()}
            case list():
                return [self.reveal(item) for item in data]
            case _:
                return data

    def reveal_text(self, text: str) -> str:
        return text_of(self.reveal(text))

    def reveal_json(self, text: str) -> str:
        return json.dumps(self.reveal(json.loads(text)))

    def mark(self, data: Any) -> Any:
        """A copy of what the run was given, with marks in place of the values of secret variables."""
        match data:
            case str() if self._names:
                return self._known.sub(lambda match: _mark(self._nonce, self._names[match[0]]), data)
            case dict():
                return {self.mark(key): self.mark(item) for key, item in data.items()}
            case list():
                return [self.mark(item) for item in data]
            case _:
                return data

    def clean(self, data: Any) -> Any:
        """A copy of what came from outside in which known values are [REDACTED]."""
        return self._redactor.data(data)

    def clean_error(self, text: str, program: str) -> str:
        """What may be known of an error that a program met in secret values. Errors quote parts of values, and what was
        made of them, by which no redactor knows them; so only jq's own words are kept, and those of the program.
        """
        public = _ERROR_WORDS | set(_WORD.findall(program))
        kept = (
            token if public.issuperset(_WORD.findall(token)) else REDACTED for token in str(self.clean(text)).split()
        )
        return " ".join(token for token, _ in groupby(kept))

    def seal(self, data: Any, public: str) -> Any:
        """A copy of what an expression has made of secrets, with marks for all that does not stand in `public`.

        `public` is what the expression and its input looked like with marks in place of the values.
        """
        return _Seal(self, public).data(data)

    def derive(self, value: Any, name: str) -> str:
        """The mark of a value that was made of secrets: that of the variable with this value, else one by this name."""
        for variable, known in self._environment.items():
            if known == value:
                return self.marks.mark(variable)
        self._values[name] = value
        self._redactor.add([text_of(value)])
        return self.marks.mark(name)


class _Seal:
    """Names derived secrets by where they come from, so that they have the same names in every process and run."""

    def __init__(self, values: SecretValues, public: str) -> None:
        self._values = values
        self._public = set(_LITERAL.findall(public))
        self._source = values.marks.digest(public)
        self._count = 0

    def data(self, data: Any) -> Any:
        match data:
            case dict():
                return {self._key(key): self.data(item) for key, item in data.items()}
            case list():
                return [self.data(item) for item in data]
            case None | bool():
                return data
            case _:
                return data if json.dumps(data) in self._public else self._derive(data)

    def _key(self, key: str) -> str:
        return key if key in self._public or json.dumps(key) in self._public else self._derive(key)

    def _derive(self, value: Any) -> str:
        self._count += 1
        return self._values.derive(value, f"#{self._source}.{self._count}")
