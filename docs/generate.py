"""Writes the parts of `docs/reference/` that follow from the code; `--check` only says whether they are current."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from stigmer_tui import sdk
from stigmer_tui.cli.commands import program
from stigmer_tui.definition import script

REFERENCE = Path(__file__).parent / "reference"
CONSTRUCTED = ("Agent", "AgentRef", "Workflow")
"""Classes that a person makes objects of; those of the others are given by calls."""

NOTE = "<!-- Written by `make reference`; what stands here comes from the code. -->"


def pages() -> dict[str, str]:
    """The text of each page, by the name of its file."""
    return {"command-line.md": _command_line(), "script.md": _script(), "sdk.md": _sdk()}


def outdated() -> list[str]:
    """Names of the pages that say something else than the code."""
    return [name for name, text in pages().items() if _read(REFERENCE / name) != text]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _command_line() -> str:
    opening = "`stigmer-tui [PATH]` opens the full-screen app, on this folder or on the one that is named."
    parts = ["# The command line", NOTE, opening]
    for name, command in _commands(program, "stigmer-tui"):
        parts.append(f"## {name}")
        parts.append(inspect.cleandoc(command.help or ""))
        context = click.Context(command, info_name=name)
        parts.append(f"    {name} {' '.join(command.collect_usage_pieces(context))}")
        if rows := [_option(option, context) for option in command.params if isinstance(option, click.Option)]:
            parts.append("\n".join(["| option | |", "|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def _commands(group: click.Group, prefix: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if isinstance(command, click.Group):
            yield from _commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


def _option(option: click.Option, context: click.Context) -> str:
    names, text = option.get_help_record(context) or ("", "")
    return f"| `{_cell(names)}` | {_cell(text)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _script() -> str:
    return "\n\n".join(["# Scripts of agents", NOTE, inspect.cleandoc(script.__doc__ or "")]) + "\n"


def _sdk() -> str:
    parts = ["# The Python SDK", NOTE, inspect.cleandoc(sdk.__doc__ or "")]
    for name in sdk.__all__:
        subject = getattr(sdk, name)
        parts.append(f"## {name}")
        parts.append(inspect.cleandoc(subject.__doc__ or ""))
        if inspect.isclass(subject):
            if name in CONSTRUCTED:
                parts.append(f"    {name}{_signature(subject)}")
            parts.extend(_methods(subject))
        else:
            parts.append(f"    {name}{_signature(subject)}")
    return "\n\n".join(part for part in parts if part) + "\n"


def _methods(subject: type) -> Iterator[str]:
    for name, method in vars(subject).items():
        if name.startswith("_") or not inspect.isfunction(method):
            continue
        yield f"### {subject.__name__}.{name}"
        yield f"    {name}{_signature(method)}"
        yield inspect.cleandoc(method.__doc__ or "")


def _signature(subject: object) -> str:
    if not inspect.isclass(subject):
        return _plain(inspect.signature(subject))  # type: ignore[arg-type]
    made = inspect.signature(subject.__init__)
    parameters = [parameter for name, parameter in made.parameters.items() if name != "self"]
    return _plain(made.replace(parameters=parameters, return_annotation=inspect.Signature.empty))


def _plain(signature: inspect.Signature) -> str:
    """Without the quotes around annotations, which are texts until somebody asks for them."""
    parameters = [parameter for name, parameter in signature.parameters.items() if name != "self"]
    return re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(signature.replace(parameters=parameters)))


def main(arguments: list[str]) -> int:
    stale = outdated()
    if "--check" in arguments:
        for name in stale:
            sys.stderr.write(f"docs/reference/{name} is not current; make reference\n")
        return 1 if stale else 0
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
