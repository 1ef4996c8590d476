"""Every command that the README and the guide print is one that the program takes, with its options and words."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from stigmer_tui.cli.commands import program
from tests.guide import PAGES, ROOT

PRINTED = re.compile(r"^    (?:\w+=\S+ )*stigmer-tui (?P<block>.+)$|`stigmer-tui (?P<line>[^`]+)`", re.MULTILINE)


def printed() -> list[str]:
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    return [match["block"] or match["line"] for text in texts for match in PRINTED.finditer(text)]


def spelled_out(line: str) -> Iterator[str]:
    """`a | b` is two commands, and what stands in brackets can be said; lists such as `TOOL[,TOOL]` are one word."""
    line = re.sub(r"\[([^][]*)\]", r" \1 ", re.sub(r"\[,\w+\]", "", line.partition("  #")[0]))
    head, *others = line.split(" | ")
    yield head
    start = head.rpartition(" ")[0]
    yield from (f"{start} {other}" for other in others)


COMMANDS = [shlex.split(command, comments=True) for line in printed() for command in spelled_out(line)]


def test_there_are_many() -> None:
    assert len(COMMANDS) > 60


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_program_takes_it(command: list[str]) -> None:
    context = click.Context(program, info_name="stigmer-tui")
    here: click.Command = program
    words = command[2:] if command[:1] == ["--context"] else list(command)
    if words and not words[0].startswith("-") and program.get_command(context, words[0]) is None:
        # The app, on a folder or on manifests.
        assert len(words) == 1
        return
    while isinstance(here, click.Group) and words and not words[0].startswith("-"):
        found = here.get_command(context, words[0])
        assert found is not None, f"{here.name} has no command {words[0]}"
        here = found
        words.pop(0)
    # Without their callbacks, which look at files and contexts of the person.
    with click.Context(here, parent=context, info_name=here.name, resilient_parsing=False) as parsing:
        parser = here.make_parser(parsing)
        _, rest, _ = parser.parse_args(words)
    assert not rest, f"{' '.join(command)}: too many words: {rest}"


@pytest.mark.parametrize("page", [*PAGES, *sorted((ROOT / "docs").glob("*.md"))], ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([\w-]+))?\)", page.read_text(encoding="utf-8")):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{page.name} links to {target}, which is not there"
        if anchor and file.suffix == ".md":
            titles = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}, anchor
