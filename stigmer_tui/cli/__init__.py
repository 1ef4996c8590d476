"""Commands: read flags and call one function, without logic of their own."""

from __future__ import annotations

COMPLETION = "_STIGMER_TUI_COMPLETE"
"""The variable by which a shell asks what could stand where the person has pressed tab."""
