"""How the SDK tells where resources and tasks are defined: a file beside the manifests, of lines of code by names."""

from __future__ import annotations

FILE = "places.json"
"""`{"agent:helper": ["main.py", 3], "workflow:tally/fetch": ["main.py", 6]}`"""


def place_name(noun: str, slug: str, task: str = "") -> str:
    """`task` is a task's name, or its path: no two tasks of a workflow have the same name."""
    return f"{noun}:{slug}/{task.rpartition('/')[2]}" if task else f"{noun}:{slug}"
