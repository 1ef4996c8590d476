"""The daemon as a service of the person's session: a systemd user unit on Linux, a launchd agent on macOS."""

from __future__ import annotations

import os
import plistlib
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from xml.sax.saxutils import escape

from stigmer_tui.core import settings, systemd
from stigmer_tui.core.daemon_processes import SERVER
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.own_program import own_command
from stigmer_tui.core.paths import Home

MANAGER_LIMIT = 15.0
"""Seconds for systemctl or launchctl, which wait for the start or end of the daemon."""

Run = Callable[[Sequence[str]], str]
"""Runs a command of the service manager; returns what is wrong, empty for nothing."""


@dataclass(frozen=True, slots=True)
class Service:
    """What is written, where, and how the service manager learns of it."""

    name: str
    path: Path
    text: str
    program: str
    """The program that it starts, as `text` says it."""
    hints: tuple[str, ...]
    """For a person, once it is installed."""
    enable: tuple[tuple[str, ...], ...]
    disable: tuple[tuple[str, ...], ...]
    forget: tuple[tuple[str, ...], ...]
    """After the file is gone."""


def service_of(home: Home, environment: Mapping[str, str], arguments: Sequence[str] = ()) -> Service:
    """`arguments` are those of the server, such as `--no-auth`. Raises StigmerError on a system that has neither."""
    variables = {settings.HOME.variable: str(home.root)}
    if path := environment.get("PATH"):
        # A service has only the folders of the system, and commands of agents need the person's.
        variables["PATH"] = path
    command = own_command(SERVER.command, *arguments)
    for text in (*command, *variables.values()):
        if not text.isprintable():
            raise StigmerError(f"A service cannot have control characters in a path: {text!r}")
    # An instance in a folder of its own is a service of its own.
    is_default = home == Home.from_environment({})
    suffix = "" if is_default else blake2b(str(home.root).encode(), digest_size=4).hexdigest()
    match sys.platform:
        case "linux":
            return _systemd(environment, suffix, home, command, variables)
        case "darwin":
            return _launchd(suffix, home, command, variables)
        case other:
            raise StigmerError(f"There is no service for {other}", "Start the daemon with: stigmer-tui server start")


def install(service: Service, run: Run) -> str:
    """Writes the service and enables it. Returns what the service manager says against it, empty for nothing.

    Raises StigmerError where the file cannot be written, or is not ours.
    """
    _require_ours(service)
    if service.path.exists():
        # launchd takes no agent that it knows already.
        _run_all(service.disable, run)
    try:
        service.path.parent.mkdir(parents=True, exist_ok=True)
        service.path.write_text(service.text, encoding="utf-8")
    except OSError as error:
        raise StigmerError(f"Cannot write {service.path}: {error.strerror}") from error
    return _run_all(service.enable, run)


def starts_this_program(service: Service) -> bool | None:
    """Whether the installed one does, and not one that was moved or removed since; None where there is none."""
    try:
        return service.program in service.path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def uninstall(service: Service, run: Run) -> bool:
    """Stops and removes the service; returns whether there was one. Raises StigmerError as `install` does."""
    _require_ours(service)
    if not service.path.exists():
        return False
    _run_all(service.disable, run)
    try:
        service.path.unlink(missing_ok=True)
    except OSError as error:
        raise StigmerError(f"Cannot remove {service.path}: {error.strerror}") from error
    _run_all(service.forget, run)
    return True


def run_manager(command: Sequence[str]) -> str:
    """A Run."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=MANAGER_LIMIT, check=False
        )
    except FileNotFoundError:
        return f"{command[0]} is not installed"
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else done.stderr.strip() or f"{command[0]} ended with code {done.returncode}"


def _run_all(commands: Sequence[Sequence[str]], run: Run) -> str:
    for command in commands:
        if problem := run(command):
            return problem
    return ""


def _require_ours(service: Service) -> None:
    try:
        text = service.path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return
    except OSError as error:
        raise StigmerError(f"Cannot read {service.path}: {error.strerror}") from error
    if SERVER.command not in text:
        raise StigmerError(f"{service.path} is another program's service", "Move it away first.")


def _systemd(
    environment: Mapping[str, str], suffix: str, home: Home, command: Sequence[str], variables: Mapping[str, str]
) -> Service:
    name = f"stigmer-tui{f'-{suffix}' if suffix else ''}.service"
    lines = [
        "# Written by: stigmer-tui server install",
        "[Unit]",
        "Description=The daemon of stigmer-tui",
        "StartLimitIntervalSec=600",
        "StartLimitBurst=10",
        "",
        "[Service]",
        "Type=exec",
        f"ExecStart={systemd.command_line(command)}",
        *systemd.environment_lines(variables),
        f"WorkingDirectory=-{systemd.without_specifiers(str(home.root))}",
        # A daemon that was stopped stays stopped.
        "Restart=on-failure",
        "RestartSec=1",
        # The server ends its runners in good order.
        "KillMode=mixed",
        "TimeoutStopSec=10",
        "UMask=0077",
        "",
        "[Install]",
        "WantedBy=default.target",
        "",
    ]
    return Service(
        name,
        systemd.unit_folder(environment) / name,
        "\n".join(lines),
        systemd.quoted(command[0]),
        hints=(
            f"What the system says of it: journalctl --user -u {name}",
            "To have it without a session too, after a restart of the machine: loginctl enable-linger",
        ),
        enable=((*systemd.MANAGER, "daemon-reload"), (*systemd.MANAGER, "enable", "--now", name)),
        disable=((*systemd.MANAGER, "disable", "--now", name),),
        forget=((*systemd.MANAGER, "daemon-reload"),),
    )


def _launchd(suffix: str, home: Home, command: Sequence[str], variables: Mapping[str, str]) -> Service:
    label = f"ai.stigmer.tui{f'.{suffix}' if suffix else ''}"
    path = Path.home() / "Library" / "LaunchAgents" / f"{label}.plist"
    agent = {
        "Label": label,
        "ProgramArguments": list(command),
        "EnvironmentVariables": dict(variables),
        "WorkingDirectory": str(home.root),
        "RunAtLoad": True,
        # A daemon that was stopped stays stopped.
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 10,
        "ExitTimeOut": 10,
        "Umask": 0o077,
        "ProcessType": "Background",
    }
    domain = f"gui/{os.getuid()}"
    return Service(
        label,
        path,
        plistlib.dumps(agent).decode(),
        f"<string>{escape(command[0])}</string>",
        hints=(f"What the system says of it: launchctl print {domain}/{label}",),
        enable=(("launchctl", "bootstrap", domain, str(path)),),
        disable=(("launchctl", "bootout", f"{domain}/{label}"),),
        forget=(),
    )
