"""The commands about the daemon; loaded when one of them is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from stigmer_tui.cli.commands import program, remote_options
from stigmer_tui.cli.help import examples
from stigmer_tui.core.daemon_processes import LOG_LEVELS, PROCESSES, SERVER

if TYPE_CHECKING:
    from datetime import datetime

ADDRESS_HELP = "host:port to listen at, or a port; 0 is any free one."


class Moment(click.ParamType[Any]):
    """A time in the past: an age or a date."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        from stigmer_tui.core.clock import SystemClock, parse_moment

        if (moment := parse_moment(value, SystemClock())) is None:
            self.fail(f"{value!r} is neither an age, such as 10m, 2h or 1d, nor a date, such as 2026-11-28T17:00")
        return moment


@program.group()
def server() -> None:
    """The daemon on this machine. Whatever needs it starts it."""


@server.command()
@click.option("--address", default="", metavar="HOST:PORT", help=ADDRESS_HELP)
@click.option("--no-auth", is_flag=True, help="Accept clients without a token, such as the existing stigmer CLI.")
@remote_options
def start(address: str, no_auth: bool, listen: str, tls_cert: str, tls_key: str) -> int:
    """Start the daemon and wait until it answers."""
    from stigmer_tui.cli.server import remote_of, start_server

    return start_server(address, no_auth, remote_of(listen, tls_cert, tls_key))


@server.command()
def stop() -> int:
    """Stop the daemon and its runners. Runs go on when it is started again."""
    from stigmer_tui.cli.server import stop_server

    return stop_server()


@server.command()
@click.option("--address", default="", metavar="HOST:PORT", help=ADDRESS_HELP)
@click.option("--no-auth", is_flag=True, help="Accept clients without a token, such as the existing stigmer CLI.")
@click.option("--print", "only_print", is_flag=True, help="Print what would be written, and do nothing.")
def install(address: str, no_auth: bool, only_print: bool) -> int:
    """Start the daemon with each session: a systemd user unit, or a launchd agent on macOS."""
    from stigmer_tui.cli.service import install_service

    return install_service(address, no_auth, only_print)


@server.command()
def uninstall() -> int:
    """Stop and remove what `server install` has written. Runs go on when the daemon is started again."""
    from stigmer_tui.cli.service import uninstall_service

    return uninstall_service()


@server.command()
@click.argument("component", required=False, type=click.Choice([process.label for process in PROCESSES]))
@click.option("--address", default="", metavar="HOST:PORT", help=ADDRESS_HELP)
@click.option("--no-auth", is_flag=True, help="Accept clients without a token, such as the existing stigmer CLI.")
@remote_options
def restart(component: str | None, address: str, no_auth: bool, listen: str, tls_cert: str, tls_key: str) -> int:
    """Stop the daemon, and start it again; with COMPONENT only this process of it."""
    from stigmer_tui.cli.server import remote_of, restart_one, restart_server

    process = next((each for each in PROCESSES if each.label == component), SERVER)
    if process == SERVER:
        return restart_server(address, no_auth, remote_of(listen, tls_cert, tls_key))
    if address or no_auth or listen:
        raise click.UsageError("--address, --listen and --no-auth are for the whole daemon: leave COMPONENT out")
    return restart_one(process)


@server.command()
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="For people, or for programs.")
def status(output: str) -> int:
    """Show the daemon's status; exit code 1 when it is not running."""
    from stigmer_tui.cli.server import show_status

    return show_status(output == "json")


@server.command(
    epilog=examples("server logs --follow", "server logs --level error --since 1h", "server logs --execution ID")
)
@click.option("-f", "--follow", is_flag=True, help="Follow new lines.")
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    help="Number of last lines; 0 for all.",
)
@click.option(
    "-c",
    "--component",
    type=click.Choice([process.name for process in PROCESSES]),
    help="Only the lines of this process.",
)
@click.option("-l", "--level", type=click.Choice(LOG_LEVELS), help="Only lines of this level or above.")
@click.option("--since", type=Moment(), help="Only lines since a time, such as 10m, 2h, 1d or 2026-11-28T17:00.")
@click.option("-x", "--execution", default="", metavar="ID", help="Only lines about this execution.")
@click.option("-s", "--search", default="", metavar="TEXT", help="Only lines that contain TEXT.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="For people, or for programs.")
def logs(
    follow: bool,
    lines: int,
    component: str | None,
    level: str | None,
    since: datetime | None,
    execution: str,
    search: str,
    output: str,
) -> int:
    """Show the logs of the daemon's processes in the order of time."""
    from stigmer_tui.cli.server import show_logs
    from stigmer_tui.daemon.logs import LogFilter

    wanted = LogFilter(component or "", level or "", since, execution, search)
    return show_logs(follow, lines, wanted, output == "json")
