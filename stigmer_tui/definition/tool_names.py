"""What models call the tools of MCP servers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from stigmer_tui.definition.support import TOOLS

MAX_NAME_LENGTH = 64
"""Characters that every provider takes."""

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")

ServerTool = tuple[str, str]
"""Names of a server and of one of its tools."""


class ToolNames:
    """What models call the tools of servers. A name that was given stays, also when others come and go."""

    def __init__(self) -> None:
        self._names: dict[ServerTool, str] = {}

    def give(self, tools: Sequence[ServerTool]) -> dict[str, ServerTool]:
        """All tools by name: their own, or `SERVER_TOOL` where two have the same one or it is that of a built-in."""
        new = [tool for tool in tools if tool not in self._names]
        taken = {*TOOLS, *self._names.values()}
        bare = [_fit(tool) for _, tool in new]
        for server, tool in new:
            name = _fit(tool)
            if name in taken or bare.count(name) > 1:
                name = _unique(_fit(f"{server}_{tool}"), {*taken, *bare})
            self._names[server, tool] = name
            taken.add(name)
        return {self._names[tool]: tool for tool in tools}


def _fit(name: str) -> str:
    return _NOT_IN_NAMES.sub("_", name)[:MAX_NAME_LENGTH] or "_"


def _unique(name: str, taken: set[str]) -> str:
    number = 2
    unique = name
    while unique in taken:
        unique = f"{name[: MAX_NAME_LENGTH - 4]}_{number}"
        number += 1
    return unique
