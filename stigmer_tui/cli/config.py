"""The commands of `config`: settings with their values and origins, and edits of config.yaml."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from difflib import get_close_matches

import click

from stigmer_tui.core import settings
from stigmer_tui.core.configuration import SettingValue, choose_context, configuration_of, value_of
from stigmer_tui.core.configuration_file import ConfigurationFile
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.model_providers import PROVIDERS, find_provider
from stigmer_tui.core.paths import Home
from stigmer_tui.core.private_files import make_private_folders, write_private
from stigmer_tui.core.settings import SETTINGS, Setting

HIDDEN = "(hidden)"


def list_settings(with_origin: bool, as_json: bool) -> int:
    values = _values(os.environ)
    if as_json:
        for value in values:
            click.echo(json.dumps({"name": value.setting.name, "value": _shown(value), "origin": value.origin}))
        return 0
    rows = [(value.setting.name, _described(value), value.origin if with_origin else "") for value in values]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for name, text, origin in rows:
        click.echo(f"{name:<{widths[0]}}  {text:<{widths[1]}}  {origin}".rstrip())
    return 0


def get_setting(name: str) -> int:
    """Prints nothing for a setting that has its default."""
    click.echo(_shown(value_of(setting_of(name), os.environ, _file(os.environ))))
    return 0


def set_setting(name: str, text: str | None) -> int:
    """Removes the value for None."""
    setting = setting_of(name)
    if not setting.key:
        raise StigmerError(
            f"{setting.variable} is not kept in config.yaml: only the environment sets it",
            f"For this shell: {f'unset {setting.variable}' if text is None else f'export {setting.variable}={text}'}",
        )
    home = Home.from_environment(os.environ)
    file = ConfigurationFile.read(home.configuration)
    edited = file.edited(setting.keys, text)
    if text is not None:
        _check(setting, text)
        # What is written must be read again: without the environment, which would hide it.
        configuration_of(home, {}, edited)
        if setting in (settings.CONTEXT, settings.MODE):
            choose_context({}, edited)
    if edited.content != file.content:
        make_private_folders([home.root])
        write_private(home.configuration, edited.content)
    click.echo(f"✓ {setting.key} is {'its default again' if text is None else text}")
    if os.environ.get(setting.variable):
        click.echo(f"  Here {setting.variable} in the environment wins over it")
    elif setting.needs_restart:
        click.echo("  A daemon that runs uses it after: stigmer-tui server restart")
    return 0


def print_path() -> int:
    click.echo(Home.from_environment(os.environ).configuration)
    return 0


def setting_of(name: str) -> Setting:
    """By its key, the end of a key that no other has, or its variable. Raises StigmerError for any other name."""
    for setting in SETTINGS:
        # Some have no key.
        if name and name in (setting.key, setting.variable):
            return setting
    # `llm.provider` is what the existing command line says.
    match [setting for setting in SETTINGS if setting.key.endswith(f".{name}")]:
        case [setting]:
            return setting
    near = get_close_matches(name, [setting.name for setting in SETTINGS], n=1, cutoff=0.5)
    advice = f"Did you mean {near[0]}?" if near else "All settings: stigmer-tui config list"
    raise StigmerError(f"There is no setting {name}", advice)


def _values(environment: Mapping[str, str]) -> list[SettingValue]:
    file = _file(environment)
    return [value_of(setting, environment, file) for setting in SETTINGS]


def _file(environment: Mapping[str, str]) -> ConfigurationFile:
    return ConfigurationFile.read(Home.from_environment(environment).configuration)


def _shown(value: SettingValue) -> str:
    return HIDDEN if value.setting.is_secret and value.text else value.text


def _described(value: SettingValue) -> str:
    return _shown(value) or (f"({value.setting.default.replace('`', '')})" if value.setting.default else "-")


def _check(setting: Setting, text: str) -> None:
    if not text.strip():
        raise StigmerError(f"{setting.key} cannot be empty", f"For its default: stigmer-tui config unset {setting.key}")
    if setting is settings.PROVIDER and find_provider(text) is None:
        names = ", ".join(provider.name for provider in PROVIDERS)
        raise StigmerError(f"There is no provider {text}", f"Providers: {names}")
