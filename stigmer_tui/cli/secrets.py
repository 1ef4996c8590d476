"""The commands of `secrets`: the keys of model providers that a person stores, and the secrets of runs."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from getpass import getpass
from pathlib import Path

import click

from stigmer_tui.cli.model_setup import ModelSetup, inform_daemon
from stigmer_tui.core import settings
from stigmer_tui.core.configuration import load_configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.known_secrets import remember_values, without_credentials
from stigmer_tui.core.model_providers import PROVIDERS, ModelProvider, provider_of_key
from stigmer_tui.core.paths import working_folder
from stigmer_tui.core.stored_keys import KeyPlace, StoredKey, find_stored
from stigmer_tui.project.project_file import project_folder
from stigmer_tui.workbench.run_secrets import RunSecrets
from stigmer_tui.workbench.session_cache import SessionCache

MAX_KEY_LENGTH = 4096
"""Characters. What is longer is a file that was sent by mistake."""

MIN_PASSPHRASE_LENGTH = 8

ENVIRONMENT = "environment"


def set_secret(name: str, into_file: bool) -> int:
    provider = _keyed_provider(name)
    setup = ModelSetup.of_this_process()
    place = KeyPlace.FILE if into_file else KeyPlace.KEYRING
    stored = StoredKey(provider.key_variable, setup.chooser().address(provider), place)
    key = read_key(f"{provider.key_variable} for {_target(provider, stored.address)}")
    if into_file:
        return _encrypt(setup, provider, stored, key)
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
    folder, of_runs = secrets_of_runs()
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
            click.echo(
                json.dumps({"variable": one.variable, "address": without_credentials(one.address), "place": one.place})
            )
        for name in of_runs.names:
            click.echo(json.dumps({"variable": name, "address": "", "place": KeyPlace.KEYRING, "folder": str(folder)}))
        return 0
    rows = [(name, ENVIRONMENT, "") for name in from_environment]
    rows += [(one.variable, one.place, _for(one)) for one in stored]
    rows += [(name, KeyPlace.KEYRING, f"for runs from {folder}") for name in of_runs.names]
    if not rows:
        click.echo("No keys are stored. Store one: stigmer-tui secrets set anthropic")
    for variable, place, address in rows:
        click.echo(f"{variable:<20}  {place:<11}  {address}".rstrip())
    return 0


def delete_secret(name: str) -> int:
    folder, of_runs = secrets_of_runs()
    if provider_of_key(name) is None and name in of_runs.names:
        asyncio.run(of_runs.forget(name))
        click.echo(f"✓ {name} for runs from {folder} is deleted from the keyring")
        return 0
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


def unlock_secrets() -> int:
    """Gives the daemon the keys of the encrypted file, in memory."""
    setup = ModelSetup.of_this_process()
    locked = [one for one in setup.keys.list() if one.place is KeyPlace.FILE]
    if not locked:
        raise StigmerError("No key is in an encrypted file", "Put one there: stigmer-tui secrets set NAME --file")
    passphrase = read_passphrase("Passphrase")
    chooser = setup.chooser()
    variables: dict[str, str] = {}
    for provider in PROVIDERS:
        # Of several addresses, that of the configuration.
        if stored := find_stored(locked, provider.key_variable, chooser.address(provider)):
            variables[stored.variable] = setup.keys.unlock(stored, passphrase)
            variables[provider.base_url_variable] = stored.address
    if not variables:
        raise StigmerError("No key in the encrypted file is for an address that is configured now")
    if not inform_daemon(setup.home, variables, [*variables]):
        raise StigmerError("No daemon runs that could take the keys", "Start it first: stigmer-tui server start")
    names = ", ".join(name for name in variables if provider_of_key(name))
    click.echo(f"✓ The daemon has {names} in memory, until it stops")
    return 0


def read_key(prompt: str) -> str:
    """One line, hidden on a terminal. Raises StigmerError for what cannot be a key."""
    text = _read_line(prompt)
    remember_values([text] if text else [])
    if not text:
        raise StigmerError("The key is empty, so nothing was stored", "Type it, or pipe it in on standard input.")
    if len(text) > MAX_KEY_LENGTH or not text.isprintable() or " " in text or not text.isascii():
        raise StigmerError("This is not a key: a key is one line of ASCII signs without spaces")
    return text


def read_passphrase(prompt: str) -> str:
    """One line, hidden on a terminal. Raises StigmerError for one that is too short."""
    text = _read_line(prompt)
    if len(text) < MIN_PASSPHRASE_LENGTH:
        raise StigmerError(f"A passphrase has at least {MIN_PASSPHRASE_LENGTH} characters")
    remember_values([text])
    return text


def _read_line(prompt: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline(MAX_KEY_LENGTH + 2).strip()
    try:
        return getpass(f"{prompt} (hidden): ").strip()
    except EOFError as error:
        raise click.Abort from error


def _encrypt(setup: ModelSetup, provider: ModelProvider, stored: StoredKey, key: str) -> int:
    passphrase = read_passphrase("Passphrase to encrypt it with")
    if sys.stdin.isatty() and _read_line("The same passphrase again") != passphrase:
        raise StigmerError("The two passphrases differ, so nothing was stored")
    setup.keys.store(stored, key, passphrase)
    variables = {stored.variable: key, provider.base_url_variable: stored.address}
    has_daemon = inform_daemon(setup.home, variables, [stored.variable])
    click.echo(f"✓ {stored.variable} for {_target(provider, stored.address)} is encrypted in {setup.home.stored_keys}")
    if has_daemon:
        click.echo("  The daemon has it in memory until it stops")
    click.echo("  After each start of the daemon: stigmer-tui secrets unlock")
    return 0


def _keep_in_memory(
    setup: ModelSetup, provider: ModelProvider, stored: StoredKey, key: str, problem: StigmerError
) -> int:
    """Where no keyring works, a daemon that runs can still have the key. Raises StigmerError where none runs."""
    variables = {stored.variable: key, provider.base_url_variable: stored.address}
    if not inform_daemon(setup.home, variables, [stored.variable]):
        raise StigmerError(
            f"{problem.message}, so {stored.variable} was not stored",
            f"{problem.advice}\nWith --file it is kept in a file that a passphrase encrypts. Or the daemon has it in"
            " memory until it stops: start it with stigmer-tui server start, then try again."
            f" Or set {stored.variable} in the environment.",
        )
    click.echo(f"! {problem.message}")
    click.echo(f"  {stored.variable} is in the memory of the daemon only, and is gone when it stops")
    return 0


def secrets_of_runs() -> tuple[Path, RunSecrets]:
    """Those that a person has had remembered for runs from this folder."""
    folder = project_folder(working_folder())
    return folder, RunSecrets(folder, SessionCache.of(load_configuration(os.environ), folder))


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
    address = f"for {without_credentials(stored.address)}" if stored.address else ""
    locked = "locked until: stigmer-tui secrets unlock" if stored.place is KeyPlace.FILE else ""
    return ", ".join(filter(None, (address, locked)))
