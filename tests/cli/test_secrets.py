"""`secrets`: a person stores the keys of providers, and no value is ever printed."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stigmer_tui.cli.commands import program
from stigmer_tui.core.configuration import load_configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.workbench.run_secrets import RunSecrets
from stigmer_tui.workbench.session_cache import SessionCache
from tests.cli.keyring_fixture import ring as ring
from tests.core.memory_keyring import MemoryBackend

KEY = "sk-ant-0123456789"


def secrets(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(program, ["secrets", *arguments], input=typed, standalone_mode=False)


def refused(*arguments: str, typed: str = "") -> StigmerError:
    error = secrets(*arguments, typed=typed).exception
    assert isinstance(error, StigmerError), error
    return error


@pytest.mark.parametrize("name", ["anthropic", "ANTHROPIC_API_KEY", "Anthropic"])
def test_a_key_is_piped_in_listed_and_deleted(ring: MemoryBackend, name: str) -> None:
    result = secrets("set", name, typed=f"{KEY}\n")
    assert result.output == "✓ ANTHROPIC_API_KEY for anthropic is in the keyring\n"
    assert list(ring.values.values()) == [KEY]
    listed = secrets("list", "--output", "json").output
    assert json.loads(listed) == {"variable": "ANTHROPIC_API_KEY", "address": "", "place": "keyring"}
    assert KEY not in secrets("list").output
    assert secrets("delete", name).output == "✓ ANTHROPIC_API_KEY is deleted from the keyring\n"
    assert (ring.values, secrets("list", "--output", "json").output) == ({}, "")
    assert secrets("delete", name).output == "ANTHROPIC_API_KEY is not stored\n"


def test_a_key_is_for_the_configured_address(ring: MemoryBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://router.example/v1/")
    result = secrets("set", "openai", typed=KEY)
    assert result.output == "✓ OPENAI_API_KEY for https://router.example/v1 is in the keyring\n"
    assert "for https://router.example/v1" in secrets("list").output


def test_the_environment_wins_and_is_listed(ring: MemoryBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-from-environment")
    assert "ANTHROPIC_API_KEY in the environment wins over it" in secrets("set", "anthropic", typed=KEY).output
    places = [json.loads(line)["place"] for line in secrets("list", "--output", "json").output.splitlines()]
    assert places == ["environment", "keyring"]


@pytest.mark.parametrize("typed", ["", " \n", "two words", "k" * 5000, "schlüssel"])
def test_what_is_not_a_key_is_refused(ring: MemoryBackend, typed: str) -> None:
    assert "key" in refused("set", "anthropic", typed=typed).message
    assert ring.values == {}


@pytest.mark.parametrize("name", ["ollama", "scripted", "clod", "STIGMER_LLM_API_KEY", "PATH"])
def test_other_names_are_refused(ring: MemoryBackend, name: str) -> None:
    assert "ANTHROPIC_API_KEY, OPENAI_API_KEY" in refused("set", name, typed=KEY).advice


def test_without_keyring_and_daemon_nothing_is_stored(ring: MemoryBackend, tmp_path: Path) -> None:
    ring.priority = 0
    error = refused("set", "anthropic", typed=KEY)
    assert "so ANTHROPIC_API_KEY was not stored" in error.message
    assert "With --file" in error.advice and "in memory until it stops" in error.advice
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY in path.read_text(encoding="utf-8")]


def test_a_passphrase_encrypts_it_where_there_is_no_keyring(ring: MemoryBackend, tmp_path: Path) -> None:
    ring.priority = 0
    result = secrets("set", "anthropic", "--file", typed=f"{KEY}\nopen sesame\n")
    assert "is encrypted in" in result.output and "secrets unlock" in result.output
    assert "file" in secrets("list").output
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY in path.read_text(encoding="utf-8")]
    assert "passphrase is not the one" in refused("unlock", typed="another one").message
    assert "No daemon runs" in refused("unlock", typed="open sesame").message
    assert "deleted from the file" in secrets("delete", "anthropic").output
    assert "No key is in an encrypted file" in refused("unlock", typed="open sesame").message


def test_a_short_passphrase_is_refused(ring: MemoryBackend) -> None:
    assert "at least 8 characters" in refused("set", "anthropic", "--file", typed=f"{KEY}\nopen\n").message
    assert secrets("list", "--output", "json").output == ""


def test_secrets_of_runs_are_listed_with_their_folder_and_deleted(
    ring: MemoryBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cache = SessionCache.of(load_configuration(os.environ), tmp_path)
    asyncio.run(RunSecrets(tmp_path, cache).remember("TOKEN", "s3cret"))
    assert secrets("list").output == f"TOKEN                 keyring      for runs from {tmp_path}\n"
    listed = json.loads(secrets("list", "--output", "json").output)
    assert listed == {"variable": "TOKEN", "address": "", "place": "keyring", "folder": str(tmp_path)}
    assert secrets("delete", "TOKEN").output == f"✓ TOKEN for runs from {tmp_path} is deleted from the keyring\n"
    assert (ring.values, secrets("list", "--output", "json").output) == ({}, "")
    assert "No provider of models has a key TOKEN" in refused("delete", "TOKEN").message
