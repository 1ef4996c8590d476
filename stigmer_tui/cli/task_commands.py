"""The commands about tasks for external agents; loaded when one of them is called."""

from __future__ import annotations

import click

from stigmer_tui.cli.commands import FORMATS, completes, program
from stigmer_tui.cli.help import examples
from stigmer_tui.cli.resource_commands import output_option, yes_option

complete_task = completes("tasks")
complete_agent = completes("coding_agents")

LOGS_HELP = "The folder of the records; default: logs below the home of stigmer-tui."


class Seconds(click.ParamType[float]):
    """A length of time."""

    name = "TIME"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from stigmer_tui.agent_clis.tasks import seconds_of

        seconds = seconds_of(str(value))
        if seconds is None:
            self.fail(f"{value!r} is no time such as 90s, 10m or 1h")
        return seconds


logs_option = click.option("--logs", default="", type=click.Path(), metavar="FOLDER", help=LOGS_HELP)


@program.group()
def task() -> None:
    """Coding agents of others, such as claude, codex and gemini, run on tasks."""


@program.group("agent-runner")
def agent_runner() -> None:
    """Run an agent on a task: the same as `task run`."""


@task.command(
    epilog=examples(
        "task run --agent claude --task debug_hello_simple",
        "task run --agent claude --agent codex --task NAME  # side by side, each in a worktree",
    )
)
@click.option(
    *("-a", "--agent", "agents"),
    multiple=True,
    shell_complete=complete_agent,
    metavar="NAME",
    help="The agent, or auto. May be repeated: several work side by side, each in a worktree.",
)
@click.option("-t", "--task", "name", required=True, shell_complete=complete_task, metavar="NAME", help="The task.")
@click.option("-m", "--model", default="", metavar="NAME", help="The model; default: the agent's.")
@click.option("--timeout", type=Seconds(), metavar="TIME", help="The limit, such as 90s or 10m; default: 15m.")
@click.option("--worktree", is_flag=True, help="Work in a git worktree, on a branch that is kept if it has commits.")
@click.option("--notify/--no-notify", default=True, help="Send a notification, where a topic is set.")
@click.option("--dry-run", is_flag=True, help="Check everything and print the command, without running it.")
@click.option("--debug", is_flag=True, help="Keep the whole prompt with the records.")
@logs_option
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="For people, or for programs.")
def run(
    agents: tuple[str, ...],
    name: str,
    model: str,
    timeout: float | None,
    worktree: bool,
    notify: bool,
    dry_run: bool,
    debug: bool,
    logs: str,
    output: str,
) -> int:
    """Run agents on a task, in this folder.

    Exit code: 0 done, 1 the agent failed or did not commit, 2 unexpected error, 10 usage limit, 11 timeout, 12 no
    connection, 13 no agent.
    """
    from stigmer_tui.cli.task_run import TaskRun, run_task

    return run_task(TaskRun(agents, name, model, timeout, worktree, notify, dry_run, debug, logs, output == "json"))


agent_runner.add_command(run)


@task.command("list")
@output_option(*FORMATS)
def list_tasks(output: str) -> int:
    """List the tasks: those of stigmer-tui, and those in the folder tasks."""
    from stigmer_tui.cli.task_lists import print_tasks

    return print_tasks(output)


@task.command("agents")
@output_option(*FORMATS)
def list_agents(output: str) -> int:
    """List the agents, with the program of each, or how it is installed."""
    from stigmer_tui.cli.task_lists import print_agents

    return print_agents(output)


@task.command()
@click.option("-a", "--agent", default="", shell_complete=complete_agent, metavar="NAME", help="Only its runs.")
@click.option("-t", "--task", "name", default="", shell_complete=complete_task, metavar="NAME", help="Only its runs.")
@click.option(
    *("-n", "--number"),
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    metavar="N",
    help="At most so many.",
)
@logs_option
@output_option(*FORMATS)
def history(agent: str, name: str, number: int, logs: str, output: str) -> int:
    """List the newest runs of tasks."""
    from stigmer_tui.cli.task_lists import print_history

    return print_history(name, agent, number, logs, output)


@task.command()
@logs_option
def triage(logs: str) -> int:
    """Show what is to be looked at: runs that died, then those that failed, with what tells why."""
    from stigmer_tui.cli.task_lists import print_triage

    return print_triage(logs)


@task.command()
@logs_option
def heartbeat(logs: str) -> int:
    """Note that scheduled tasks still run, as a line in the log."""
    from stigmer_tui.cli.task_lists import beat

    return beat(logs)


@task.command()
@click.option("-a", "--agent", required=True, shell_complete=complete_agent, metavar="NAME", help="The agent, or auto.")
@click.option("-t", "--task", "name", required=True, shell_complete=complete_task, metavar="NAME", help="The task.")
@click.option("--at", "when", default="daily", show_default=True, help="hourly, daily, weekly, or five fields of cron.")
@click.option(
    *("--as", "kind"),
    type=click.Choice(["crontab", "systemd"]),
    default="crontab",
    show_default=True,
    help="What starts it at those times.",
)
@click.option("--install", is_flag=True, help="Install it, in place of an earlier one of the same task and agent.")
@yes_option
def schedule(agent: str, name: str, when: str, kind: str, install: bool, yes: bool) -> int:
    """Print, or install, what runs a task at set times: a line of the crontab, or a timer of systemd."""
    from stigmer_tui.cli.task_schedule import schedule_task

    return schedule_task(name, agent, when, kind, install, yes)
