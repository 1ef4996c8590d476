"""The commands of `secrets`: the keys of model providers that a person stores."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from getpass import getpass

import click

from stigmer_tui.cli.model_setup import ModelSetup, inform_daemon
from stigmer_tui.core import settings
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.known_secrets import remember_values, without_credentials
from stigmer_tui.core.model_providers import PROVIDERS, ModelProvider, provider_of_key
from stigmer_tui.core.stored_keys import KeyPlace, StoredKey

MAX_KEY_LENGTH = 4096
"""Characters. What is longer is a file that was sent by mistake."""

ENVIRONMENT = "environment"


def set_secret(name: str) -> int:
    provider = _keyed_provider(name)
    setup = ModelSetup.of_this_process()
    stored = StoredKey(provider.key_variable, setup.chooser().address(provider))
    key = read_secret(f"{provider.key_variable} for {_target(provider, stored.address)}")
    try:
        setup.keys.store(stored, key)
    except StigmerError as error:
        return _keep_in_memory(setup, provider, stored, key, error)
    # A key that it was given before would win over the stored one.
    inform_daemon(setup.home, {}, [stored.variable])
    click.echo(f"✓ {stored.variable} for {_target(provider, stored.address)} is in the {stored.place}")
    if setup.environment.get(stored.variable):
        click.echo(f"  Here {stored.variable} in the environment wins over it")
    return 0


def list_secrets(as_json: bool) -> int:
    """Names and places, never values."""
    setup = ModelSetup.of_this_process()
    stored = setup.keys.list()
    from_environment = [
        provider.key_variable
        for provider in PROVIDERS
        if provider.key_variable and setup.environment.get(provider.key_variable, "").strip()
    ]
    if as_json:
        for name in from_environment:
            click.echo(json.dumps({"variable": name, "address": "", "place": ENVIRONMENT}))
        for one in stored:
            click.echo(json.dumps({**asdict(one), "address": without_credentials(one.address)}))
        return 0
    rows = [(name, ENVIRONMENT, "") for name in from_environment]
    rows += [(one.variable, one.place, _for(one)) for one in stored]
    if not rows:
        click.echo("No keys are stored. Store one: stigmer-tui secrets set anthropic")
    for variable, place, address in rows:
        click.echo(f"{variable:<20}  {place:<11}  {address}".rstrip())
    return 0


def delete_secret(name: str) -> int:
    provider = _keyed_provider(name)
    setup = ModelSetup.of_this_process()
    deleted = setup.keys.delete(provider.key_variable)
    is_informed = inform_daemon(setup.home, {}, [provider.key_variable])
    if deleted:
        places = " and the ".join(dict.fromkeys(one.place for one in deleted))
        click.echo(f"✓ {provider.key_variable} is deleted from the {places}")
    else:
        click.echo(f"{provider.key_variable} is not stored")
    if is_informed:
        click.echo("  The daemon has forgotten the one that it was given; one in its own environment stays")
    return 0


def read_secret(prompt: str) -> str:
    """From the terminal, hidden, or all of standard input in a pipe. Raises StigmerError for what cannot be a key."""
    if sys.stdin.isatty():
        try:
            text = getpass(f"{prompt} (hidden): ")
        except EOFError as error:
            raise click.Abort from error
    else:
        text = sys.stdin.read(MAX_KEY_LENGTH + 2)
    text = text.strip()
    remember_values([text] if text else [])
    if not text:
        raise StigmerError("The key is empty, so nothing was stored", "Type it, or pipe it in on standard input.")
    if len(text) > MAX_KEY_LENGTH or not text.isprintable() or " " in text or not text.isascii():
        raise StigmerError("This is not a key: a key is one line of ASCII signs without spaces")
    return text


def _keep_in_memory(
    setup: ModelSetup, provider: ModelProvider, stored: StoredKey, key: str, problem: StigmerError
) -> int:
    """Where no keyring works, a daemon that runs can still have the key. Raises StigmerError where none runs."""
    variables = {stored.variable: key, provider.base_url_variable: stored.address}
    if not inform_daemon(setup.home, variables, [stored.variable]):
        raise StigmerError(
            f"{problem.message}, so {stored.variable} was not stored",
            f"{problem.advice}\nThe daemon can have it in memory until it stops: start it with"
            f" stigmer-tui server start, then try again. Or set {stored.variable} in the environment.",
        )
    click.echo(f"! {problem.message}")
    click.echo(f"  {stored.variable} is in the memory of the daemon only, and is gone when it stops")
    return 0


def _keyed_provider(name: str) -> ModelProvider:
    if provider := provider_of_key(name):
        return provider
    known = ", ".join(provider.key_variable for provider in PROVIDERS if provider.key_variable)
    if name == settings.API_KEY.variable:
        message = f"{name} is read from the environment only: it is for whichever provider is configured"
        raise StigmerError(message, f"Store the key of a provider by its own name: {known}")
    raise StigmerError(f"No provider of models has a key {name}", f"Keys that can be stored: {known}")


def _target(provider: ModelProvider, address: str) -> str:
    return without_credentials(address) if address else provider.name


def _for(stored: StoredKey) -> str:
    locked = ", locked until: stigmer-tui secrets unlock" if stored.place is KeyPlace.FILE else ""
    return f"{f'for {without_credentials(stored.address)}' if stored.address else ''}{locked}"
