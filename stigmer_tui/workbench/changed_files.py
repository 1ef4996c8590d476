"""What a run changed in files: what a coding agent committed, or what an agent's tools wrote."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from stigmer_tui.core.units import plural
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.nodes import Node, NodeKind

CHANGES = "changes"
"""The tool call that stands for what was committed; its result is the patch."""

BEGIN = "diff --git "


def changes_text(call: Node) -> str:
    """`2 commits, 3 files +10 −2`, of the call that stands for what was committed."""
    told = call.input if isinstance(call.input, dict) else {}
    files = plural(int(told.get("files", 0)), "file")
    lines = f"+{told.get('insertions', 0)} −{told.get('deletions', 0)}"
    return f"{plural(len(told.get('commits', ())), 'commit')}, {files} {lines}"


@dataclass(frozen=True, slots=True)
class ChangedFile:
    path: str
    insertions: int
    deletions: int
    lines: tuple[str, ...]
    """As they are where it was changed, with what stands around that, as far as it is known."""


def changed_files(execution: Execution) -> tuple[ChangedFile, ...]:
    """By path, each once."""
    committed = execution.find((execution.id, CHANGES))
    if committed is not None:
        return tuple(_of_patch(str(committed.output or "")))
    nodes = (node for _, node in execution.nodes())
    return tuple(_by_path(file for node in nodes if (file := _written(node))))


def _of_patch(patch: str) -> list[ChangedFile]:
    """Of what `git diff` prints."""
    return _by_path(_of_one(part.splitlines()) for part in f"\n{patch}".split(f"\n{BEGIN}")[1:])


def _of_one(lines: list[str]) -> ChangedFile:
    # `a/PATH b/PATH`: a rename has two, and what it is called now counts.
    path = lines[0].rpartition(" b/")[2].strip('"')
    body = lines[next((number for number, line in enumerate(lines) if line.startswith("@@")), len(lines)) :]
    return ChangedFile(
        path,
        insertions=sum(line.startswith("+") for line in body),
        deletions=sum(line.startswith("-") for line in body),
        lines=tuple(line[1:] for line in body if line[:1] in ("+", " ")),
    )


def _written(node: Node) -> ChangedFile | None:
    if node.kind is not NodeKind.TOOL_CALL or node.state is not RunState.COMPLETED or not isinstance(node.input, dict):
        return None
    match node.name:
        case "write_file":
            return _file(node.input, added=node.input.get("content"), removed="")
        case "edit_file":
            return _file(node.input, added=node.input.get("new_string"), removed=node.input.get("old_string"))
        case _:
            return None


def _file(arguments: dict[str, Any], added: Any, removed: Any) -> ChangedFile:
    new, old = str(added or "").splitlines(), str(removed or "").splitlines()
    return ChangedFile(str(arguments.get("file_path", "")), len(new), len(old), tuple(new))


def _by_path(files: Iterable[ChangedFile]) -> list[ChangedFile]:
    """What was changed several times is one, with all of its changes."""
    merged: dict[str, ChangedFile] = {}
    for file in files:
        if known := merged.get(file.path):
            file = ChangedFile(
                file.path,
                known.insertions + file.insertions,
                known.deletions + file.deletions,
                known.lines + file.lines,
            )
        merged[file.path] = file
    return [merged[path] for path in sorted(merged)]
