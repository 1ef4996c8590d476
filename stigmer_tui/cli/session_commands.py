"""The commands about sessions; loaded with those about what is deployed."""

from __future__ import annotations

import click

from stigmer_tui.cli.commands import FORMATS, completes, org_option, program
from stigmer_tui.cli.help import examples
from stigmer_tui.cli.resource_commands import number_option, output_option, yes_option

session_argument = click.argument("session_id", metavar="ID", shell_complete=completes("sessions"))


@program.group()
def sessions() -> None:
    """Conversations with agents. `run --session ID --message …` continues one."""


@sessions.command("list")
@number_option
@org_option
@output_option(*FORMATS)
def list_sessions(number: int, org: str, output: str) -> int:
    """List the newest sessions."""
    from stigmer_tui.cli.sessions import list_newest

    return list_newest(number, org, output)


@sessions.command()
@session_argument
@org_option
@output_option("text", "json")
def show(session_id: str, org: str, output: str) -> int:
    """Print the whole conversation, and what it has used; that of a fork begins with what was before it.

    With --output json the events that `run --output json` prints, then `session` with the tokens and the cost of all.
    """
    from stigmer_tui.cli.sessions import show_session

    return show_session(session_id, org, as_json=output == "json")


@sessions.command(epilog=examples('sessions rename ID "The order of May"'))
@session_argument
@click.argument("subject")
@org_option
@output_option(*FORMATS)
def rename(session_id: str, subject: str, org: str, output: str) -> int:
    """Give a session another name in lists."""
    from stigmer_tui.cli.sessions import rename_session

    return rename_session(session_id, subject, org, output)


@sessions.command()
@session_argument
@org_option
@yes_option
@output_option(*FORMATS)
def delete(session_id: str, org: str, yes: bool, output: str) -> int:
    """Delete a session with its executions. Asks; one that another was forked from is kept."""
    from stigmer_tui.cli.sessions import delete_session

    return delete_session(session_id, org, yes, output)
