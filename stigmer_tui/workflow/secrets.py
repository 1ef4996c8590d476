"""Secrets in the data of a run: opaque marks, which become values only where a call leaves the runner.

An expression that reads a mark is evaluated on the value, and what comes of it is a secret too, with a mark of its
own. Marks cannot be forged from outside: they carry a random text that never leaves the process in clear.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from stigmer_tui.core.redaction import REDACTED, Redactor
from stigmer_tui.definition.templates import text_of

_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[A-Za-z_]\w*')
"""Texts and numbers in JSON and in programs, and the bare keys of objects in programs."""


class Secrets:
    def __init__(
        self, environment: Mapping[str, str], secret: Collection[str], nonce: str, redactor: Redactor | None = None
    ) -> None:
        """`environment` are all variables of the run, `secret` the names that nobody may see the values of.

        `redactor` is told all that turns out to be a secret.
        """
        self._values: dict[str, Any] = dict(environment)
        self._nonce = nonce
        self._mark = re.compile(f"\ue000{nonce}:([^\ue001]*)\ue001")
        self._by_value = Redactor() if redactor is None else redactor
        self._by_value.add(value for name, value in environment.items() if name in secret)
        self.marks = {name: self._mark_of(name) for name in environment}
        """`.secrets` in expressions."""
        self.plain = {name: value for name, value in environment.items() if name not in secret}
        """`$env` in expressions."""
        self.variables = self.marks | self.plain
        """`.env_vars` in expressions."""

    def are_in(self, text: str) -> bool:
        return self._nonce in text

    def names_in(self, text: str) -> set[str]:
        """Variables whose marks are in a text."""
        return {match[1] for match in self._mark.finditer(text)} & self.marks.keys()

    def reveal(self, data: Any) -> Any:
        """A copy with the values in place of the marks; for calls, and for nothing else."""
        match data:
            case str() if whole := self._mark.fullmatch(data):
                return self._values[whole[1]]
            case str():
                return self._mark.sub(lambda match: text_of(self._values[match[1]]), data)
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

    def hide(self, data: Any) -> Any:
        """A copy in which marks and known values are [REDACTED]; for everything that is stored or shown."""
        return self._by_value.data(self._hide_marks(data)) if self._values else data

    def clean(self, data: Any) -> Any:
        """A copy of what came from outside in which known values are [REDACTED]."""
        return self._by_value.data(data)

    def seal(self, data: Any, public: str) -> Any:
        """A copy of what an expression has made of secrets, with marks for all that does not stand in `public`.

        `public` is what the expression and its input looked like with marks in place of the values.
        """
        return self._seal(data, set(_LITERAL.findall(public)))

    def _seal(self, data: Any, public: set[str]) -> Any:
        match data:
            case dict():
                return {
                    key if key in public else self._seal(key, public): self._seal(item, public)
                    for key, item in data.items()
                }
            case list():
                return [self._seal(item, public) for item in data]
            case None | bool():
                return data
            case _:
                return data if json.dumps(data) in public else self._derive(data)

    def _derive(self, value: Any) -> str:
        for name, known in self._values.items():
            if known == value and type(known) is type(value):
                return self._mark_of(name)
        name = f"#{len(self._values)}"
        self._values[name] = value
        self._by_value.add([text_of(value)])
        return self._mark_of(name)

    def _mark_of(self, name: str) -> str:
        return f"\ue000{self._nonce}:{name}\ue001"

    def _hide_marks(self, data: Any) -> Any:
        match data:
            case str():
                return self._mark.sub(REDACTED, data)
            case dict():
                return {self._hide_marks(key): self._hide_marks(item) for key, item in data.items()}
            case list() | tuple():
                return [self._hide_marks(item) for item in data]
            case _:
                return data
