"""All tools of an agent, for the framework."""

from __future__ import annotations

from pydantic_ai.toolsets import FunctionToolset

from stigmer_tui.agents.tools.files import FileTools
from stigmer_tui.agents.tools.search import SearchTools
from stigmer_tui.agents.tools.shell import ShellTool


def toolset(shell: ShellTool) -> FunctionToolset[None]:
    """Used one after the other, in the order in which the model names them: one may build on the one before."""
    files, search = FileTools(shell.folder), SearchTools(shell.folder)
    tools = (files.ls, files.read_file, files.write_file, files.edit_file, search.glob, search.grep, shell.execute)
    return FunctionToolset(tools, sequential=True)
