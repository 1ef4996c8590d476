"""The tool that runs shell commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stigmer_tui.agents.live_output import output_receiver
from stigmer_tui.agents.sandbox.commands import run_command
from stigmer_tui.agents.sandbox.confinement import Confinement
from stigmer_tui.agents.sandbox.folder import Folder
from stigmer_tui.agents.sandbox.skill_files import SkillFiles
from stigmer_tui.core.agent_tools import EXIT_CODE
from stigmer_tui.core.errors import StigmerError

TIME_LIMIT = 120.0
"""Seconds."""


class CommandFailed(StigmerError):  # noqa: N818 - an outcome
    """A command ended with an exit code other than 0, or not in time. People see the message, the model the output."""

    def __init__(self, message: str, output: str) -> None:
        super().__init__(message)
        self.output = output


@dataclass(frozen=True, slots=True)
class ShellTool:
    """Runs shell commands in a folder."""

    folder: Folder
    confinement: Confinement
    environment: Mapping[str, str]
    mark: str
    """Names the execution, so that its processes can be found."""
    time_limit: float = TIME_LIMIT
    skills: SkillFiles | None = None

    async def execute(self, command: str) -> str:
        """Run a shell command in the working folder. Returns its output and its exit code.

        It has no input and 120 seconds of time. Processes that it leaves in the background end with it. In commands,
        name files by relative paths: what other tools call /notes.md is notes.md here.

        Args:
            command: The command, for /bin/sh.
        """
        skills = self.skills.root if self.skills else None
        arguments = self.confinement.shell(command, self.folder.root, skills)
        result = await run_command(
            arguments, self.folder.root, self.environment, self.mark, self.time_limit, output_receiver()
        )
        lines = [result.output.rstrip("\n")] if result.output else []
        if result.timed_out:
            lines.append(f"Command timed out after {self.time_limit:.0f} seconds")
        output = "\n".join([*lines, f"{EXIT_CODE}{result.exit_code}]"])
        if result.timed_out:
            raise CommandFailed(f"timed out after {self.time_limit:.0f} s", output)
        if result.exit_code:
            raise CommandFailed(f"exit {result.exit_code}", output)
        return output
