"""The commands about models: keys of their providers, and the providers; loaded when one of them is called."""

from __future__ import annotations

import click

from stigmer_tui.cli.commands import completes, program
from stigmer_tui.cli.help import examples


@program.group()
def secrets() -> None:
    """Keys of model providers, in the keyring of the system; and the secrets of runs that were put there."""


@secrets.command("set", epilog=examples("secrets set anthropic", "secrets set anthropic < key.txt"))
@click.argument("name", shell_complete=completes("keyed_providers"))
@click.option("--file", "into_file", is_flag=True, help="In a file that a passphrase encrypts, without a keyring.")
def set_secret(name: str, into_file: bool) -> int:
    """Store the key of a provider; NAME is the provider or the variable of its key.

    It is typed hidden, or read from the first line of standard input in a pipe; a passphrase from the second.
    """
    from stigmer_tui.cli.secrets import set_secret

    return set_secret(name, into_file)


@secrets.command("unlock")
def unlock_secrets() -> int:
    """Give the daemon the keys of the encrypted file, in memory; the passphrase is typed hidden."""
    from stigmer_tui.cli.secrets import unlock_secrets

    return unlock_secrets()


@secrets.command("list")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="For people, or for programs.")
def list_secrets(output: str) -> int:
    """List which keys there are and where they are; never their values."""
    from stigmer_tui.cli.secrets import list_secrets

    return list_secrets(output == "json")


@secrets.command("delete")
@click.argument("name", shell_complete=completes("stored_secrets"))
def delete_secret(name: str) -> int:
    """Delete the stored keys of a provider, or a secret that the keyring remembers for runs from this folder."""
    from stigmer_tui.cli.secrets import delete_secret

    return delete_secret(name)


@program.group()
def provider() -> None:
    """The providers of models: which one agents use, and whether it answers."""


@provider.command("list")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="For people, or for programs.")
def list_providers(output: str) -> int:
    """List the providers with their models and states; ● marks the one that agents use."""
    from stigmer_tui.cli.provider import list_providers

    return list_providers(output == "json")


@provider.command(
    "use",
    epilog=examples("provider use ollama --model llama3.2", "provider use openai --base-url http://127.0.0.1:8000/v1"),
)
@click.argument("name", shell_complete=completes("providers"))
@click.option("--model", default="", help="The model; default: the provider's.")
@click.option("--base-url", default="", metavar="URL", help="Where it is; default: the provider's own address.")
def use_provider(name: str, model: str, base_url: str) -> int:
    """Let agents use a provider from their next run on, without a restart.

    A model or base URL in config.yaml that belonged to another provider is removed.
    """
    from stigmer_tui.cli.provider import use_provider

    return use_provider(name, model, base_url)


@provider.command("test")
@click.argument("name", required=False, shell_complete=completes("providers"))
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="For people, or for programs.")
def test_provider(name: str | None, output: str) -> int:
    """Ask a model one short question; say what is wrong and how to mend it. Default: the provider that agents use."""
    from stigmer_tui.cli.provider import test_provider

    return test_provider(name or "", output == "json")


@provider.command("pull")
@click.argument("model")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="For people, or for programs.")
def pull_model(model: str, output: str) -> int:
    """Let Ollama get a model, with a progress bar."""
    from stigmer_tui.cli.provider import pull_model

    return pull_model(model, output == "json")
