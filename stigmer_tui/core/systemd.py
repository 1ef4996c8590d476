"""Texts of systemd's units, which belong to the person's session (systemd.syntax(7))."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

MANAGER = ("systemctl", "--user")
"""The command that learns of new units."""


def unit_folder(environment: Mapping[str, str]) -> Path:
    """Where the units of this person are."""
    return Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"


def without_specifiers(text: str) -> str:
    """A percent sign would be one."""
    return text.replace("%", "%%")


def quoted(word: str) -> str:
    """One word, whatever is in it."""
    escaped = without_specifiers(word.replace("\\", "\\\\").replace('"', '\\"'))
    return f'"{escaped}"'


def command_line(words: Sequence[str]) -> str:
    """For ExecStart, where alone a dollar sign would be a variable."""
    return " ".join(quoted(word).replace("$", "$$") for word in words)


def environment_lines(variables: Mapping[str, str]) -> list[str]:
    return [f"Environment={quoted(f'{name}={value}')}" for name, value in variables.items()]
