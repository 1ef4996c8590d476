"""Which tools of agents wait for a person's approval before they are called."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stigmer_tui.core.errors import StigmerError

ALL, NONE = "all", "none"

NAME = re.compile(r"[\w.:/-]+")


@dataclass(frozen=True, slots=True)
class ApprovalPolicy:
    tools: frozenset[str] = frozenset()
    is_for_all: bool = False

    @classmethod
    def parse(cls, text: str, where: str) -> ApprovalPolicy:
        """Reads `all`, `none` or names with commas between them. Raises StigmerError, which says where the text is."""
        names = [name.strip() for name in text.split(",") if name.strip()]
        if ALL in names or NONE in names:
            if len(names) > 1:
                raise StigmerError(f"{where} is {text!r}: {ALL} and {NONE} stand alone", _ADVICE)
            return cls(is_for_all=names == [ALL])
        if bad := next((name for name in names if not NAME.fullmatch(name)), None):
            raise StigmerError(f"{where}: {bad!r} is not the name of a tool", _ADVICE)
        return cls(frozenset(names))

    def needs_approval(self, tool: str) -> bool:
        return self.is_for_all or tool in self.tools


_ADVICE = f"Give names of tools with commas between them, such as execute,write_file, or {ALL}, or {NONE}."
