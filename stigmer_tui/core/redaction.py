"""Secret values are replaced by a mark wherever data leaves a runner or reaches a screen."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

REDACTED = "[REDACTED]"

SHORTEST = 4
"""Characters. A shorter value would match everywhere, and hide the text instead of the secret."""


class Redactor:
    """Replaces known secret values in texts, also in those of nested lists and mappings."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # The longest first, so that a secret that contains another leaves nothing behind.
        values = sorted({value for value in secrets if len(value) >= SHORTEST}, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, values))) if values else None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def text(self, text: str) -> str:
        return self._pattern.sub(REDACTED, text) if self._pattern else text

    def data(self, value: Any) -> Any:
        """A copy of JSON-like data without the secrets, keys included; the data itself when there are none."""
        if self._pattern is None:
            return value
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self.data(key): self.data(item) for key, item in value.items()}
            case list() | tuple():
                return [self.data(item) for item in value]
            case _:
                return value
