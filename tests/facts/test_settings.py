"""A setting is one entry: what reads it and what documents it follow from the table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stigmer_tui.core import settings
from stigmer_tui.core.configuration import Configuration, load_configuration
from stigmer_tui.core.settings import SETTINGS, Setting
from tests.facts.sources import files_with

IN_FILE = [setting for setting in SETTINGS if setting.key]

VALUES = {
    settings.ADDRESS: "127.0.0.1:4711",
    settings.LISTEN: "0.0.0.0:7443",
    settings.METRICS: "127.0.0.1:9464",
    settings.TLS_CERTIFICATE: "/tls/server.pem",
    settings.TLS_KEY: "/tls/server.key",
    settings.CONTEXT: "cloud",
    settings.MODE: "cloud",
    settings.ORGANIZATION: "acme",
    settings.PROVIDER: "ollama",
    settings.MODEL: "llama3.2",
    settings.BASE_URL: "http://box:11434",
    settings.SCRIPT: "/scripts/a.yaml",
    settings.TEMPERATURE: "0.5",
    settings.MAX_TOKENS: "4k",
    settings.EXECUTION_MODE: "sandbox",
    settings.SANDBOX_ROOT: "/sandbox",
    settings.APPROVE: "execute",
    settings.RELEASE_URL: "https://releases.example/{version}",
    settings.LIMIT_STEPS: "20",
    settings.LIMIT_TIME: "5m",
    settings.LIMIT_TOKENS: "200k",
    settings.LIMIT_COST: "0.50",
    settings.HISTORY: "40k",
    settings.NOTIFY: "osc9",
}


def read(configuration: Configuration) -> dict[Setting, str]:
    return {
        settings.ADDRESS: configuration.address,
        settings.LISTEN: configuration.listen,
        settings.METRICS: configuration.metrics,
        settings.TLS_CERTIFICATE: str(configuration.tls_certificate),
        settings.TLS_KEY: str(configuration.tls_key),
        settings.CONTEXT: configuration.context.name,
        settings.MODE: configuration.context.name,
        settings.ORGANIZATION: configuration.organization,
        settings.PROVIDER: configuration.model.provider,
        settings.MODEL: configuration.model.model,
        settings.BASE_URL: configuration.model.base_url,
        settings.SCRIPT: str(configuration.model.script),
        settings.NOTIFY: configuration.notify_by,
        settings.TEMPERATURE: f"{configuration.answers.temperature}",
        settings.MAX_TOKENS: f"{configuration.answers.max_tokens // 1000}k",
        settings.EXECUTION_MODE: "sandbox" if configuration.requires_sandbox else "",
        settings.SANDBOX_ROOT: str(configuration.sandbox_root),
        settings.APPROVE: ",".join(configuration.approve.tools),
        settings.RELEASE_URL: configuration.release_url,
        settings.LIMIT_STEPS: str(configuration.limits.steps),
        settings.LIMIT_TIME: f"{configuration.limits.time / 60:g}m",
        settings.LIMIT_TOKENS: f"{configuration.limits.tokens // 1000}k",
        settings.LIMIT_COST: f"{configuration.limits.cost:.2f}",
        settings.HISTORY: f"{configuration.history_tokens // 1000}k",
    }


def variable(setting: Setting) -> str:
    return setting.variable


def test_each_setting_is_there_once() -> None:
    declared = [value for value in vars(settings).values() if isinstance(value, Setting)]
    assert declared == list(SETTINGS)
    assert len({setting.variable for setting in SETTINGS}) == len(SETTINGS)
    assert len({setting.key for setting in IN_FILE}) == len(IN_FILE)


def test_each_key_of_the_file_is_tried_here() -> None:
    assert set(VALUES) == set(IN_FILE)


@pytest.mark.parametrize("setting", IN_FILE, ids=variable)
def test_it_is_read_from_the_file_and_the_environment_wins(setting: Setting, tmp_path: Path) -> None:
    home = {settings.HOME.variable: str(tmp_path)}
    lines = [f"{'  ' * depth}{key}:" for depth, key in enumerate(setting.keys)]
    (tmp_path / "config.yaml").write_text("\n".join(lines) + f" {VALUES[setting]}\n")
    assert read(load_configuration(home))[setting] == VALUES[setting]
    (tmp_path / "config.yaml").write_text("\n".join(lines) + " '999'\n")
    assert read(load_configuration(home | {setting.variable: VALUES[setting]}))[setting] == VALUES[setting]


@pytest.mark.parametrize("setting", SETTINGS, ids=variable)
def test_its_variable_is_read_by_the_table(setting: Setting) -> None:
    """Others may speak of it, in comments and advice."""
    assert files_with(f"""["']{re.escape(setting.variable)}["']""") == ["stigmer_tui/core/settings.py"]
