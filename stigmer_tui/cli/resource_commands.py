"""The commands about what is deployed, and about executions; loaded when one of them is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from stigmer_tui.cli.commands import FORMATS, completes, org_option, program
from stigmer_tui.cli.help import examples

SEARCH_HELP = "Only those with this text, or these fields: state:failed name:helper since:2h."

KINDS = ("agent", "workflow", "environment", "skill", "agent-instance", "workflow-instance", "execution", "session")
NOT_EDITED = ("execution", "session")
NEWEST = 50
"""Executions or sessions that are listed where nobody says how many."""
ALIASES = {"agentexecution": "execution", "workflowexecution": "execution"}
"""As manifests write them."""


class KindName(click.ParamType[str]):
    """A kind of resource, in the singular or the plural, or as manifests write it."""

    name = "KIND"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        plain = value.lower().replace("-", "").replace("_", "")
        plain = ALIASES.get(plain.removesuffix("s"), plain)
        found = next((kind for kind in KINDS if plain.removesuffix("s") == kind.replace("-", "")), None)
        if found is None:
            self.fail(f"there is no kind {value!r}; there are {', '.join(KINDS)}")
        return found

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(kind) for kind in KINDS if kind.startswith(incomplete)]


Command = TypeVar("Command", bound=Callable[..., Any])


def output_option(*formats: str) -> Callable[[Command], Command]:
    help_text = "How it is printed."
    return click.option("-o", "--output", type=click.Choice(formats), default=formats[0], help=help_text)


kind_argument = click.argument("kind", type=KindName())
name_argument = click.argument("name", metavar="NAME-OR-ID", shell_complete=completes("of_kind"))
execution_argument = click.argument("execution_id", metavar="ID", shell_complete=completes("executions"))
number_option = click.option(
    *("-n", "--number"),
    type=click.IntRange(1, 1000),
    default=NEWEST,
    show_default=True,
    metavar="N",
    help="At most so many.",
)
yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


@program.command("list", epilog=examples("list", "list agents --output name", "list executions"))
@click.argument("kind", type=KindName(), required=False, metavar="[KIND]")
@org_option
@output_option(*FORMATS)
def list_command(kind: str | None, org: str, output: str) -> int:
    """List what is deployed: agents, workflows, environments, skills and instances, or one KIND of them.

    KIND is agent, workflow, environment, skill, agent-instance, workflow-instance, execution or session. Of executions
    and sessions the newest 50 are listed, as by `execution list` and `sessions list`.
    """
    match kind:
        case "execution":
            from stigmer_tui.cli.executions import list_newest

            return list_newest(NEWEST, org, output)
        case "session":
            from stigmer_tui.cli.sessions import list_newest as list_sessions

            return list_sessions(NEWEST, org, output)
    from stigmer_tui.cli.resources import list_deployed

    return list_deployed(kind, org, output)


@program.command(epilog=examples("get agent helper", "get workflow orders --output yaml > orders.yaml"))
@kind_argument
@name_argument
@org_option
@output_option(*FORMATS)
def get(kind: str, name: str, org: str, output: str) -> int:
    """Print one resource; as yaml it is a manifest that `apply -f` takes.

    KIND is agent, workflow, environment, skill, agent-instance, workflow-instance, execution or session.
    """
    match kind:
        case "execution":
            from stigmer_tui.cli.executions import get_execution

            return get_execution(name, org, output)
        case "session":
            from stigmer_tui.cli.sessions import get_session

            return get_session(name, org, output)
    from stigmer_tui.cli.resources import get_deployed

    return get_deployed(kind, name, org, output)


@program.command(epilog=examples("describe workflow orders", "describe execution ID"))
@kind_argument
@name_argument
@org_option
@output_option(*FORMATS)
def describe(kind: str, name: str, org: str, output: str) -> int:
    """Show what a resource is, what it refers to, and what depends on it; of a run or a session all that happened.

    KIND is agent, workflow, environment, skill, agent-instance, workflow-instance, execution or session.
    """
    match kind:
        case "execution":
            from stigmer_tui.cli.executions import show_execution

            return show_execution(name, org, "text" if output == "table" else output)
        case "session":
            from stigmer_tui.cli.sessions import get_session, show_session

            return show_session(name, org, as_json=False) if output == "table" else get_session(name, org, output)
    from stigmer_tui.cli.resources import describe_deployed

    return describe_deployed(kind, name, org, output)


@program.command(epilog=examples("delete agent helper", "delete environment test --yes"))
@kind_argument
@name_argument
@org_option
@yes_option
@output_option(*FORMATS)
def delete(kind: str, name: str, org: str, yes: bool, output: str) -> int:
    """Delete a resource; says what depends on it, and asks.

    KIND is agent, workflow, environment, skill, agent-instance, workflow-instance, execution or session.
    """
    match kind:
        case "execution":
            from stigmer_tui.cli.executions import delete_execution

            return delete_execution(name, org, yes, output)
        case "session":
            from stigmer_tui.cli.sessions import delete_session

            return delete_session(name, org, yes, output)
    from stigmer_tui.cli.resources import delete_deployed

    return delete_deployed(kind, name, org, yes, output)


@program.command(epilog=examples("edit environment prod"))
@kind_argument
@name_argument
@org_option
@output_option(*FORMATS)
def edit(kind: str, name: str, org: str, output: str) -> int:
    """Change a resource in $EDITOR, as YAML; it is deployed when it is saved.

    KIND is agent, workflow, environment, skill, agent-instance or workflow-instance.
    """
    if kind in NOT_EDITED:
        raise click.UsageError(f"{kind}s are what has happened, and cannot be edited")
    from stigmer_tui.cli.edits import edit_deployed

    return edit_deployed(kind, name, org, output)


@program.group()
def environment() -> None:
    """Named sets of variables, in which instances of agents and workflows run.

    `list environments`, `describe environment NAME` and `delete environment NAME` do the rest.
    """


@environment.command(
    "set",
    epilog=examples(
        "environment set prod REGION=eu secret:TOKEN  # asks for the token",
        "environment set prod --unset REGION",
    ),
)
@click.argument("name", shell_complete=completes("environments"))
@click.argument("variables", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--unset", "removed", multiple=True, metavar="KEY", help="Remove a variable. May be repeated.")
@click.option("--description", default="", help="What the environment is for.")
@org_option
@output_option(*FORMATS)
def set_variables(
    name: str, variables: tuple[str, ...], removed: tuple[str, ...], description: str, org: str, output: str
) -> int:
    """Set variables of an environment; it is made where there is none.

    secret:KEY=VALUE is never shown or stored in clear; secret:KEY alone asks for the value.
    """
    from stigmer_tui.cli.edits import set_environment

    return set_environment(name, variables, removed, description, org, output)


@program.group()
def skill() -> None:
    """Folders with instructions and scripts that agents read and run when they need them.

    `describe skill NAME` and `delete skill NAME` do the rest.
    """


@skill.command(epilog=examples("skill push skills/tea --tag v1"))
@click.argument("folder", type=click.Path())
@click.option("--name", default="", metavar="NAME", help="Its name; default: that of the folder.")
@click.option("--tag", default="", metavar="TAG", help="A name of this version.")
@org_option
@output_option(*FORMATS)
def push(folder: str, name: str, tag: str, org: str, output: str) -> int:
    """Push a FOLDER with a SKILL.md, as a new version where its content is new."""
    from stigmer_tui.cli.skills import push_folder

    return push_folder(folder, name, tag, org, output)


@skill.command("list")
@org_option
@output_option(*FORMATS)
def list_skills(org: str, output: str) -> int:
    """List the skills: the same as `list skill`."""
    from stigmer_tui.cli.resources import list_deployed

    return list_deployed("skill", org, output)


@skill.command("get")
@click.argument("reference", metavar="NAME[@VERSION]", shell_complete=completes("skills"))
@org_option
@output_option(*FORMATS)
def get_skill(reference: str, org: str, output: str) -> int:
    """Print a skill; VERSION is a tag or a hash."""
    from stigmer_tui.cli.skills import print_skill

    return print_skill(reference, org, output)


@program.group()
def execution() -> None:
    """Runs that are under way or have ended."""


@execution.command(
    "list", epilog=examples("execution list --number 10", 'execution list --search "state:failed since:2h timeout"')
)
@number_option
@click.option("-s", "--search", default="", metavar="TEXT", help=SEARCH_HELP)
@org_option
@output_option(*FORMATS)
def list_executions(number: int, search: str, org: str, output: str) -> int:
    """List the newest runs, without those that another run has started.

    With --search those in which something has the text: what was said, what a tool or a task took and gave, or an
    error. Fields narrow it down, before or instead of a text: state:failed, name:helper (or agent:, workflow:, task:),
    since:2h.
    """
    from stigmer_tui.cli.executions import list_newest, search_executions

    return search_executions(search, number, org, output) if search.strip() else list_newest(number, org, output)


@execution.command()
@execution_argument
@org_option
@output_option("text", *FORMATS)
@click.option("--request", type=click.IntRange(1), metavar="N", help="A request to a model as it was sent, from 1.")
@click.option("--curl", is_flag=True, help="With --request: as a command, the key as a variable.")
def show(execution_id: str, org: str, output: str, request: int | None, curl: bool) -> int:
    """Print all that has happened in a run.

    With --output json the events that `run --output json` prints; with yaml the execution as it is stored; with table
    its line in `execution list`, with name its id.
    """
    if curl and not request:
        raise click.UsageError("--curl goes with --request N")
    if request:
        from stigmer_tui.cli.model_requests import show_request

        return show_request(execution_id, request, curl, org, output)
    from stigmer_tui.cli.executions import show_execution

    return show_execution(execution_id, org, output)


@execution.command()
@click.argument("first", metavar="A", shell_complete=completes("executions"))
@click.argument("second", metavar="B", shell_complete=completes("executions"))
@org_option
@output_option("text", "json")
def compare(first: str, second: str, org: str, output: str) -> int:
    """Compare two runs: state, time, tokens and cost, their steps side by side, what they answered and changed.

    A and B are ids of executions of any kind, also of different agents, workflows or tasks.
    """
    from stigmer_tui.cli.executions import compare_executions

    return compare_executions(first, second, org, output)


@execution.command()
@execution_argument
@org_option
@output_option(*FORMATS)
def cancel(execution_id: str, org: str, output: str) -> int:
    """Cancel a run, and wait until it has ended."""
    from stigmer_tui.cli.executions import cancel_execution

    return cancel_execution(execution_id, org, output)


@execution.command("delete")
@execution_argument
@org_option
@yes_option
@output_option(*FORMATS)
def delete_one(execution_id: str, org: str, yes: bool, output: str) -> int:
    """Delete a run and all that is kept of it. Asks; a run that is under way is cancelled first."""
    from stigmer_tui.cli.executions import delete_execution

    return delete_execution(execution_id, org, yes, output)


@program.command()
@click.argument("execution_id", metavar="EXECUTION", shell_complete=completes("executions"))
@click.option("--call", "call_id", default="", metavar="ID", help="The call, where several wait.")
@click.option("--args", "arguments", metavar="JSON", help="Make the call with these arguments instead of its own.")
@click.option("--deny", "reason", metavar="REASON", help="Do not make it; the agent gets the reason.")
@click.option("--all-of-run", is_flag=True, help="Later calls of the same tool in this run do not wait.")
@org_option
def approve(
    execution_id: str, call_id: str, arguments: str | None, reason: str | None, all_of_run: bool, org: str
) -> int:
    """Allow a tool call that waits for approval, or deny it.

    EXECUTION is the id of the run that waits, or of the one that has started it.
    """
    from stigmer_tui.cli.approve import allow_call, deny_call

    if reason is None:
        return allow_call(execution_id, call_id, arguments, all_of_run, org)
    if arguments is not None or all_of_run:
        raise click.UsageError("--deny stands alone: leave --args and --all-of-run out")
    return deny_call(execution_id, call_id, reason, org)


@program.command(
    epilog=examples(
        "completion bash >> ~/.bashrc",
        "completion zsh >> ~/.zshrc",
        "completion fish > ~/.config/fish/completions/stigmer-tui.fish",
    )
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print what makes a shell complete commands, options, and names and ids of what is there.

    It belongs into a file of the shell. With `eval "$(stigmer-tui completion bash)"` there, it is always the latest.
    """
    from stigmer_tui.cli.completion import print_script

    return print_script(shell)
