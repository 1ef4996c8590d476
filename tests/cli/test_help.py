"""The help of every command: what a stranger reads."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from stigmer_tui.cli.commands import program
from stigmer_tui.cli.help import examples
from stigmer_tui.cli.sections import SECTIONS


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All that can be called, groups too."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if found is None or found.hidden:
            continue
        yield (*path, name), found
        if isinstance(found, click.Group):
            yield from commands(found, (*path, name))


EVERY = dict(commands(program))
EXAMPLES = [
    pytest.param(shlex.split(re.split(r"[<>]", line, maxsplit=1)[0], comments=True)[1:], id=line.strip())
    for command in EVERY.values()
    for line in (command.epilog or "").splitlines()
    if line.startswith("  stigmer-tui ")
]


def test_every_command_has_its_place_in_one_section() -> None:
    named = [name for _, names in SECTIONS for name in names]
    assert sorted(named) == sorted(path[0] for path in EVERY if len(path) == 1)
    text = CliRunner().invoke(program, ["--help"]).output
    for title, names in SECTIONS:
        assert f"\n{title}:\n  {names[0]} " in text


@pytest.mark.parametrize(("path", "command"), [pytest.param(*each, id=" ".join(each[0])) for each in EVERY.items()])
def test_help_says_what_a_command_and_each_of_its_options_is(path: tuple[str, ...], command: click.Command) -> None:
    shown = CliRunner().invoke(program, [*path, "--help"])
    assert shown.exit_code == 0
    assert max(map(len, shown.output.splitlines())) <= 120
    assert re.match(r"[A-Z][^\n]*[.:?]", re.sub(r"\s+", " ", command.help or "")), f"{path} has no help"
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            assert option.help, f"{' '.join(path)} {option.opts} has no help"


@pytest.mark.parametrize("words", EXAMPLES)
def test_an_example_is_a_command_that_the_program_takes(words: list[str]) -> None:
    path = tuple(words[: next(size for size in (2, 1) if tuple(words[:size]) in EVERY)])
    command = EVERY[path]
    with click.Context(command, info_name=command.name) as context:
        _, rest, _ = command.make_parser(context).parse_args(words[len(path) :])
    assert not rest


def test_comments_of_examples_stand_below_each_other() -> None:
    assert examples("run  # all", "run helper", "apply --prune  # asks") == (
        "\b\nExamples:\n"
        "  stigmer-tui run            # all\n"
        "  stigmer-tui run helper\n"
        "  stigmer-tui apply --prune  # asks"
    )
