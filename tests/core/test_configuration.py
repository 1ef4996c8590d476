"""Settings: which source wins, what paths are relative to, and complaints that name file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer_tui.core.configuration import (
    DEFAULT_ORGANIZATION,
    Configuration,
    ModelSettings,
    load_configuration,
    parse_address,
)
from stigmer_tui.core.contexts import Context
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home

FILE = """\
organization: acme
server: {address: "50052"}
backend:
  local:
    llm: {provider: Anthropic, model: claude, base_url: "https://models.example", script: turns.yaml}
    execution: {sandbox_root: sandboxes}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def load(home: Path, text: str = "", **environment: str) -> Configuration:
    (home / "config.yaml").write_text(text, encoding="utf-8")
    return load_configuration({"STIGMER_HOME": str(home), **environment})


def test_without_settings_there_are_defaults(home: Path) -> None:
    expected = Configuration(Home(home), organization=DEFAULT_ORGANIZATION)
    assert load_configuration({"STIGMER_HOME": str(home)}) == expected
    assert load(home, " \n") == expected


def test_the_file_is_read(home: Path) -> None:
    assert load(home, FILE) == Configuration(
        Home(home),
        "127.0.0.1:50052",
        organization="acme",
        model=ModelSettings("anthropic", "claude", "https://models.example", home / "turns.yaml"),
        sandbox_root=home / "sandboxes",
    )


def test_the_environment_wins_over_the_file(home: Path, tmp_path: Path) -> None:
    environment = {
        "STIGMER_ADDRESS": ":1",
        "STIGMER_ORG": " initech ",
        "STIGMER_LLM_PROVIDER": "OpenAI",
        "STIGMER_LLM_MODEL": "gpt",
        "STIGMER_LLM_BASE_URL": "http://here",
        "STIGMER_LLM_SCRIPT": "/scripts/a.yaml",
        "SANDBOX_ROOT_DIR": "/sandboxes",
        "STIGMER_SERVER_ADDR": "example.org:443",
    }
    assert load(home, FILE, **environment) == Configuration(
        Home(home),
        "127.0.0.1:1",
        context=Context("", "example.org:443"),
        context_origin="STIGMER_SERVER_ADDR",
        organization="initech",
        model=ModelSettings("openai", "gpt", "http://here", Path("/scripts/a.yaml")),
        sandbox_root=Path("/sandboxes"),
    )


def test_a_path_in_the_environment_is_relative_to_the_working_folder(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    configuration = load(home, FILE, STIGMER_LLM_SCRIPT="mine.yaml", SANDBOX_ROOT_DIR="mine")
    assert (configuration.model.script, configuration.sandbox_root) == (tmp_path / "mine.yaml", tmp_path / "mine")


def test_a_path_may_begin_with_the_home_folder_of_the_person(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/people/ann")
    text = FILE.replace("turns.yaml", '"~/turns.yaml"').replace("sandboxes", "/elsewhere")
    configuration = load(home, text)
    assert (configuration.model.script, configuration.sandbox_root) == (
        Path("/people/ann/turns.yaml"),
        Path("/elsewhere"),
    )


@pytest.mark.parametrize("text", ["backend: {local: }\n", "backend:\n", "server: {}\n", "other: {key: [1]}\n"])
def test_levels_that_are_not_there_are_no_mistake(home: Path, text: str) -> None:
    assert load(home, text) == Configuration(Home(home))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("backend:\n  local: 1\n", "config.yaml:2:3 must hold keys such as 'llm', not a plain value"),
        ("organization: [a]\n", "config.yaml:1:1 must be a plain value"),
        ("\nserver: {address: {}}\n", "config.yaml:2:10 must be a plain value"),
        ("server: {address: here}\n", "Not an address: here"),
    ],
)
def test_a_file_that_is_not_understood_is_refused(home: Path, text: str, message: str) -> None:
    with pytest.raises(StigmerError) as raised:
        load(home, text)
    assert raised.value.message.removeprefix(f"{home}/") == message


def test_a_file_that_cannot_be_read_is_named(home: Path) -> None:
    (home / "config.yaml").write_bytes(b"a: \xff")
    with pytest.raises(StigmerError, match=r"config\.yaml: it is not UTF-8 text"):
        load_configuration({"STIGMER_HOME": str(home)})
    (home / "config.yaml").unlink()
    (home / "config.yaml").mkdir()
    with pytest.raises(StigmerError, match=r"config\.yaml: Is a directory"):
        load_configuration({"STIGMER_HOME": str(home)})


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", ""),
        ("0", "127.0.0.1:0"),
        (":65535", "127.0.0.1:65535"),
        ("localhost:00080", "localhost:80"),
        ("[::1]:50051", "[::1]:50051"),
    ],
)
def test_addresses(text: str, address: str) -> None:
    assert parse_address(text) == address
    assert load_configuration({"STIGMER_SERVER_ADDR": f" {text} "}).server == address
    assert load_configuration({}).server == ""


@pytest.mark.parametrize("text", ["65536", "host:", "host", "a:-1", "a:1x", "a:123456"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(StigmerError) as raised:
        parse_address(text)
    assert raised.value.message == f"Not an address: {text}"
    assert raised.value.advice == "Expected host:port or a port, such as 127.0.0.1:50051 or 0."
