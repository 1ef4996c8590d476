"""The commands about tests; loaded when one of them is called."""

from __future__ import annotations

from pathlib import Path

import click

from stigmer_tui.cli.commands import complete_execution, program
from stigmer_tui.cli.resource_commands import org_option


@program.command()
@click.argument("execution_id", metavar="ID-OR-NAME", shell_complete=complete_execution)
@click.option(
    "--as",
    "form",
    type=click.Choice(["test", "script", "json", "markdown"]),
    default="test",
    show_default=True,
    help="A test in tests/, or what is printed: a script of the agent, all that is recorded, or a text for people.",
)
@click.option("-o", "--to", default="", metavar="FILE", help="Write into this file; an existing one is not replaced.")
@org_option
def export(execution_id: str, form: str, to: str, org: str) -> int:
    """Make a test of a run, or a script, JSON or Markdown.

    ID-OR-NAME is an execution, or what ran, for its newest run.
    """
    from stigmer_tui.cli.testing import export_run

    return export_run(execution_id, form, to, org)


@program.command("test")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILES]...")
@click.option("-k", "keyword", default="", metavar="TEXT", help="Only tests whose names contain this.")
@click.option("--last-failed", is_flag=True, help="Only tests that failed the last time; all where none did.")
@click.option("--update", is_flag=True, help="Draft what failing tests expect anew; shows the difference, and asks.")
@click.option("-y", "--yes", is_flag=True, help="With --update: do not ask.")
@click.option("--junit", default="", metavar="FILE", help="Write the results as JUnit XML too.")
def test(files: tuple[Path, ...], keyword: str, last_failed: bool, update: bool, yes: bool, junit: str) -> int:
    """Run the project's tests offline: recorded runs, played again with the latest code.

    FILES are tests or folders of them; default: those in tests/. The exit code is 1 when one fails.
    """
    from stigmer_tui.cli.testing import TestOptions, run_project_tests

    return run_project_tests(TestOptions(files, keyword, last_failed, update, yes, junit))
