"""A process of the daemon is one entry: its command, its log, its place in the status and its names follow from it."""

from __future__ import annotations

import inspect
from pkgutil import resolve_name

import click
import pytest

from stigmer_tui.api.runner_pb2 import Hello
from stigmer_tui.cli.commands import program
from stigmer_tui.cli.entry import INTERNAL, is_for_app, is_internal
from stigmer_tui.cli.server_commands import logs
from stigmer_tui.core.daemon_processes import AGENT_RUNNER, PROCESSES, RUNNERS, DaemonProcess
from stigmer_tui.server.leases import NAMES
from tests.facts.sources import files_with


def test_each_kind_of_runner_on_the_wire_is_a_process() -> None:
    kinds = [name for name in Hello.Kind.keys() if name != "KIND_UNSPECIFIED"]  # noqa: SIM118 - not a dictionary
    assert [process.kind for process in RUNNERS] == kinds
    assert set(NAMES) == {Hello.Kind.Value(kind) for kind in kinds}


@pytest.mark.parametrize("process", RUNNERS, ids=lambda process: process.name)
def test_a_runner_has_something_to_run(process: DaemonProcess) -> None:
    main = resolve_name(process.main)
    assert inspect.iscoroutinefunction(main)
    assert list(inspect.signature(main).parameters) == ["configuration", "channel", "stopping"]


def test_the_hidden_commands_are_the_processes() -> None:
    assert {name for name, command in program.commands.items() if command.hidden} == {
        process.command for process in PROCESSES
    }


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_the_entry_of_the_program_knows_each_process_without_loading_a_command(process: DaemonProcess) -> None:
    assert process.command.startswith(INTERNAL)
    assert is_internal([process.command]) and not is_for_app([process.command])


def test_a_folder_may_be_called_like_a_process() -> None:
    assert is_for_app([f"{INTERNAL}notes"]) and not is_internal([f"{INTERNAL}notes"])


def test_the_logs_of_each_process_can_be_chosen() -> None:
    option = next(option for option in logs.params if option.name == "component")
    assert isinstance(option.type, click.Choice)
    assert list(option.type.choices) == [process.name for process in PROCESSES]


@pytest.mark.parametrize("process", RUNNERS, ids=lambda process: process.name)
def test_a_process_is_named_in_one_file(process: DaemonProcess) -> None:
    """But for the command `agent-runner`, which runs external agents and is no process of the daemon."""
    commands = {"stigmer_tui/cli/sections.py", "stigmer_tui/cli/task_commands.py"} if process is AGENT_RUNNER else set()
    files = set(files_with(f"""["'](internal-)?{process.name}["']"""))
    assert files - commands == {"stigmer_tui/core/daemon_processes.py"}


def test_a_hidden_command_is_named_by_its_process() -> None:
    """The entry of the program only knows how their names begin."""
    assert files_with("""["']internal-""") == ["stigmer_tui/cli/entry.py", "stigmer_tui/core/daemon_processes.py"]
