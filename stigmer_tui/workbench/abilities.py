"""What a server can do. Ours can do everything here; an existing one has the plain API alone."""

from __future__ import annotations

from dataclasses import dataclass

from stigmer_tui.core.errors import StigmerError


class CannotCancel(StigmerError):  # noqa: N818 - what it is
    """The server lets every execution go on to its end."""


@dataclass(frozen=True, slots=True)
class Abilities:
    can_list: bool = True
    can_control: bool = True
    """Cancel an execution, and tell of each of its changes as it happens."""

    @property
    def missing(self) -> str:
        """One line for the person; empty where nothing is missing."""
        lacks = []
        if not self.can_list:
            lacks.append("list what it has")
        if not self.can_control:
            lacks += ["cancel runs", "show every task live"]
        if not lacks:
            return ""
        *others, last = lacks
        return f"This server cannot {', '.join(others)}{' or ' if others else ''}{last}"


ALL = Abilities()
