"""The commands and their flags. Each imports its implementation when it is called."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, cast

import click

from stigmer_tui import __version__
from stigmer_tui.core import settings
from stigmer_tui.core.control_text import FilteredOutput
from stigmer_tui.core.daemon_processes import LOG_LEVELS, PROCESSES, RUNNERS, SERVER, DaemonProcess
from stigmer_tui.core.errors import StigmerError, as_text, system_refusal
from stigmer_tui.core.terminal import SIGNS, register_signs, terminal_encoding

INTERRUPTED = 130
READER_IS_GONE = 128 + 13
"""Exit code of a program that SIGPIPE ended, as in `| head`."""

if TYPE_CHECKING:
    from datetime import datetime

    from click.shell_completion import CompletionItem

EPILOG = "Without a command the full-screen app opens, on this folder or on the one that is named: stigmer-tui [PATH]"


def run_command(arguments: Sequence[str]) -> int:
    """Returns the exit code: 0 done, 1 failed or refused, 2 wrong usage, 130 interrupted."""
    _filter_output()
    try:
        for argument in arguments:
            as_text(argument, "An argument")
        code = program.main(list(arguments), prog_name="stigmer-tui", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except StigmerError as error:
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    except BaseExceptionGroup as errors:
        return _reader_is_gone() if errors.subgroup(BrokenPipeError) else _own_error(errors)
    except (BrokenPipeError, SystemExit):
        # click exits with 1 after a broken pipe.
        return _reader_is_gone()
    except OSError as error:
        click.echo(f"Error: {system_refusal(error)}", err=True)
        return 1
    except Exception as error:
        return _own_error(error)
    return code if isinstance(code, int) else 0


def complete_for_shell(instruction: str) -> int:
    """Answers a shell in which a person has pressed tab. What fails is not said: it would stand in their line."""
    from stigmer_tui.cli.completion import complete

    _filter_output()
    try:
        return complete(instruction)
    except Exception:
        return 1


def exit_process(code: int) -> NoReturn:
    """Ends the process once its output is written. An orderly end of the interpreter would take 20 ms more."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = READER_IS_GONE
    except OSError as error:
        sys.stderr.write(f"Error: Cannot write the output: {error.strerror}\n")
        code = 1
    os._exit(code)


def _filter_output() -> None:
    """Cleans everything that is printed, and replaces signs that the locale lacks."""
    register_signs()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=_encoding(stream), errors=SIGNS)
    if not isinstance(sys.stdout, FilteredOutput):
        sys.stdout = cast(TextIO, FilteredOutput(sys.stdout))
    if not isinstance(sys.stderr, FilteredOutput):
        sys.stderr = cast(TextIO, FilteredOutput(sys.stderr))


def _encoding(stream: io.TextIOWrapper) -> str:
    """The encoding of the locale, even where Python uses UTF-8 mode."""
    return "ascii" if terminal_encoding(os.environ) == "ascii" else stream.encoding


def _own_error(error: BaseException) -> int:
    from stigmer_tui.cli.own_errors import tell

    tell(error)
    return 1


def _reader_is_gone() -> int:
    """Ends quietly after the reader of our output has gone, as in `| head`."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return READER_IS_GONE


class Program(click.Group):
    """Loads the commands about what is deployed, and about models, only when one is wanted, or all are listed."""

    def load_all(self) -> None:
        import stigmer_tui.cli.model_commands
        import stigmer_tui.cli.resource_commands
        import stigmer_tui.cli.session_commands
        import stigmer_tui.cli.task_commands
        import stigmer_tui.cli.testing_commands  # noqa: F401 - they add them

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands:
            self.load_all()
        if command := super().get_command(ctx, cmd_name):
            _take_context(command)
        return command

    def list_commands(self, ctx: click.Context) -> list[str]:
        self.load_all()
        return super().list_commands(ctx)


def _choose_context(ctx: click.Context, param: click.Parameter, name: str) -> None:
    if name:
        settings.choose_context(os.environ, name)


CONTEXT = click.Option(
    ["--context"],
    metavar="NAME",
    default="",
    callback=_choose_context,
    expose_value=False,
    is_eager=True,
    help="The backend to use, by its name in `context list`; also after a command.",
)


def _take_context(command: click.Command) -> None:
    """Lets a command, and all below it, take --context too, which stands in the help of the program only."""
    if isinstance(command, click.Group):
        for each in command.commands.values():
            _take_context(each)
    elif all(param.name != CONTEXT.name for param in command.params):
        option = copy(CONTEXT)
        option.hidden = True
        command.params.append(option)


@click.group(
    cls=Program,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=[CONTEXT],
)
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
def program() -> None:
    """The workbench for people who develop AI agents and workflows."""
    from stigmer_tui.core.paths import Home
    from stigmer_tui.core.problem_log import log_problems_to_file

    log_problems_to_file(Home.from_environment(os.environ).log("commands"), "commands")


PATH = click.Path(allow_dash=True)
RESUME_HELP = "Attach to an execution, or show one that has ended; with --message, continue an agent's conversation."
FILE_HELP = "Manifests instead of the project's code: a YAML file, a folder of them, or - for standard input."


def complete_name(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Of what can be run."""
    from stigmer_tui.cli.completion import resource_names

    return resource_names("", incomplete, ctx.params.get("org") or "")


