"""The commands of the program by what a person wants to do. Nothing is imported: the app asks for their names only."""

from __future__ import annotations

SECTIONS = (
    ("Projects", ("new", "run", "apply", "diff", "test", "export", "schema")),
    ("What is deployed", ("list", "get", "describe", "edit", "delete", "environment", "skill")),
    ("What has run", ("execution", "sessions", "approve")),
    ("Models and tools", ("provider", "secrets", "mcp")),
    ("Coding agents of others", ("task", "agent-runner")),
    ("Other programs", ("acp", "serve", "completion")),
    ("The daemon and its configuration", ("server", "doctor", "config", "context")),
)
"""Of the commands in the help of the program, in the order in which a person needs them."""
