"""The commands of `context`: the backends that a person works with, by name."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import click

from stigmer_tui.cli.secrets import read_key
from stigmer_tui.core import settings
from stigmer_tui.core.configuration import choose_context
from stigmer_tui.core.configuration_file import ConfigurationFile
from stigmer_tui.core.contexts import CLOUD, CONTEXTS, LOCAL, Context, find_context, parse_server, read_contexts
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home, absolute
from stigmer_tui.core.private_files import make_private_folders, write_private
from stigmer_tui.core.stored_keys import KeyStore, StoredKey, find_stored

NAME = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")


def known_contexts() -> list[Context]:
    return [*read_contexts(_file()).values()]


def list_contexts(as_json: bool) -> int:
    file, home = _file(), Home.from_environment(os.environ)
    contexts = read_contexts(file)
    current, origin = choose_context(os.environ, file)
    if as_json:
        for context in contexts.values():
            click.echo(json.dumps(_described(context, home) | {"current": context == current}))
        return 0
    width = max(map(len, contexts))
    for context in contexts.values():
        mark = "*" if context == current else " "
        token = _token_place(context, home)
        click.echo(f"{mark} {context.name:<{width}}  {context.described()}{f'  token: {token}' if token else ''}")
    if current not in contexts.values():
        click.echo(f"\nHere {origin} wins over all of them: {current.address}")
    elif origin:
        click.echo(f"\n{current.name} is chosen by {origin}")
    return 0


def show_context(name: str, as_json: bool) -> int:
    """Of the one that is used, without a name."""
    file, home = _file(), Home.from_environment(os.environ)
    context, origin = (find_context(name, "the command", file), "") if name else choose_context(os.environ, file)
    described = _described(context, home) | ({"chosen_by": origin} if origin else {})
    if as_json:
        click.echo(json.dumps(described))
        return 0
    for key, value in described.items():
        if value:
            click.echo(f"{key.replace('_', ' '):<12}  {value}")
    return 0


def use_context(name: str) -> int:
    file = _file()
    context = find_context(name, "the command", file)
    is_default = name == LOCAL and file.text(settings.MODE.keys) != CLOUD
    _write(file.edited(settings.CONTEXT.keys, None if is_default else name))
    click.echo(f"✓ {name} is used from now on: {context.described()}")
    for variable in (settings.SERVER.variable, settings.CONTEXT.variable, settings.MODE.variable):
        if os.environ.get(variable):
            click.echo(f"  Here {variable} in the environment wins over it")
    return 0


def set_context(
    name: str,
    *,
    server: str,
    tls: bool,
    ca: str,
    asks_for_token: bool,
    token_variable: str,
    organization: str,
    home: str,
) -> int:
    """Makes a context, or changes what is given of one."""
    _check_name(name)
    if token_variable and not VARIABLE.fullmatch(token_variable):
        # It may be the token itself, so it is not repeated.
        raise StigmerError(
            "What is given is not the name of a variable", "To store the token in the keyring: --token, without a value"
        )
    if server:
        address, is_url = parse_server(server, server)
        server = f"https://{address}" if tls or is_url else address
    elif tls:
        raise StigmerError("--tls belongs to an address", "Give it too: --server HOST:PORT --tls")
    given = {
        "server": server,
        "ca": str(absolute(ca)) if ca else "",
        "token_variable": token_variable,
        "organization": organization,
        "home": str(absolute(home)) if home else "",
    }
    edited = _file()
    for key, value in given.items():
        if value:
            edited = edited.edited((CONTEXTS, name, key), value)
    # What is written must be read again.
    contexts = read_contexts(edited)
    if name not in contexts:
        raise StigmerError(
            f"There is no context {name} yet, and nothing says where it is",
            "Give it --server HOST:PORT or --home FOLDER",
        )
    context = contexts[name]
    if context.ca and not context.tls:
        raise StigmerError("--ca is for TLS only", "Add --tls")
    if asks_for_token:
        edited = edited.edited((CONTEXTS, name, "token_variable"), None)
        _store_token(context)
    _write(edited)
    click.echo(f"✓ {name} is {context.described()}\n  Use it: stigmer-tui context use {name}")
    return 0


def delete_context(name: str) -> int:
    file = _file()
    context = find_context(name, "the command", file)
    keys = KeyStore(Home.from_environment(os.environ))
    edited = file.edited((CONTEXTS, name), None)
    if file.text(settings.CONTEXT.keys) == name:
        edited = edited.edited(settings.CONTEXT.keys, None)
    deleted = keys.delete(context.token_name) if keys.list() else ()
    if edited.content == file.content and not deleted:
        raise StigmerError(f"{name} comes with the program and cannot be deleted")
    _write(edited)
    click.echo(f"✓ {name} is deleted{', with its token' if deleted else ''}")
    return 0


def _store_token(context: Context) -> None:
    if not context.address:
        raise StigmerError("A daemon of ours needs no stored token", "Leave out --token.")
    token = read_key(f"Token for {context.url}")
    try:
        KeyStore(Home.from_environment(os.environ)).store(StoredKey(context.token_name, context.url), token)
    except StigmerError as error:
        raise StigmerError(
            f"The token is not stored. {error.message}",
            f"{error.advice}\nWithout a keyring, name a variable that holds it: --token-variable NAME",
        ) from error


def _described(context: Context, home: Home) -> dict[str, str]:
    """Never the token itself."""
    return {
        "name": context.name,
        "server": context.url,
        "home": str(context.home or ("" if context.address else home.root)),
        "organization": context.organization,
        "ca": str(context.ca or ""),
        "token": _token_place(context, home),
    }


def _token_place(context: Context, home: Home) -> str:
    if not context.address:
        return ""
    if context.token_variable:
        return f"variable {context.token_variable}"
    if find_stored(KeyStore(home).list(), context.token_name, context.url):
        return "keyring"
    return "config.yaml" if context.filed_token else "none"


def _check_name(name: str) -> None:
    if name == LOCAL:
        raise StigmerError(f"{LOCAL} is always the daemon on this machine", "Choose another name.")
    if not NAME.fullmatch(name):
        raise StigmerError(f"Not a name for a context: {name}", "Letters, digits, dots, dashes and underscores.")


def _file() -> ConfigurationFile:
    return ConfigurationFile.read(Home.from_environment(os.environ).configuration)


def _write(file: ConfigurationFile) -> None:
    folder: Path = file.path.parent
    make_private_folders([folder])
    write_private(file.path, file.content)
