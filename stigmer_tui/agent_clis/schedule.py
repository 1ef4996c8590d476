"""Runs of tasks at set times, by the system's own means: a line of a crontab, or a timer of systemd."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from stigmer_tui.core import settings, systemd
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.own_program import own_command

FIELDS = 5
CALENDAR = {
    "hourly": "0 * * * *",
    "daily": "0 3 * * *",
    "weekly": "0 3 * * 1",
}
"""When a person says a word in place of the five fields of cron."""


@dataclass(frozen=True, slots=True)
class Schedule:
    task: str
    agent: str
    folder: Path
    when: str
    """A word of `CALENDAR`, or the five fields of cron."""
    home: Path

    @property
    def name(self) -> str:
        return f"stigmer-tui-{self.task}-{self.agent}"

    @property
    def command(self) -> list[str]:
        return own_command("task", "run", "--agent", self.agent, "--task", self.task)

    def crontab_line(self) -> str:
        """Raises StigmerError where it is not said when."""
        command = f"cd {shlex.quote(str(self.folder))} && {settings.HOME.variable}={shlex.quote(str(self.home))} "
        # In a crontab, % begins the standard input.
        return f"{self._fields()} {(command + shlex.join(self.command)).replace('%', chr(92) + '%')} >/dev/null 2>&1"

    def systemd_units(self) -> dict[str, str]:
        """The text of each unit by its file name. Raises StigmerError where the time is no word."""
        if self.when not in CALENDAR:
            raise StigmerError(
                f"A timer of systemd runs {', '.join(CALENDAR)}", "For other times print a crontab line."
            )
        service = "\n".join(
            [
                "[Unit]",
                f"Description=The task {self.task} by {self.agent}",
                "",
                "[Service]",
                "Type=oneshot",
                f"WorkingDirectory={systemd.without_specifiers(str(self.folder))}",
                *systemd.environment_lines({settings.HOME.variable: str(self.home)}),
                f"ExecStart={systemd.command_line(self.command)}",
                "",
            ]
        )
        timer = "\n".join(
            [
                "[Unit]",
                f"Description=When the task {self.task} is done by {self.agent}",
                "",
                "[Timer]",
                f"OnCalendar={self.when}",
                "Persistent=true",
                "",
                "[Install]",
                "WantedBy=timers.target",
                "",
            ]
        )
        return {f"{self.name}.service": service, f"{self.name}.timer": timer}

    def _fields(self) -> str:
        fields = CALENDAR.get(self.when, self.when)
        if len(fields.split()) != FIELDS:
            raise StigmerError(
                f"{self.when!r} does not say when", f"Say {', '.join(CALENDAR)}, or five fields such as '30 6 * * 1-5'."
            )
        return " ".join(fields.split())
