"""Projects on disk for the tests of this room."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from stigmer_tui.project.project_file import Project, load_project

THREE_TASKS = """
    from stigmer_tui.sdk import Agent, Workflow, secret

    helper = Agent("helper", instructions="Answer in one sentence.")

    with Workflow("tally", namespace="demo") as flow:
        item = flow.http_get("fetch", "http://127.0.0.1:18080/item.json")
        praise = flow.call_agent("answer", helper, message=f"Say something kind about {item.title}")
        flow.set("result", title=item.title, praise=praise.response)
"""


def write_files(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")


def python_project(folder: Path, main: str = THREE_TASKS, **files: str) -> Project:
    write_files(folder, {"Stigmer.yaml": "name: demo\nruntime: python\n", "main.py": main, **files})
    return load_project(folder)


def go_project(folder: Path, main: str, files: dict[str, str] | None = None) -> Project:
    write_files(folder, {"Stigmer.yaml": "name: demo\nruntime: go\n", "main.go": main, **(files or {})})
    return load_project(folder)