def complete_execution(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from stigmer_tui.cli.completion import execution_ids

    return execution_ids(incomplete, ctx.params.get("org") or "")


@program.command()
@click.argument("reference", required=False, metavar="[NAME-OR-ID]", shell_complete=complete_name)
@click.option("-m", "--message", default="", help="What to say to the agent, or to start the workflow with.")
@click.option(
    "-e",
    "--runtime-env",
    "runtime_env",
    multiple=True,
    metavar="KEY=VALUE",
    help="A variable of this run; secret:KEY=VALUE is never shown or stored in clear. May be repeated.",
)
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="NAME=VALUE",
    help="End a run of an agent at steps=20, time=5m, tokens=200k or cost=0.50 (US dollars). May be repeated.",
)
@click.option("--follow/--no-follow", default=True, help="Follow the run to its end, or only start it.")
@click.option("-f", "--file", "manifests", default="", type=PATH, metavar="PATH", help=FILE_HELP)
@click.option("--resume", default="", metavar="ID", shell_complete=complete_execution, help=RESUME_HELP)
@click.option("--session", default="", metavar="ID", help="Continue this session's conversation, with --message.")
@click.option("-i", "--interactive", is_flag=True, help="Talk with an agent line by line, until Ctrl+D.")
@click.option("--all", "every", is_flag=True, help="Run all that the project defines at the same time.")
@click.option("--detach", is_flag=True, help="Ctrl+C stops following; the run continues.")
@click.option("-w", "--watch", is_flag=True, help="Deploy each save and run again, until Ctrl+C.")
@click.option("--org", default="", metavar="NAME", help="The organization; default: from Stigmer.yaml or config.yaml.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="For people, or for programs.")
@click.option(
    "--approve",
    default="",
    metavar="TOOL[,TOOL]",
    help="Tools of agents whose calls wait for approval, `all` or `none`; default: from Stigmer.yaml or config.yaml.",
)
@click.option(
    "--on-approval",
    type=click.Choice(["ask", "deny", "wait"]),
    help="What becomes of such a call: ask here, deny it, or wait for the command approve."
    "  [default: ask, without a terminal deny]",
)
def run(
    reference: str | None,
    message: str,
    runtime_env: tuple[str, ...],
    limits: tuple[str, ...],
    follow: bool,
    manifests: str,
    resume: str,
    session: str,
    interactive: bool,
    every: bool,
    detach: bool,
    watch: bool,
    org: str,
    output: str,
    approve: str,
    on_approval: str | None,
) -> int:
    """Deploy the latest code, run it, and show what happens.

    In a project its code is applied first; with --file the manifests are. Outside, NAME-OR-ID is what runs.
    """
    if watch and manifests:
        raise click.UsageError("--watch works in a project: make one whose runtime is yaml, or leave --file out")
    if watch and not follow:
        raise click.UsageError("--watch follows each run: leave --no-follow out")
    if interactive and (resume or session or watch or every or not follow):
        raise click.UsageError("--interactive is a new conversation: only NAME-OR-ID, --file and --message go with it")
    if session and (resume or not message):
        raise click.UsageError("--session needs the --message that continues it, and no --resume")
    resume = resume or session
    if resume and (reference or watch or manifests or every):
        raise click.UsageError("--resume and --session say what runs: leave NAME-OR-ID, --watch, --file and --all out")
    if every and (reference or watch or not follow):
        raise click.UsageError("--all runs everything once, to its end: leave NAME-OR-ID, --watch and --no-follow out")
    from stigmer_tui.cli.run import RunOptions, run_headless

    options = RunOptions(
        reference=reference or "",
        message=message,
        runtime_env=runtime_env,
        follow=follow,
        detach=detach,
        watch=watch,
        organization=org,
        as_json=output == "json",
        manifests=manifests,
        limits=limits,
        approve=approve,
        on_approval=on_approval or "",
        resume=resume,
        interactive=interactive,
    )
    if every:
        from stigmer_tui.cli.run_all import run_all_headless

        return run_all_headless(options)
    return run_headless(options)


@program.command()
@click.option("-f", "--file", "manifests", default="", type=PATH, metavar="PATH", help=FILE_HELP)
@click.option("--dry-run", is_flag=True, help="Show what would be done without doing it.")
@click.option("--prune", is_flag=True, help="Delete what this project deployed and no longer defines; asks.")
@click.option("-y", "--yes", is_flag=True, help="With --prune: do not ask.")
@click.option("--org", default="", metavar="NAME", help="The organization; default: from Stigmer.yaml or config.yaml.")
def apply(manifests: str, dry_run: bool, prune: bool, yes: bool, org: str) -> int:
    """Deploy the project's code, or with --file the manifests that it names."""
    from stigmer_tui.cli.deploy import apply_headless

    return apply_headless(dry_run, org, manifests, prune, yes)


@program.command()
@click.argument("name", required=False, default="", metavar="[NAME]", shell_complete=complete_name)
@click.option("-f", "--file", "manifests", default="", type=PATH, metavar="PATH", help=FILE_HELP)
@click.option("--org", default="", metavar="NAME", help="The organization; default: from Stigmer.yaml or config.yaml.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="For people, or for programs.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 where something differs.")
def diff(name: str, manifests: str, org: str, output: str, exit_code: bool) -> int:
    """Show how the project's code differs from what is deployed, of all or of NAME."""
    from stigmer_tui.cli.deploy import diff_headless

    return diff_headless(name, org, manifests, output == "json", exit_code)


@program.command()
@click.argument("name")
def new(name: str) -> int:
    """Make a project that runs, in a new folder NAME."""
    from stigmer_tui.cli.new import make_project

    return make_project(name)


@program.command()
def schema() -> int:
    """Print the JSON schema of Stigmer.yaml, by which editors complete and check it."""
    from stigmer_tui.project.project_schema import schema_text

    click.echo(schema_text(), nl=False)
    return 0


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


ADDRESS_HELP = "host:port to listen at, or a port; 0 is any free one."


def _remote_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where other machines reach the daemon."""
    options = (
        click.option("--listen", default="", metavar="HOST:PORT", help="Also listen there, by TLS, for others."),
        click.option("--tls-cert", default="", metavar="FILE", help="The certificate for it, as PEM."),
        click.option("--tls-key", default="", metavar="FILE", help="The key of that certificate."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@server.command()
@click.option("--address", default="", metavar="HOST:PORT", help=ADDRESS_HELP)
@click.option("--no-auth", is_flag=True, help="Accept clients without a token, such as the existing stigmer CLI.")
@_remote_options
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
@_remote_options
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


@server.command()
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


@program.command()
@click.option("--fix", is_flag=True, help="Mend what can be mended safely.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="For people, or for programs.")
def doctor(fix: bool, output: str) -> int:
    """Check everything that a run needs; exit code 1 when something does not work."""
    from stigmer_tui.cli.doctor import examine

    return examine(fix, output == "json")


@program.group()
def config() -> None:
    """Settings: their values, where each comes from, and edits of config.yaml."""


@config.command("list")
@click.option("--origin", is_flag=True, help="Also show where each value comes from.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="For people, or for programs.")
def list_config(origin: bool, output: str) -> int:
    """List all settings; defaults stand in parentheses."""
    from stigmer_tui.cli.config import list_settings

    return list_settings(origin, output == "json")


@config.command()
@click.argument("name", metavar="KEY")
def get(name: str) -> int:
    """Print the value of a setting, by its key or variable; an empty line for the default."""
    from stigmer_tui.cli.config import get_setting

    return get_setting(name)


@config.command("set")
@click.argument("name", metavar="KEY")
@click.argument("value")
def set_config(name: str, value: str) -> int:
    """Set a value in config.yaml; comments and all other keys stay."""
    from stigmer_tui.cli.config import set_setting

    return set_setting(name, value)


@config.command()
@click.argument("name", metavar="KEY")
def unset(name: str) -> int:
    """Remove a value from config.yaml, so that the default applies."""
    from stigmer_tui.cli.config import set_setting

    return set_setting(name, None)


@program.group()
def context() -> None:
    """The backends to work with, by name; `local` is the daemon on this machine."""


@context.command("list")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="For people, or for programs.")
def list_contexts(output: str) -> int:
    """List them; a star marks the one that is used here."""
    from stigmer_tui.cli.context import list_contexts

    return list_contexts(output == "json")


@context.command()
@click.argument("name", required=False, default="")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="For people, or for programs.")
def show(name: str, output: str) -> int:
    """Show one of them, by default the one that is used here; never its token."""
    from stigmer_tui.cli.context import show_context

    return show_context(name, output == "json")


@context.command()
@click.argument("name")
def use(name: str) -> int:
    """Use a context from now on, where the environment names no other."""
    from stigmer_tui.cli.context import use_context

    return use_context(name)


@context.command("set")
@click.argument("name")
@click.option("--server", default="", metavar="HOST:PORT", help="A server that runs already; https://HOST:PORT is TLS.")
@click.option("--tls", is_flag=True, help="Reach it by TLS.")
@click.option("--ca", default="", metavar="FILE", help="Certificates to trust instead of the system's, as PEM.")
@click.option("--token", is_flag=True, help="Ask for its token, or read standard input; the keyring keeps it.")
@click.option(
    "--token-variable", default="", metavar="NAME", help="The variable with its token, in place of the keyring."
)
@click.option("--org", default="", metavar="NAME", help="The organization there.")
@click.option("--home", default="", metavar="FOLDER", help="Another daemon on this machine, with this home folder.")
def set_context(
    name: str, server: str, tls: bool, ca: str, token: bool, token_variable: str, org: str, home: str
) -> int:
    """Make a context, or change what is given of one."""
    from stigmer_tui.cli.context import set_context

    return set_context(
        name,
        server=server,
        tls=tls,
        ca=ca,
        asks_for_token=token,
        token_variable=token_variable,
        organization=org,
        home=home,
    )


@context.command("delete")
@click.argument("name")
def delete_context(name: str) -> int:
    """Delete a context and its stored token; nothing is done to its server."""
    from stigmer_tui.cli.context import delete_context

    return delete_context(name)


ENV_HELP = "A variable, as for a run; secret:KEY=VALUE is never shown. May be repeated."
ORG_HELP = "The organization; default: from Stigmer.yaml or config.yaml."


@program.group()
def mcp() -> None:
    """The MCP servers of agents, tried without a model."""


@mcp.command()
@click.argument("agent", required=False, metavar="[AGENT]")
@click.option("-e", "--runtime-env", "runtime_env", multiple=True, metavar="KEY=VALUE", help=ENV_HELP)
@click.option("--org", default="", metavar="NAME", help=ORG_HELP)
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="For people, or for programs.")
def check(agent: str | None, runtime_env: tuple[str, ...], org: str, output: str) -> int:
    """Start the MCP servers of an agent, and print their tools or what is wrong.

    In a project without AGENT, those of all its agents. Exit code 1 when one does not come up.
    """
    from stigmer_tui.cli.mcp import check_servers

    return check_servers(agent or "", runtime_env, org, output == "json")


@mcp.command()
@click.argument("server")
@click.argument("tool")
@click.option("--args", "arguments", default="{}", metavar="JSON", help="The arguments, as a JSON object.")
@click.option("--agent", default="", metavar="NAME", help="Whose server it is, where several agents have one.")
@click.option("-e", "--runtime-env", "runtime_env", multiple=True, metavar="KEY=VALUE", help=ENV_HELP)
@click.option("--org", default="", metavar="NAME", help=ORG_HELP)
def call(server: str, tool: str, arguments: str, agent: str, runtime_env: tuple[str, ...], org: str) -> int:
    """Call one tool of an MCP server, without a model, and print its result."""
    from stigmer_tui.cli.mcp import call_tool

    return call_tool(server, tool, arguments, agent, runtime_env, org)


@program.command(SERVER.command, hidden=True)
@click.option("--address", default="")
@click.option("--prefer", default="")
@click.option("--no-auth", is_flag=True)
@_remote_options
def internal_server(address: str, prefer: str, no_auth: bool, listen: str, tls_cert: str, tls_key: str) -> None:
    from stigmer_tui.cli.internal import run_server, server_addresses
    from stigmer_tui.cli.server import remote_of

    run_server(server_addresses(address, prefer), not no_auth, remote_of(listen, tls_cert, tls_key))


def run_daemon_runner(process: DaemonProcess) -> None:
    from stigmer_tui.runners.process import run_runner

    run_runner(process)


for runner in RUNNERS:
    program.add_command(click.Command(runner.command, callback=partial(run_daemon_runner, runner), hidden=True))
