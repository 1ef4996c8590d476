"""What a model is told about its work besides the instructions of the agent."""

from __future__ import annotations

DEFAULT = "You are a helpful assistant."

WORKING_FOLDER = """
## Working folder

You have a folder to work in, and tools to list, read, write, edit, search and run things there. Paths start with /,
which is that folder. Shell commands start in it too; name files by relative paths in them. Use the tools when they
help, and answer directly when they do not.
"""


def instructions_for(agent_instructions: str) -> str:
    return f"{agent_instructions.strip() or DEFAULT}\n{WORKING_FOLDER}"
