"""Writes the parts of `docs/reference/` that follow from the code; `--check` only says whether they are current."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from string import Template

import click

from stigmer_tui import sdk
from stigmer_tui.cli.commands import program
from stigmer_tui.core.model_providers import PROVIDERS
from stigmer_tui.core.settings import SETTINGS, SYNTHESIS_TIMEOUT
from stigmer_tui.definition import recording, script
from stigmer_tui.project.project_keys import KEYS
from stigmer_tui.project.synthesis import DEFAULT_TIME_LIMIT
from stigmer_tui.sdk import values
from stigmer_tui.testing import cases
from stigmer_tui.tui.commands import COMMANDS, Place

REFERENCE = Path(__file__).parent / "reference"
PAGES = Path(__file__).parent / "pages"
"""What is written by hand around tables that follow from the code."""
CONSTRUCTED = ("Agent", "AgentInstance", "AgentRef", "Definitions", "Environment", "Workflow", "WorkflowInstance")
"""Classes that a person makes objects of; those of the others are given by calls."""

NOTE = "<!-- Written by `make reference`; what stands here comes from the code. -->"


def pages() -> dict[str, str]:
    """The text of each page, by the name of its file."""
    return {
        "command-line.md": _command_line(),
        "configuration.md": _configuration(),
        "keys.md": _keys(),
        "script.md": _script(),
        "sdk.md": _sdk(),
        "stigmer-yaml.md": _stigmer_yaml(),
        "tests.md": _tests(),
    }


def outdated() -> list[str]:
    """Names of the pages that say something else than the code."""
    return [name for name, text in pages().items() if _read(REFERENCE / name) != text]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _command_line() -> str:
    opening = (
        "`stigmer-tui [PATH]` opens the full-screen app, on this folder or on the one that is named; on manifests with"
        " `stigmer-tui FILE.yaml`, and on a folder of them with `stigmer-tui -f PATH`."
    )
    parts = ["# The command line", NOTE, opening]
    for name, command in _commands(program, "stigmer-tui"):
        parts.append(f"## {name}")
        parts.append(inspect.cleandoc(command.help or ""))
        context = click.Context(command, info_name=name)
        parts.append(f"    {name} {' '.join(command.collect_usage_pieces(context))}")
        if rows := [_option(option, context) for option in _options(command)]:
            parts.append("\n".join(["| option | |", "|---|---|", *rows]))
        if command.epilog:
            _, *lines = command.epilog.removeprefix("\b\n").splitlines()
            parts.append("\n".join(f"    {line.strip()}" for line in lines))
    return "\n\n".join(parts) + "\n"


def _commands(group: click.Group, prefix: str) -> Iterator[tuple[str, click.Command]]:
    # As help lists them: in which order they came to be depends on what was imported first.
    for name in group.list_commands(click.Context(group)):
        command = group.commands[name]
        if command.hidden:
            continue
        if isinstance(command, click.Group):
            yield from _commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


def _options(command: click.Command) -> list[click.Option]:
    return [option for option in command.params if isinstance(option, click.Option) and not option.hidden]


def _option(option: click.Option, context: click.Context) -> str:
    names, text = option.get_help_record(context) or ("", "")
    return f"| `{_cell(names)}` | {_cell(text)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _configuration() -> str:
    settings = [
        ("environment", "`config.yaml`", "default", ""),
        *((_code(each.variable), _code(each.key), each.default, each.help) for each in SETTINGS),
    ]
    providers = [
        ("provider", "model, where none is asked for", "key", "base URL", "where it is"),
        *(
            (
                _code(each.name),
                *map(_code, (each.default_model, each.key_variable, each.base_url_variable, each.address)),
            )
            for each in PROVIDERS
        ),
    ]
    return _page("configuration.md", settings=_table(settings), providers=_table(providers))


def _stigmer_yaml() -> str:
    keys = [
        ("key", "needed", "default", ""),
        *((_code(key.name), "yes" if key.example else "no", key.default, key.help) for key in KEYS),
    ]
    return _page(
        "stigmer-yaml.md", keys=_table(keys), limit=f"{DEFAULT_TIME_LIMIT:.0f}", variable=SYNTHESIS_TIMEOUT.variable
    )


def _keys() -> str:
    parts = ["# Keys", NOTE, "The mouse works everywhere, and the command palette has what has no key."]
    for place in Place:
        rows = [
            (" ".join(map(_code, command.key_names)), command.title or command.label, command.help)
            for command in COMMANDS
            if command.place is place
        ]
        parts += [f"## {place}", _table([("key", "name", ""), *rows])]
    return "\n\n".join(parts) + "\n"


def _page(name: str, **parts: str) -> str:
    """A page of `docs/pages`, with tables in the places of their names."""
    return Template((PAGES / name).read_text(encoding="utf-8")).substitute(parts, note=NOTE)


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Markdown; the first row is the heading."""
    lines = [f"| {' | '.join(map(_cell, row))} |".replace("|  |", "| |").replace("|  |", "| |") for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _script() -> str:
    return "\n\n".join(["# Scripts of agents", NOTE, inspect.cleandoc(script.__doc__ or "")]) + "\n"


def _tests() -> str:
    parts = ["# Tests", NOTE, inspect.cleandoc(cases.__doc__ or ""), "## The recording"]
    return "\n\n".join([*parts, inspect.cleandoc(recording.__doc__ or "")]) + "\n"


def _sdk() -> str:
    parts = ["# The Python SDK", NOTE, inspect.cleandoc(sdk.__doc__ or "")]
    for name in sdk.__all__:
        subject = getattr(sdk, name)
        parts.append(f"## {name}")
        if isinstance(subject, str):
            parts += [_alias_description(name), f"    {name} = {subject}"]
            continue
        parts.append(inspect.cleandoc(subject.__doc__ or ""))
        if inspect.isclass(subject):
            if name in CONSTRUCTED:
                parts.append(f"    {name}{_signature(subject)}")
            parts.extend(_methods(subject))
        else:
            parts.append(f"    {name}{_signature(subject)}")
    return "\n\n".join(part for part in parts if part) + "\n"


def _alias_description(name: str) -> str:
    """The string after the definition of a type alias, where editors look for it too."""
    statements = ast.parse(inspect.getsource(values)).body
    for statement, following in pairwise(statements):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            match following:
                case ast.Expr(value=ast.Constant(value=str(description))) if statement.target.id == name:
                    return description
    raise LookupError(f"{name} has no description")


def _methods(subject: type) -> Iterator[str]:
    for name, method in vars(subject).items():
        if name.startswith("_") or not (inspect.isfunction(method) or isinstance(method, property)):
            continue
        yield f"### {subject.__name__}.{name}"
        if not isinstance(method, property):
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
