"""The commands about settings and contexts; loaded when one of them is called."""

from __future__ import annotations

import click

from stigmer_tui.cli.commands import completes, program
from stigmer_tui.cli.help import examples


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
@click.argument("name", metavar="KEY", shell_complete=completes("configured"))
def get(name: str) -> int:
    """Print the value of a setting, by its key or variable; an empty line for the default."""
    from stigmer_tui.cli.config import get_setting

    return get_setting(name)


@config.command()
def path() -> int:
    """Print where config.yaml is."""
    from stigmer_tui.cli.config import print_path

    return print_path()


@config.command("set", epilog=examples("config set server.address 127.0.0.1:7300"))
@click.argument("name", metavar="KEY", shell_complete=completes("configured"))
@click.argument("value")
def set_config(name: str, value: str) -> int:
    """Set a value in config.yaml; comments and all other keys stay."""
    from stigmer_tui.cli.config import set_setting

    return set_setting(name, value)


@config.command()
@click.argument("name", metavar="KEY", shell_complete=completes("configured"))
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
@click.argument("name", required=False, default="", shell_complete=completes("contexts"))
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="For people, or for programs.")
def show(name: str, output: str) -> int:
    """Show one of them, by default the one that is used here; never its token."""
    from stigmer_tui.cli.context import show_context

    return show_context(name, output == "json")


@context.command()
@click.argument("name", shell_complete=completes("contexts"))
def use(name: str) -> int:
    """Use a context from now on, where the environment names no other."""
    from stigmer_tui.cli.context import use_context

    return use_context(name)


@context.command("set", epilog=examples("context set work --server https://stigmer.example:443 --token"))
@click.argument("name", shell_complete=completes("contexts"))
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
@click.argument("name", shell_complete=completes("contexts"))
def delete_context(name: str) -> int:
    """Delete a context and its stored token; nothing is done to its server."""
    from stigmer_tui.cli.context import delete_context

    return delete_context(name)
