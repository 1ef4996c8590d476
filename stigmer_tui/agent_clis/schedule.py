"""Runs of tasks at set times, by the system's own means: a line of a crontab, or a timer of systemd."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from stigmer_tui.agent_clis.notifications import SERVER, TOPIC
from stigmer_tui.agent_clis.run import TIMEOUT_VARIABLE
from stigmer_tui.agent_clis.table import AGENTS
from stigmer_tui.core import settings, systemd
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.own_program import own_command

FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
"""The numbers that each field of cron may have: minute, hour, day, month, day of the week."""
_FIELD = re.compile(r"(?:\*|(\d+)(?:-(\d+))?)(?:/0*[1-9]\d*)?")
_NAMES = re.compile(r"[a-z]{3}(?:-[a-z]{3})?", re.IGNORECASE)
"""Of months and of days of the week."""
CALENDAR = {
    "hourly": "0 * * * *",
    "daily": "0 3 * * *",
    "weekly": "0 3 * * 1",
}
"""When a person says a word in place of the five fields of cron."""


KEPT = ("PATH", TIMEOUT_VARIABLE, SERVER, TOPIC, *(agent.model_variable for agent in AGENTS if agent.model_variable))
"""Variables with which a run finds its agent, and does as it does now: cron and systemd have next to none."""


def kept_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Without secrets, which do not belong into such files."""
    kept = {name: environment[name] for name in KEPT if environment.get(name)}
    # Many a cron takes lines of 1,000 characters at most.
    folders = dict.fromkeys(folder for folder in kept.get("PATH", "").split(os.pathsep) if Path(folder).is_dir())
    return kept | {"PATH": os.pathsep.join(folders)}


@dataclass(frozen=True, slots=True)
class Schedule:
    task: str
    agent: str
    folder: Path
    when: str
    """A word of `CALENDAR`, or the five fields of cron."""
    home: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Another one for the same task of another folder."""
        where = sha256(str(self.folder).encode()).hexdigest()[:6]
        return f"stigmer-tui-{self.task}-{self.agent}-{where}"

    @property
    def environment(self) -> dict[str, str]:
        return {settings.HOME.variable: str(self.home), **self.variables}

    @property
    def command(self) -> list[str]:
        return own_command("task", "run", "--agent", self.agent, "--task", self.task)

    def crontab_line(self) -> str:
        """Raises StigmerError where it is not said when."""
        variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in self.environment.items())
        command = f"cd {shlex.quote(str(self.folder))} && {variables} {shlex.join(self.command)}"
        # In a crontab, % begins the standard input.
        return f"{self._fields()} {command.replace('%', chr(92) + '%')} >/dev/null 2>&1"

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
                *systemd.environment_lines(self.environment),
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
        fields = CALENDAR.get(self.when, self.when).split()
        if len(fields) != len(FIELDS) or not all(map(_is_field, fields, FIELDS)):
            raise StigmerError(
                f"{self.when!r} does not say when",
                f"Say {', '.join(CALENDAR)}, or five fields – minute, hour, day, month, day of the week – such as"
                " '30 6 * * 1-5'.",
            )
        return " ".join(fields)


def _is_field(text: str, numbers: tuple[int, int]) -> bool:
    """Whether cron takes it: `*`, numbers, ranges and steps, with commas between them."""
    for part in text.split(","):
        if numbers in FIELDS[3:] and _NAMES.fullmatch(part):
            continue
        match = _FIELD.fullmatch(part)
        if not match or not all(numbers[0] <= int(number) <= numbers[1] for number in match.groups() if number):
            return False
    return True
