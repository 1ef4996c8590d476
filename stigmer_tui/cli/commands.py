"""The program, and the commands on a project. Each imports its implementation when it is called."""

from __future__ import annotations

import os
from collections.abc import Callable
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from stigmer_tui import __version__
from stigmer_tui.cli.help import CommandGroup, SectionedGroup, examples
from stigmer_tui.core import settings
from stigmer_tui.core.daemon_processes import RUNNERS, SERVER, DaemonProcess

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

ORG_HELP = "The organization; default: from Stigmer.yaml or config.yaml."
FORMATS = ("table", "json", "yaml", "name")
"""How what is deployed can be printed."""


class Program(SectionedGroup):
    """Loads the commands of the other files only when one is wanted, or all are listed."""

    group_class = CommandGroup

    def load_all(self) -> None:
        import stigmer_tui.cli.door_commands
        import stigmer_tui.cli.model_commands
        import stigmer_tui.cli.resource_commands
        import stigmer_tui.cli.server_commands
        import stigmer_tui.cli.session_commands
        import stigmer_tui.cli.settings_commands
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

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What is no command may be a folder or a file to open."""
        from click.shell_completion import CompletionItem

        return super().shell_complete(ctx, incomplete) or [CompletionItem(incomplete, type="file")]


def _choose_context(ctx: click.Context, param: click.Parameter, name: str) -> None:
    if name:
        settings.choose_context(os.environ, name)


def completes(values: str) -> Complete:
    """What completes an argument in a shell: a function of `completed_values`, which is loaded when tab is pressed."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from stigmer_tui.cli import completed_values

        found = getattr(completed_values, values)(ctx)
        return [
            CompletionItem(value, help=" ".join(about.split()) or None)
            for value, about in found
            if value.startswith(incomplete)
        ]

    return complete


CONTEXT = click.Option(
    ["--context"],
    metavar="NAME",
    default="",
    callback=_choose_context,
    expose_value=False,
    is_eager=True,
    shell_complete=completes("contexts"),
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
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=[CONTEXT],
)
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
def program() -> None:
    """The workbench for people who develop AI agents and workflows.

    Without a command the app opens: on this folder, or on PATH, which is a project or a YAML file of manifests
    (-f PATH for a folder of them).

    \b
    Begin with a project that runs as it is:
      stigmer-tui new shop
      stigmer-tui shop
    """
    from stigmer_tui.core.paths import Home
    from stigmer_tui.core.problem_log import log_problems_to_file

    log_problems_to_file(Home.from_environment(os.environ).log("commands"), "commands")


PATH = click.Path(allow_dash=True)
MESSAGE_HELP = "What to say to the agent, or the input of the workflow: JSON, where it declares its fields."
SESSION_HELP = "Continue this session's conversation, with --message."
RESUME_HELP = "Attach to an execution, or show one that has ended; with --message, continue an agent's conversation."
FILE_HELP = "Manifests instead of the project's code: a YAML file, a folder of them, or - for standard input."


org_option = click.option("--org", default="", metavar="NAME", shell_complete=completes("organizations"), help=ORG_HELP)


