"""`config`: what applies, where it comes from, and what is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stigmer_tui.cli.commands import program
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.settings import SETTINGS


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for setting in SETTINGS:
        monkeypatch.delenv(setting.variable, raising=False)
    monkeypatch.setenv("STIGMER_HOME", str(tmp_path))
    return tmp_path


def config(*arguments: str) -> str:
    """Raises StigmerError as `run_command` gets it."""
    result: Result = CliRunner().invoke(program, ["config", *arguments])
    if isinstance(result.exception, StigmerError):
        raise result.exception
    return result.output


def origins() -> dict[str, tuple[str, str]]:
    lines = map(json.loads, config("list", "--output", "json").splitlines())
    return {line["name"]: (line["value"], line["origin"]) for line in lines}


def test_each_value_has_its_origin(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "config.yaml").write_text("organization: acme\nserver: {address: ':7'}\n", encoding="utf-8")
    monkeypatch.setenv("STIGMER_ADDRESS", ":8")
    values = origins()
    assert list(values) == [setting.name for setting in SETTINGS]
    assert values["organization"] == ("acme", "config.yaml:1")
    assert values["server.address"] == (":8", "STIGMER_ADDRESS")
    assert values["backend.local.llm.model"] == ("", "default")


def test_a_key_of_a_provider_is_hidden(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STIGMER_LLM_API_KEY", "sk-very-secret")
    assert origins()["STIGMER_LLM_API_KEY"] == ("(hidden)", "STIGMER_LLM_API_KEY")
    assert "very-secret" not in config("list", "--origin") + config("get", "STIGMER_LLM_API_KEY")


def test_what_is_set_applies_until_it_is_unset(home: Path) -> None:
    assert "organization is acme" in config("set", "organization", "acme")
    assert config("get", "organization") == config("get", "STIGMER_ORG") == "acme\n"
    assert (home / "config.yaml").stat().st_mode & 0o777 == 0o600
    assert "default again" in config("unset", "organization")
    assert config("get", "organization") == "\n"


def test_the_keys_of_the_existing_command_line_are_the_ends_of_ours(home: Path) -> None:
    assert "backend.local.llm.provider is ollama" in config("set", "llm.provider", "ollama")
    assert config("get", "llm.provider") == config("get", "backend.local.llm.provider") == "ollama\n"
    assert config("path") == f"{home}/config.yaml\n"


def test_every_name_that_a_run_understands_can_be_set(home: Path) -> None:
    config("set", "backend.local.llm.provider", "OpenAI-compatible")
    assert config("get", "backend.local.llm.provider") == "OpenAI-compatible\n"


def test_a_variable_that_wins_over_what_was_set_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STIGMER_ORG", "other")
    assert "STIGMER_ORG in the environment wins" in config("set", "organization", "acme")


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (("get", "organisation"), "Did you mean organization?"),
        (("get", "type.backend"), "There is no setting type.backend"),
        (("get", ""), "There is no setting"),
        (("set", "server.address", "localhost:99999"), "Not an address"),
        (("set", "backend.local.llm.provider", "olama"), "Providers: anthropic"),
        (("set", "organization", " "), "config unset organization"),
        (("set", "STIGMER_HOME", "/elsewhere"), "export STIGMER_HOME=/elsewhere"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(home: Path, arguments: tuple[str, ...], refusal: str) -> None:
    with pytest.raises(StigmerError, match=refusal) as error:
        config(*arguments)
    assert refusal in str(error.value)
    assert not (home / "config.yaml").exists()
