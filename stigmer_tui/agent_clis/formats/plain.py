"""Programs that print text for people."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stigmer_tui.agent_clis.events import CliEvent, Printed, Said, Usage

_TOKENS = re.compile(r"[\d,]{1,15}")


class PlainLines:
    """Every line is said; `tokens used`, and the number below it, is the usage."""

    def __init__(self) -> None:
        self._is_before_tokens = False

    def read(self, line: str) -> Iterator[CliEvent]:
        text = line.strip()
        if self._is_before_tokens and _TOKENS.fullmatch(text):
            yield Usage(tokens_out=int(text.replace(",", "")))
        elif text.lower() == "tokens used":
            yield Printed(line)
        elif text:
            yield Said(line)
        self._is_before_tokens = text.lower() == "tokens used"
