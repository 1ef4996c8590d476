"""The daemon as a service: what is written where, and what the service manager is asked for."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home
from stigmer_tui.daemon.service import Service, install, run_manager, service_of, starts_this_program, uninstall


class Manager:
    """Does nothing, and says of one command what is wrong."""

    def __init__(self, refused: str = "") -> None:
        self.refused = refused
        self.asked: list[str] = []

    def __call__(self, command: Sequence[str]) -> str:
        self.asked.append(" ".join(command))
        return "no bus" if self.refused and self.refused in command else ""


@pytest.fixture(autouse=True)
def of_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def linux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setattr(sys, "platform", "linux")
    return service_of(Home.from_environment({}), {"PATH": "/usr/bin:/opt/100%"}, ["--no-auth"])


def test_a_unit_starts_the_server_with_its_home_and_path_and_no_other_variable(linux: Service, tmp_path: Path) -> None:
    assert linux.path == tmp_path / ".config/systemd/user/stigmer-tui.service"
    lines = linux.text.splitlines()
    assert f'ExecStart="{sys.executable}" "-P" "-m" "stigmer_tui" "internal-server" "--no-auth"' in lines
    variables = [line for line in lines if line.startswith("Environment=")]
    assert variables == [f'Environment="STIGMER_HOME={tmp_path}/.stigmer"', 'Environment="PATH=/usr/bin:/opt/100%%"']
    assert {"Restart=on-failure", "WantedBy=default.target", "UMask=0077"} <= set(lines)


def test_another_home_is_another_service(linux: Service, tmp_path: Path) -> None:
    odd = tmp_path / 'a "b" $c'
    other = service_of(Home(odd), {"XDG_CONFIG_HOME": "/etc/me"})
    assert other.name != linux.name and other.path.parent == Path("/etc/me/systemd/user")
    assert f'Environment="STIGMER_HOME={tmp_path}/a \\"b\\" $c"' in other.text.splitlines()
    with pytest.raises(StigmerError, match="control characters"):
        service_of(Home(tmp_path / "a\nExecStart=x"), {})


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="the system has no systemd-analyze")
def test_systemd_reads_the_unit(linux: Service, tmp_path: Path) -> None:
    odd = service_of(Home(tmp_path / 'a "b" 100% $c'), {"PATH": "/usr/bin:/with a space"})
    for service in (linux, odd):
        service.path.parent.mkdir(parents=True, exist_ok=True)
        service.path.write_text(service.text)
        command = ["systemd-analyze", "--user", "verify", "--man=no", str(service.path)]
        variables = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
        checked = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_it_is_written_and_enabled_and_removed_again(linux: Service) -> None:
    manager = Manager()
    assert install(linux, manager) == ""
    assert linux.path.read_text() == linux.text
    assert uninstall(linux, manager)
    assert not linux.path.exists()
    assert manager.asked == [
        "systemctl --user daemon-reload",
        "systemctl --user enable --now stigmer-tui.service",
        "systemctl --user disable --now stigmer-tui.service",
        "systemctl --user daemon-reload",
    ]
    assert not uninstall(linux, manager) and len(manager.asked) == 4


def test_one_that_is_installed_again_makes_way_first(linux: Service) -> None:
    """As after an update that has moved the program."""
    install(linux, Manager())
    old = linux.text.replace(sys.executable, "/gone/python")
    linux.path.write_text(old)
    assert starts_this_program(linux) is False
    manager = Manager()
    assert install(linux, manager) == ""
    assert starts_this_program(linux) is True
    assert [command.split()[2] for command in manager.asked] == ["disable", "daemon-reload", "enable"]


def test_what_the_service_manager_says_against_it_is_told(linux: Service) -> None:
    assert install(linux, Manager("enable")) == "no bus"
    assert linux.path.exists()
    # What cannot be stopped is removed all the same.
    assert uninstall(linux, Manager("disable"))
    assert not linux.path.exists()


def test_another_program_s_service_is_left_alone(linux: Service) -> None:
    linux.path.parent.mkdir(parents=True)
    linux.path.write_text("[Service]\nExecStart=/usr/bin/other\n")
    manager = Manager()
    for change in (install, uninstall):
        with pytest.raises(StigmerError, match="another program's service"):
            change(linux, manager)
    assert (linux.path.read_text().splitlines()[1], manager.asked) == ("ExecStart=/usr/bin/other", [])


def test_a_folder_that_cannot_be_written_is_named(linux: Service, tmp_path: Path) -> None:
    (tmp_path / ".config").write_text("in the way")
    with pytest.raises(StigmerError, match=r"Cannot (read|write) .*stigmer-tui\.service"):
        install(linux, Manager())


def test_a_launchd_agent_starts_the_server_and_stays_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    service = service_of(Home.from_environment({}), {"PATH": "/usr/bin"}, ["--address", "127.0.0.1:7234"])
    assert service.path == tmp_path / "Library/LaunchAgents/ai.stigmer.tui.plist"
    agent = plistlib.loads(service.text.encode())
    assert agent["ProgramArguments"][-3:] == ["internal-server", "--address", "127.0.0.1:7234"]
    assert agent["EnvironmentVariables"] == {"STIGMER_HOME": f"{tmp_path}/.stigmer", "PATH": "/usr/bin"}
    assert (agent["RunAtLoad"], agent["KeepAlive"]) == (True, {"SuccessfulExit": False})
    manager = Manager()
    assert starts_this_program(service) is None
    assert install(service, manager) == "" and starts_this_program(service) and uninstall(service, manager)
    assert [command.split()[:2] for command in manager.asked] == [["launchctl", "bootstrap"], ["launchctl", "bootout"]]


def test_a_system_with_neither_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "freebsd14")
    with pytest.raises(StigmerError, match="There is no service for freebsd14"):
        service_of(Home.from_environment({}), {})


def test_a_command_says_what_is_wrong() -> None:
    assert run_manager([sys.executable, "-c", "pass"]) == ""
    assert run_manager([sys.executable, "-c", "import sys; sys.exit('no bus')"]) == "no bus"
    assert run_manager([sys.executable, "-c", "import sys; sys.exit(3)"]).endswith("ended with code 3")
    assert run_manager(["no-such-manager"]) == "no-such-manager is not installed"