@program.command(
    epilog=examples(
        "run  # what the project defines",
        'run helper --message "Hello"',
        'run orders --message \'{"item": "tea"}\' --runtime-env secret:TOKEN=…',
        "run orders --runtime-env REGION=eu --runtime-env secret:TOKEN=…",
        "run --all --output json  # everything at the same time, for programs",
        "run --file manifests/ helper  # YAML instead of a project",
        'run --resume ID --message "And then?"  # goes on with a conversation',
    )
)
@click.argument("reference", required=False, metavar="[NAME-OR-ID]", shell_complete=completes("runnable"))
@click.option("-m", "--message", default="", help=MESSAGE_HELP)
@click.option(
    "-e",
    "--runtime-env",
    "runtime_env",
    multiple=True,
    metavar="KEY=VALUE",
    help="A variable of this run; secret:KEY=VALUE is never shown or stored in clear. May be repeated.",
)
@click.option("--remember", is_flag=True, help="Keep the secrets of --runtime-env in the keyring, for this folder.")
@click.option(
    "--attach",
    multiple=True,
    type=PATH,
    metavar="FILE",
    help="An image, a PDF or a text file for the agent, with the message. May be repeated.",
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
@click.option("--resume", default="", metavar="ID", shell_complete=completes("executions"), help=RESUME_HELP)
@click.option(
    "--session",
    default="",
    metavar="ID",
    shell_complete=completes("sessions"),
    help="Continue this session's conversation, with --message.",
)
@click.option("-i", "--interactive", is_flag=True, help="Talk with an agent line by line, until Ctrl+D.")
@click.option("--all", "every", is_flag=True, help="Run all that the project defines at the same time.")
@click.option("--detach", is_flag=True, help="Ctrl+C stops following; the run continues.")
@click.option("-w", "--watch", is_flag=True, help="Deploy each save and run again, until Ctrl+C.")
@org_option
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
    remember: bool,
    attach: tuple[str, ...],
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

    In a project its code is deployed first, and NAME-OR-ID may be left out where it defines one thing; with --file the
    manifests are deployed. Elsewhere NAME-OR-ID is an agent or a workflow that is deployed already.
    """
    if watch and manifests:
        raise click.UsageError("--watch works in a project: make one whose runtime is yaml, or leave --file out")
    if watch and not follow:
        raise click.UsageError("--watch follows each run: leave --no-follow out")
    from stigmer_tui.core.run_variable import SECRET_PREFIX

    if remember and not any(each.startswith(SECRET_PREFIX) for each in runtime_env):
        raise click.UsageError("--remember keeps what is given by --runtime-env secret:KEY=VALUE")
    if interactive and (resume or session or watch or every or not follow):
        raise click.UsageError("--interactive is a new conversation: only NAME-OR-ID, --file and --message go with it")
    if session and (resume or not message):
        raise click.UsageError("--session needs the --message that continues it, and no --resume")
    if attach and every:
        raise click.UsageError("--attach is for one agent: leave --all out")
    if attach and resume and not message:
        raise click.UsageError("--attach needs the --message that the files belong to")
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
        remember=remember,
        follow=follow,
        detach=detach,
        watch=watch,
        organization=org,
        as_json=output == "json",
        manifests=manifests,
        attach=attach,
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


@program.command(
    epilog=examples(
        "apply --dry-run  # what would be done",
        "apply --prune  # also deletes what is no longer defined",
        "apply --file agent.yaml --output name",
    )
)
@click.option("-f", "--file", "manifests", default="", type=PATH, metavar="PATH", help=FILE_HELP)
@click.option("--dry-run", is_flag=True, help="Show what would be done without doing it.")
@click.option("--prune", is_flag=True, help="Delete what this project deployed and no longer defines; asks.")
@click.option("-y", "--yes", is_flag=True, help="With --prune: do not ask.")
@org_option
@click.option("-o", "--output", type=click.Choice(FORMATS), default=FORMATS[0], help="How it is printed.")
def apply(manifests: str, dry_run: bool, prune: bool, yes: bool, org: str, output: str) -> int:
    """Deploy the project's code, or with --file the manifests that it names."""
    from stigmer_tui.cli.deploy import apply_headless

    return apply_headless(dry_run, org, manifests, prune, yes, output)


@program.command(epilog=examples("diff", "diff orders", "diff --exit-code  # in CI"))
@click.argument("name", required=False, default="", metavar="[NAME]", shell_complete=completes("runnable"))
@click.option("-f", "--file", "manifests", default="", type=PATH, metavar="PATH", help=FILE_HELP)
@org_option
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="For people, or for programs.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 where something differs.")
def diff(name: str, manifests: str, org: str, output: str, exit_code: bool) -> int:
    """Show how the project's code differs from what is deployed, of all or of NAME."""
    from stigmer_tui.cli.deploy import diff_headless

    return diff_headless(name, org, manifests, output == "json", exit_code)


TEMPLATE_HELP = (
    "What it begins as: agent, workflow, agent-workflow, mcp, yaml, go or node. Default: you are asked; without a"
    " terminal it is agent-workflow."
)


