"""The debug log of qwen, of which only that it asks again is read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stigmer_tui.agent_clis.events import CliEvent, Printed

_RETRY = re.compile(r"\[RETRY\] (?:\[Persistent\] )?(Attempt \d+ failed.*)")


class QwenLogLines:
    def read(self, line: str) -> Iterator[CliEvent]:
        if retry := _RETRY.search(line):
            yield Printed(retry[1], is_retry=True)
