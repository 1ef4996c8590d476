"""`task schedule`: prints or installs what runs a task at set times."""

from __future__ import annotations

import os
import subprocess

import click

from stigmer_tui.agent_clis.notifications import TOKEN
from stigmer_tui.agent_clis.schedule import Schedule, kept_variables
from stigmer_tui.agent_clis.tasks import AUTO, find_task
from stigmer_tui.cli.resources import ask
from stigmer_tui.cli.task_run import known_agents
from stigmer_tui.core import systemd
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home, working_folder


def schedule_task(name: str, agent: str, when: str, kind: str, installs: bool, is_sure: bool) -> int:
    find_task(working_folder(), name)
    if agent not in (AUTO, *known_agents()):
        raise StigmerError(f"There is no agent {agent}", f"There are {', '.join((AUTO, *known_agents()))}")
    home = Home.from_environment(os.environ).root
    schedule = Schedule(name, agent, working_folder(), when, home, kept_variables(os.environ))
    texts = {"": schedule.crontab_line()} if kind == "crontab" else schedule.systemd_units()
    for file, text in texts.items():
        click.echo(f"# {file}\n{text}" if file else text)
    if os.environ.get(TOKEN):
        click.echo(f"⚠️  {TOKEN} is secret and not written into it: add it by hand, where the server wants it", err=True)
    if not installs:
        return 0
    if not is_sure:
        ask("Install it?")
    if kind == "crontab":
        _install_line(schedule)
    else:
        _install_units(schedule)
    click.echo(f"✓ Installed: {name} by {agent}, {when}")
    return 0


def _install_line(schedule: Schedule) -> None:
    mark = f"# {schedule.name}"
    before = _output("crontab", "-l", allows_failure=True).splitlines()
    kept = [line for line in before if not line.endswith(mark)]
    text = "\n".join([*kept, f"{schedule.crontab_line()} {mark}", ""])
    _output("crontab", "-", text=text)


def _install_units(schedule: Schedule) -> None:
    folder = systemd.unit_folder(os.environ)
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in schedule.systemd_units().items():
        (folder / file).write_text(text, encoding="utf-8")
    _output(*systemd.MANAGER, "daemon-reload")
    _output(*systemd.MANAGER, "enable", "--now", f"{schedule.name}.timer")


def _output(*command: str, text: str = "", allows_failure: bool = False) -> str:
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise StigmerError(f"{command[0]} is not installed", "Print it, and install it by hand.") from error
    if done.returncode and not allows_failure:
        raise StigmerError(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return done.stdout if done.returncode == 0 else ""
