"""Names of agents' tools that more than their own code knows."""

from __future__ import annotations

EXECUTE = "execute"
"""Runs a shell command."""

EXIT_CODE = "[exit code "
"""The beginning of the last line of its result."""

TASK = "task"
"""Hands a task to a sub-agent."""

WRITE_TODOS = "write_todos"
"""Notes what there is to do."""
