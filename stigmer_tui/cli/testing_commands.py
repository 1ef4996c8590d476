"""The commands about tests; loaded when one of them is called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from stigmer_tui.cli.commands import completes, org_option, program
from stigmer_tui.cli.help import examples


@program.command(epilog=examples("export helper", "export ID --as markdown --to run.md"))
@click.argument("execution_id", metavar="ID-OR-NAME", shell_complete=completes("executions"))
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
    from stigmer_tui.cli.export import export_run

    return export_run(execution_id, form, to, org)


@program.command("test", epilog=examples("test", "test -k greets", "test --live --models claude-sonnet-5-5,gpt-6-sol"))
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILES]...")
@click.option("-k", "keyword", default="", metavar="TEXT", help="Only tests whose names contain this.")
@click.option("--last-failed", is_flag=True, help="Only tests that failed the last time; all where none did.")
@click.option("--update", is_flag=True, help="Draft what failing tests expect anew; shows the difference, and asks.")
@click.option("-y", "--yes", is_flag=True, help="With --update: do not ask.")
@click.option("--junit", default="", metavar="FILE", help="Write the results as JUnit XML too.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="For people, or for programs.")
@click.option("--live", is_flag=True, help="Ask the configured models instead of the recordings; this costs money.")
@click.option(
    "--models", default="", metavar="A,B", help="With each of these models, as a table; asks them, as --live."
)
@click.option("--repeat", type=click.IntRange(1, 1000), default=1, metavar="N", help="Run each test so many times.")
@click.option(
    "--min-pass",
    type=click.FloatRange(0, 1),
    default=1.0,
    show_default=True,
    metavar="PART",
    help="With --repeat: the part of its runs that is to pass.",
)
def test(
    files: tuple[Path, ...],
    keyword: str,
    last_failed: bool,
    update: bool,
    yes: bool,
    junit: str,
    output: str,
    live: bool,
    models: str,
    repeat: int,
    min_pass: float,
) -> int:
    """Run the project's tests: recorded runs, played again offline with the latest code.

    FILES are tests or folders of them; default: those in tests/. The exit code is 1 when one fails.
    """
    from stigmer_tui.cli.testing import TestOptions, run_project_tests

    names = tuple(filter(None, (name.strip() for name in models.split(","))))
    if update and (live or names or repeat > 1 or output == "json"):
        raise click.UsageError("--update drafts what one run on the recording gives, and shows it: use it alone")
    choice = TestOptions(files, keyword, last_failed, update, yes, junit, output == "json")
    return run_project_tests(
        replace(choice, is_live=live or bool(names), models=names, repeat=repeat, min_pass=min_pass)
    )
