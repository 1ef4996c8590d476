"""Confines commands to their folder with bubblewrap; where that does not work, they only start in the folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stigmer_tui.agents.sandbox.commands import run_command
from stigmer_tui.agents.sandbox.skill_files import SKILLS, with_real_paths
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.settings import EXECUTION_MODE

PASSED_ON = ("LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "TZ", "USER")
"""Variables of the runner that commands see. They see no others, such as the keys of model providers."""

READABLE = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt", "/nix"),
    *("/etc/alternatives", "/etc/ca-certificates", "/etc/group", "/etc/hosts", "/etc/ld.so.cache", "/etc/localtime"),
    *("/etc/mime.types", "/etc/nsswitch.conf", "/etc/passwd", "/etc/pki", "/etc/resolv.conf", "/etc/ssl"),
)
"""What a confined command can read besides its folder: programs, and files to resolve and trust hosts."""

KERNEL = ("/proc/bus", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
"""Read-only, because a command that runs as root could change the machine through them."""

TRIAL_LIMIT = 5.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Confinement:
    """How commands are confined."""

    bubblewrap: str = ""
    """The path of the program; empty where commands are not confined."""
    is_required: bool = False
    """Whether commands are refused where they are not confined."""

    def __str__(self) -> str:
        if self.bubblewrap:
            return "bubblewrap"
        return "required, and there is none that works" if self.is_required else "folder only"

    def shell(self, command: str, folder: Path, skills: Path | None = None) -> tuple[str, ...]:
        """The program and its arguments for a shell command in the folder. It finds the folder `skills` at /skills.

        Raises StigmerError where it must be confined, and cannot be.
        """
        if not self.bubblewrap and self.is_required:
            raise StigmerError(
                "Commands run in a sandbox only, and bubblewrap does not work here",
                f"Install it, or set {EXECUTION_MODE.key} to auto.",
            )
        if not self.bubblewrap:
            return ("/bin/sh", "-c", with_real_paths(command, skills) if skills else command)
        return (
            self.bubblewrap,
            *("--die-with-parent", "--new-session", "--unshare-pid", "--unshare-ipc", "--unshare-uts"),
            *("--cap-drop", "ALL", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),  # noqa: S108 - its own
            *(argument for path in (*READABLE, *KERNEL) for argument in ("--ro-bind-try", path, path)),
            *("--bind", str(folder), str(folder), "--chdir", str(folder)),
            *(("--ro-bind", str(skills), f"/{SKILLS}") if skills else ()),
            *("--", "/bin/sh", "-c", command),
        )


async def find_confinement(folder: Path, is_required: bool = False) -> Confinement:
    """Finds bubblewrap, and tries it, because it fails where user namespaces are forbidden."""
    bubblewrap, without = shutil.which("bwrap"), Confinement(is_required=is_required)
    if bubblewrap is None:
        return without
    confinement = Confinement(bubblewrap, is_required)
    trial = await run_command(confinement.shell("true", folder), folder, {}, f"trial-{os.getpid()}", TRIAL_LIMIT)
    return confinement if trial.exit_code == 0 else without


def command_environment(runner: Mapping[str, str], run: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment of a command: a few variables of the runner, and those of the run, including secrets."""
    passed_on = {name: runner[name] for name in PASSED_ON if name in runner}
    return {**passed_on, "HOME": str(folder), **run}
