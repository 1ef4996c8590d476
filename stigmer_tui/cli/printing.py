"""How commands print what they found: a table for people, JSON or YAML for programs, or names alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.cells import cell_len, set_cell_size

from stigmer_tui.core.clock import parse_timestamp
from stigmer_tui.core.control_text import FilteredOutput, json_text
from stigmer_tui.workbench.differences import LineKind

DIFFERENCE_STYLES = {
    LineKind.ADDED: "32",
    LineKind.REMOVED: "31",
    LineKind.CHANGED: "33",
    LineKind.GAP: "36",
    LineKind.TITLE: "1",
}


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    key: str
    """Of the data of a row."""
    show: Callable[[Any], object] = str
    """Makes of a value what stands in the table."""


def local_time(text: str) -> str:
    """An RFC 3339 time as a person reads it."""
    moment = parse_timestamp(text)
    return moment.astimezone().strftime("%Y-%m-%d %H:%M") if moment else ""


def table(columns: Sequence[Column], rows: Sequence[dict[str, Any]]) -> list[str]:
    """Lines of text; a column that is empty in every row is left out."""
    shown = [column for column in columns if any(row.get(column.key) for row in rows)]
    cells = [[column.title for column in shown]]
    cells += [[_cell(row.get(column.key), column) for column in shown] for row in rows]
    widths = [max(cell_len(line[index]) for line in cells) for index in range(len(shown))]
    return ["  ".join(map(set_cell_size, line, widths)).rstrip() for line in cells]


def _cell(value: Any, column: Column) -> str:
    return " ".join(str(column.show(value)).split()) if value not in (None, "") else "-"


def print_rows(
    rows: Sequence[dict[str, Any]],
    columns: Sequence[Column],
    output: str,
    name: Callable[[dict[str, Any]], str],
    nothing: str,
) -> None:
    """`name` identifies a row; `nothing` is what a person reads where there are no rows."""
    match output:
        case "json":
            click.echo(json_text(list(rows), indent=2))
        case "yaml":
            from stigmer_tui.core.yaml_output import to_yaml

            click.echo(to_yaml(list(rows)), nl=False)
        case "name":
            for row in rows:
                click.echo(name(row))
        case _:
            for line in table(columns, rows) if rows else [nothing]:
                click.echo(line)


def print_result(row: dict[str, Any], output: str, *lines: str) -> None:
    """What a command has done to one thing: `lines` for people, what is known of it for programs, or its name."""
    match output:
        case "json":
            click.echo(json_text(row, indent=2))
        case "yaml":
            from stigmer_tui.core.yaml_output import to_yaml

            click.echo(to_yaml(row), nl=False)
        case "name":
            click.echo(row.get("name") or row["id"])
        case _:
            for line in lines:
                click.echo(line)


def print_styled(text: str, style: str) -> None:
    """A line in a style such as `31` (red), where it goes to a terminal with colours; an empty style is plain."""
    output = sys.stdout
    if text and style and isinstance(output, FilteredOutput) and output.isatty() and not os.getenv("NO_COLOR"):
        output.write_styled(text, style)
        click.echo()
    else:
        click.echo(text)


def print_difference(line: str, kind: LineKind) -> None:
    print_styled(line, DIFFERENCE_STYLES.get(kind, ""))


def message_data(message: Message) -> dict[str, Any]:
    """With the names of protobuf JSON."""
    return MessageToDict(message)


def message_text(message: Message, output: str) -> str:
    """As JSON or YAML with the names of protobuf JSON."""
    data = message_data(message)
    if output == "json":
        return json_text(data, indent=2)
    from stigmer_tui.core.yaml_output import to_yaml

    return to_yaml(data).rstrip("\n")