@program.command(epilog=examples("new shop", "new shop --template agent"))
@click.argument("name")
@click.option("--template", default="", metavar="NAME", shell_complete=completes("templates"), help=TEMPLATE_HELP)
def new(name: str, template: str) -> int:
    """Make a project that runs at once, offline, in a new folder NAME; open it with `stigmer-tui NAME`."""
    from stigmer_tui.cli.new import make_project

    return make_project(name, template)


@program.command()
def schema() -> int:
    """Print the JSON schema of Stigmer.yaml, by which editors complete and check it."""
    from stigmer_tui.project.project_schema import schema_text

    click.echo(schema_text(), nl=False)
    return 0


@program.command()
@click.option("--fix", is_flag=True, help="Mend what can be mended safely.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="For people, or for programs.")
def doctor(fix: bool, output: str) -> int:
    """Check everything that a run needs; exit code 1 when something does not work."""
    from stigmer_tui.cli.doctor import examine

    return examine(fix, output == "json")


AGENT_HELP = "Whose server it is, where several agents have one."
ENV_HELP = "A variable, as for a run; secret:KEY=VALUE is never shown. May be repeated."


@program.group()
def mcp() -> None:
    """The MCP servers of agents, tried without a model; and the workbench as an MCP server."""


@mcp.command()
@click.argument("agent", required=False, metavar="[AGENT]", shell_complete=completes("agents"))
@click.option("-e", "--runtime-env", "runtime_env", multiple=True, metavar="KEY=VALUE", help=ENV_HELP)
@org_option
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="For people, or for programs.")
def check(agent: str | None, runtime_env: tuple[str, ...], org: str, output: str) -> int:
    """Start the MCP servers of an agent, and print their tools or what is wrong.

    In a project without AGENT, those of all its agents. Exit code 1 when one does not come up.
    """
    from stigmer_tui.cli.mcp import check_servers

    return check_servers(agent or "", runtime_env, org, output == "json")


@mcp.command(epilog=examples('mcp call stock grams --args \'{"tea": "Assam"}\''))
@click.argument("server")
@click.argument("tool")
@click.option("--args", "arguments", default="{}", metavar="JSON", help="The arguments, as a JSON object.")
@click.option(
    "--agent",
    default="",
    metavar="NAME",
    shell_complete=completes("agents"),
    help="Whose server it is, where several agents have one.",
)
@click.option("-e", "--runtime-env", "runtime_env", multiple=True, metavar="KEY=VALUE", help=ENV_HELP)
@org_option
def call(server: str, tool: str, arguments: str, agent: str, runtime_env: tuple[str, ...], org: str) -> int:
    """Call one tool of an MCP server, without a model, and print its result."""
    from stigmer_tui.cli.mcp import call_tool

    return call_tool(server, tool, arguments, agent, runtime_env, org)


@mcp.command("serve")
@org_option
def serve_mcp(org: str) -> int:
    """Offer the workbench to a coding agent, by MCP over standard input and output.

    It can list and run agents and workflows, read what happened, see requests of models and the log, deploy and test.
    """
    from stigmer_tui.cli.stdio_doors import serve_mcp as serve

    return serve(org)


def remote_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where other machines reach the daemon."""
    options = (
        click.option("--listen", default="", metavar="HOST:PORT", help="Also listen there, by TLS, for others."),
        click.option("--tls-cert", default="", metavar="FILE", help="The certificate for it, as PEM."),
        click.option("--tls-key", default="", metavar="FILE", help="The key of that certificate."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@program.command(SERVER.command, hidden=True)
@click.option("--address", default="")
@click.option("--prefer", default="")
@click.option("--no-auth", is_flag=True)
@remote_options
def internal_server(address: str, prefer: str, no_auth: bool, listen: str, tls_cert: str, tls_key: str) -> None:
    from stigmer_tui.cli.internal import run_server, server_addresses
    from stigmer_tui.cli.server import remote_of

    run_server(server_addresses(address, prefer), not no_auth, remote_of(listen, tls_cert, tls_key))


def run_daemon_runner(process: DaemonProcess) -> None:
    from stigmer_tui.runners.process import run_runner

    run_runner(process)


for runner in RUNNERS:
    program.add_command(click.Command(runner.command, callback=partial(run_daemon_runner, runner), hidden=True))
