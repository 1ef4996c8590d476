"""What shells are told to complete; `tests/e2e/test_completion.py` asks real ones."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.shell_completion import ShellComplete

from stigmer_tui.cli import COMPLETION
from stigmer_tui.cli.commands import program
from stigmer_tui.cli.completion import PROGRAM, SHELLS
from tests.cli.keyring_fixture import ring as ring
from tests.core.memory_keyring import MemoryBackend


def completion(shell: str) -> ShellComplete:
    return SHELLS[shell](program, {}, PROGRAM, COMPLETION)


def values(*typed: str, shell: str = "fish") -> list[str]:
    """What could stand in the place of the last word."""
    *words, incomplete = typed
    return [item.value for item in completion(shell).get_completions(words, incomplete)]


def parameters(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Parameter]]:
    """Every one, by the commands and its name."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if found := command.get_command(context, name):
                yield from parameters(found, f"{path} {name}".strip())
    for parameter in command.params:
        yield f"{path} {parameter.name}", parameter


@pytest.mark.parametrize(("name", "parameter"), [pytest.param(*found, id=found[0]) for found in parameters(program)])
def test_tab_fails_nowhere_also_without_a_server(name: str, parameter: click.Parameter, ring: MemoryBackend) -> None:
    command = click.Command("any", params=[parameter])
    for item in parameter.shell_complete(click.Context(command, resilient_parsing=True), ""):
        assert item.value or item.type in ("file", "dir"), name


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (("ge",), ["get"]),
        (("get", "agent-"), ["agent-instance"]),
        (("new", "shop", "--template", "agent"), ["agent-workflow", "agent"]),
        (("list", "--output", "j"), ["json"]),
        (("config", "get", "server.tls"), ["server.tls_cert", "server.tls_key"]),
        (("secrets", "set", "anth"), ["anthropic"]),
        (("provider", "use", "o"), ["openai", "ollama"]),
        (("context", "use", "lo"), ["local"]),
        (("task", "run", "--agent", "cod"), ["codex"]),
    ],
)
def test_values_are_completed(typed: tuple[str, ...], found: list[str], ring: MemoryBackend) -> None:
    assert sorted(values(*typed)) == sorted(found)


@pytest.mark.parametrize(
    ("shell", "typed", "found"),
    [
        ("fish", ("list", "--output=j"), ["--output=json"]),
        ("zsh", ("list", "--output=j"), ["--output=json"]),
        ("bash", ("list", "--output", "=", "j"), ["json"]),
        ("bash", ("list", "--output", "="), ["table", "json", "yaml", "name"]),
    ],
)
def test_a_value_after_an_equals_sign_is_given_back_as_the_shell_wants_it(
    shell: str, typed: tuple[str, ...], found: list[str]
) -> None:
    assert values(*typed, shell=shell) == found


def test_what_is_no_command_may_be_a_folder() -> None:
    (item,) = completion("bash").get_completions([], "shop")
    assert (item.type, item.value) == ("file", "shop")


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_has_a_script(shell: str) -> None:
    script = ShellComplete.source(completion(shell))
    assert f"{COMPLETION}={shell}_complete" in script
    assert "%(" not in script
