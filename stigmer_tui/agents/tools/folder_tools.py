"""The tools that every agent has: on files, commands and what there is to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial, wraps
from typing import ParamSpec

from stigmer_tui.agents.sandbox.skill_files import FolderWithSkills
from stigmer_tui.agents.sandbox.stopping import run_stoppable
from stigmer_tui.agents.tools.files import FileTools
from stigmer_tui.agents.tools.search import SearchTools
from stigmer_tui.agents.tools.shell import ShellTool
from stigmer_tui.agents.tools.todos import TodoTools
from stigmer_tui.agents.tools.tool import Tools, by_name, method_tool

TIME_LIMIT = 60.0
"""Seconds for a call of a tool on files."""

Arguments = ParamSpec("Arguments")


def folder_tools(shell: ShellTool) -> Tools:
    folder = FolderWithSkills(shell.folder, shell.skills) if shell.skills else shell.folder
    files, search = FileTools(folder), SearchTools(folder)
    tools = (
        _stoppable(files.ls),
        _stoppable(files.read_file),
        _stoppable(files.write_file),
        _stoppable(files.edit_file),
        _stoppable(search.glob),
        _stoppable(search.grep),
        shell.execute,
        TodoTools().write_todos,
    )
    return by_name(*(method_tool(tool) for tool in tools))


def _stoppable(tool: Callable[Arguments, str]) -> Callable[Arguments, Awaitable[str]]:
    @wraps(tool)
    async def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> str:
        return await run_stoppable(partial(tool, *args, **kwargs), TIME_LIMIT)

    return run
