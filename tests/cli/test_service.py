"""`server install` and `server uninstall` with a service manager that notes what it is asked for."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stigmer_tui.cli.commands import program

KEY = "sk-of-the-person"


@dataclass(frozen=True, slots=True)
class Person:
    folder: Path

    @property
    def unit(self) -> str:
        [unit] = (self.folder / ".config" / "systemd" / "user").glob("*.service")
        return unit.read_text(encoding="utf-8")

    @property
    def asked(self) -> list[str]:
        return (self.folder / "asked").read_text(encoding="utf-8").splitlines()


@pytest.fixture(params=["plain", "with a space", "ä'(100%) $x"])
def person(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Person:
    folder, programs = tmp_path / request.param, tmp_path / "programs"
    folder.mkdir()
    programs.mkdir()
    for name in ("systemctl", "launchctl"):
        manager = programs / name
        manager.write_text('#!/bin/sh\necho "$@" >> "$HOME/asked"\nexit "${REFUSES:-0}"\n')
        manager.chmod(0o755)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("STIGMER_HOME", str(folder / "home"))
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "STIGMER_LLM_API_KEY"):
        monkeypatch.setenv(name, KEY)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return Person(folder)


def server(*arguments: str) -> Result:
    return CliRunner().invoke(program, ["server", *arguments], standalone_mode=False)


def test_it_is_installed_and_removed_and_no_secret_is_in_it(person: Person) -> None:
    installed = server("install")
    assert (installed.exception, installed.return_value) == (None, 0)
    for told in ("with each session", "stigmer-tui server logs", "journalctl --user -u", "loginctl enable-linger"):
        assert told in installed.output
    assert "internal-server" in person.unit and KEY not in person.unit
    assert [line.split()[1] for line in person.asked] == ["daemon-reload", "enable"]
    assert server("uninstall").output.startswith("✓ Removed")
    assert not list((person.folder / ".config" / "systemd" / "user").iterdir())
    assert server("uninstall").output == "No service is installed\n"


def test_where_the_service_manager_refuses_it_is_said_how_to_go_on(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFUSES", "4")
    refused = server("install")
    assert refused.return_value == 1
    assert "! It is not started: systemctl ended with code 4" in refused.output
    assert "systemctl --user enable --now stigmer-tui-" in refused.output


def test_what_would_be_written_is_shown(person: Person) -> None:
    shown = server("install", "--print").output
    assert "ExecStart=" in shown and KEY not in shown
    assert not (person.folder / ".config").exists()
