"""Arguments of every command, found by walking through all of them."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from stigmer_tui.cli.commands import program
from tests.malformed.refusals import Shell


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if command.hidden:
            continue
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = list(leaves(program))


def options() -> Iterator[tuple[tuple[str, ...], click.Option]]:
    for path, command in COMMANDS:
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.is_flag and not parameter.count:
                yield path, parameter


OPTIONS = list(options())


def named(case: object) -> str:
    return " ".join(case) if isinstance(case, tuple) else ""


@pytest.mark.parametrize("path", [path for path, _ in COMMANDS], ids=" ".join)
def test_an_option_that_there_is_not(path: tuple[str, ...], shell: Shell) -> None:
    assert "--nonsense" in shell.refuses(*path, "--nonsense")


@pytest.mark.parametrize(("path", "option"), OPTIONS, ids=named)
def test_an_option_without_its_value(path: tuple[str, ...], option: click.Option, shell: Shell) -> None:
    name = option.opts[-1]
    assert name in shell.refuses(*path, name)


@pytest.mark.parametrize(
    ("path", "option"),
    [
        (path, option)
        for path, option in OPTIONS
        if not isinstance(option.type, click.types.StringParamType | click.Path)
    ],
    ids=named,
)
@pytest.mark.parametrize("value", ["-1e9999x", "²", "  "])
def test_a_value_of_the_wrong_kind(path: tuple[str, ...], option: click.Option, value: str, shell: Shell) -> None:
    assert option.opts[-1] in shell.refuses(*path, f"{option.opts[-1]}={value}")


@pytest.mark.parametrize(
    ("path", "command"),
    [(path, each) for path, each in COMMANDS if not any(one.nargs == -1 for one in each.params)],
    ids=named,
)
def test_more_arguments_than_it_takes(path: tuple[str, ...], command: click.Command, shell: Shell) -> None:
    shell.refuses(*path, *["list"] * 9)


@pytest.mark.parametrize(
    ("path", "command"),
    [
        (path, command)
        for path, command in COMMANDS
        if any(isinstance(one, click.Argument) and one.required for one in command.params)
    ],
    ids=named,
)
def test_without_an_argument_that_it_needs(path: tuple[str, ...], command: click.Command, shell: Shell) -> None:
    assert "Missing" in shell.refuses(*path)
