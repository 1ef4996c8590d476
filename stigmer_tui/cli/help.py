"""How the help of commands reads: by what a person wants to do, with examples."""

from __future__ import annotations

import click

from stigmer_tui.cli.sections import SECTIONS

MAX_SHORT_HELP = 200
"""Characters."""


class CommandGroup(click.Group):
    """Its help says all of what each command is, over several lines where there is no room."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_section(ctx, formatter, "Commands", self.list_commands(ctx))

    def format_section(
        self, ctx: click.Context, formatter: click.HelpFormatter, title: str, names: list[str], width: int = 0
    ) -> None:
        """`width` is that of the longest name in all sections."""
        named = [(name, self.get_command(ctx, name)) for name in names]
        rows = [
            (f"{name:<{width}}", found.get_short_help_str(MAX_SHORT_HELP))
            for name, found in named
            if found and not found.hidden
        ]
        with formatter.section(title):
            formatter.write_dl(rows)


class SectionedGroup(CommandGroup):
    """The program: a line of usage for the app, and its commands in sections."""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, "[PATH]")
        formatter.write_usage(ctx.command_path, "[OPTIONS] COMMAND [ARGS]...", prefix=" " * len("Usage: "))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        names = self.list_commands(ctx)
        width = max(len(name) for _, known in SECTIONS for name in known)
        for title, known in SECTIONS:
            self.format_section(ctx, formatter, title, [name for name in known if name in names], width)


def examples(*commands: str) -> str:
    """The end of a command's help: lines without the name of the program, each with or without `  # a comment`."""
    parts = [command.partition("  # ") for command in commands]
    width = max((len(command) for command, mark, _ in parts if mark), default=0)
    lines = (f"stigmer-tui {command:<{width}}{mark}{comment}".rstrip() for command, mark, comment in parts)
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
