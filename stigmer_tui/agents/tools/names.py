"""The names of the tools, and which of them change nothing."""

from __future__ import annotations

READ_ONLY = frozenset({"ls", "read_file", "glob", "grep"})
"""Tools that can be used again after an interruption, for they have no effect."""
TOOLS = READ_ONLY | {"write_file", "edit_file", "execute"}
