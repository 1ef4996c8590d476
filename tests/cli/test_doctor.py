"""`doctor` against set-ups that are broken in one way each: it names what, and what to do."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from stigmer_tui.cli.commands import program
from stigmer_tui.cli.entry import COMMANDS
from stigmer_tui.core.model_providers import PROVIDERS
from stigmer_tui.core.paths import Home
from stigmer_tui.core.settings import SETTINGS
from stigmer_tui.daemon.service import install, service_of
from tests.http_server import Request, Response, serving

PROXIES = [name for scheme in ("http", "https", "all", "no") for name in (f"{scheme}_proxy", f"{scheme}_PROXY".upper())]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    keys = [variable for known in PROVIDERS for variable in (known.key_variable, known.base_url_variable)]
    for name in (*(setting.variable for setting in SETTINGS), *keys, *PROXIES, "WATCHFILES_FORCE_POLLING", "LC_ALL"):
        monkeypatch.delenv(name or "-", raising=False)
    home, project = tmp_path / "home", tmp_path / "project"
    project.mkdir()
    monkeypatch.setenv("STIGMER_HOME", str(home))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.chdir(project)
    return home


class Examined:
    def __init__(self, *arguments: str) -> None:
        result = CliRunner().invoke(program, ["doctor", "--output", "json", *arguments], standalone_mode=False)
        assert result.exception is None, result.exception
        self.code = result.return_value
        self.findings = [json.loads(line) for line in result.output.splitlines()]

    def says(self, verdict: str) -> str:
        return "\n".join(f"{one['message']}\n{one['mend']}" for one in self.findings if one["verdict"] == verdict)


def configured(home: Path, text: str) -> None:
    home.mkdir()
    (home / "config.yaml").write_text(text, encoding="utf-8")
    (home / "config.yaml").chmod(0o600)


def data(home: Path) -> Path:
    (home / "data").mkdir(parents=True, mode=0o700)
    return home / "data"


def damaged_database(home: Path) -> None:
    data(home)
    Home(home).database.write_bytes(b"no database" * 1000)
    Home(home).database.chmod(0o600)


def newer_database(home: Path) -> None:
    data(home)
    with closing(sqlite3.connect(Home(home).database)) as database:
        database.execute("PRAGMA user_version = 999")
    Home(home).database.chmod(0o600)


def project(text: str, main: str | None = "main.py") -> Callable[[Path], None]:
    def make(home: Path) -> None:
        Path("Stigmer.yaml").write_text(text, encoding="utf-8")
        if main:
            Path(main).write_text("", encoding="utf-8")

    return make


def variables(**values: str) -> Callable[[Path], None]:
    return lambda home: os.environ.update(values)


def open_token(home: Path) -> None:
    (data(home) / "token").write_text("t", encoding="utf-8")
    (home / "data" / "token").chmod(0o644)


def file_for_home(home: Path) -> None:
    home.write_text("", encoding="utf-8")


BROKEN: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "home is a file": (file_for_home, "is not a folder", "mv "),
    "token for all": (open_token, "can be read by other users", "chmod"),
    "configuration is no YAML": (lambda home: configured(home, "a: [\n"), "config.yaml:", ""),
    "configuration is a list": (lambda home: configured(home, "- a\n"), "must hold keys", ""),
    "address is none": (
        lambda home: configured(home, "server: {address: a}\n"),
        "Not an address: a",
        "host:port",
    ),
    "provider is unknown": (variables(STIGMER_LLM_PROVIDER="olama"), "Unknown model provider olama", ""),
    "key is missing": (variables(STIGMER_LLM_PROVIDER="anthropic"), "ANTHROPIC_API_KEY", ""),
    "base URL is none": (variables(OPENAI_BASE_URL="no", OPENAI_API_KEY="k"), "OPENAI_BASE_URL is not a URL", ""),
    "proxy is none": (variables(HTTPS_PROXY="foo:bar:baz"), "HTTPS_PROXY", "socks5://"),
    "Ollama does not run": (
        variables(STIGMER_LLM_PROVIDER="ollama", OLLAMA_BASE_URL="http://127.0.0.1:9"),
        "Ollama does not answer at http://127.0.0.1:9",
        "ollama serve",
    ),
    "named server does not answer": (variables(STIGMER_SERVER_ADDR="127.0.0.1:9"), "127.0.0.1:9", ""),
    "database is damaged": (damaged_database, "workbench.db: it is damaged", "backup"),
    "database is newer": (newer_database, "newer", ""),
    "terminal is dumb": (variables(TERM="dumb"), "TERM is 'dumb'", "xterm-256color"),
    "Stigmer.yaml is no YAML": (project("name: ["), "Stigmer.yaml", ""),
    "Stigmer.yaml lacks a name": (project("runtime: python\n"), "name", ""),
    "runtime is unknown": (project("name: a\nruntime: ruby\n"), "ruby", ""),
    "main is missing": (project("name: a\nruntime: python\n", main=None), "There is no", "main:"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_named_with_what_to_do(home: Path, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    make, message, mend = BROKEN[case]
    make(home)
    examined = Examined()
    assert examined.code == 1
    assert message in examined.says("problem")
    assert mend in examined.says("problem")


def test_an_address_that_is_taken_is_named(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        configured(home, f"server: {{address: '127.0.0.1:{port}'}}\n")
        examined = Examined()
    assert examined.code == 1
    assert f"Another program listens at 127.0.0.1:{port}" in examined.says("problem")


def test_a_full_disk_is_a_problem_and_little_room_a_warning(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data(home)
    for free, verdict in ((10_000_000, "problem"), (500_000_000, "warning")):
        monkeypatch.setattr("shutil.disk_usage", lambda path, free=free: SimpleNamespace(free=free))
        assert "are free" in Examined().says(verdict)


@contextmanager
def ollama(*models: str) -> Iterator[str]:
    def respond(request: Request) -> Response:
        status = 200 if request.path == "/api/tags" else 404
        return Response(status, json.dumps({"models": [{"name": name} for name in models]}))

    with serving(respond) as address:
        yield address


def test_a_model_that_is_not_pulled_comes_with_the_command(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STIGMER_LLM_PROVIDER", "ollama")
    monkeypatch.setenv("STIGMER_LLM_MODEL", "tiny")
    with ollama("other:latest") as address:
        monkeypatch.setenv("OLLAMA_BASE_URL", address)
        assert "stigmer-tui provider pull tiny" in Examined().says("problem")
    with ollama("tiny:latest") as address:
        monkeypatch.setenv("OLLAMA_BASE_URL", address)
        examined = Examined()
        assert "ollama tiny, at http://" in examined.says("ok")
        assert examined.code == 0


def test_what_can_be_mended_safely_is(home: Path) -> None:
    open_token(home)
    assert Examined("--fix").code == 0
    assert (home / "data" / "token").stat().st_mode & 0o777 == 0o600
    assert "can be read" not in Examined().says("problem")


def test_a_configuration_that_others_can_read_holds_no_secret_and_is_no_problem(home: Path) -> None:
    configured(home, "organization: acme\n")
    (home / "config.yaml").chmod(0o644)
    assert Examined().code == 0


def test_a_service_that_starts_a_program_that_is_no_more_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home.parent / "config"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert "server install starts the daemon with each session" in Examined().says("ok")
    service = service_of(Home(home), os.environ)
    install(service, lambda command: "")
    assert f"{service.name} starts the daemon" in Examined().says("ok")
    service.path.write_text(service.text.replace(sys.executable, "/gone/python"))
    said = Examined().says("warning")
    assert "starts another program" in said and "stigmer-tui server install" in said


def test_a_home_that_cannot_be_made_is_a_problem(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a disk that is read-only; an administrator may write anywhere else."""
    monkeypatch.setenv("STIGMER_HOME", str(home / "below" / "me"))
    monkeypatch.setattr(os, "access", lambda path, mode: path != home.parent)
    said = Examined().says("problem")
    assert f"{home}/below/me cannot be made: {home.parent} cannot be written" in said and "STIGMER_HOME" in said


def test_without_a_home_nothing_is_made(home: Path) -> None:
    examined = Examined()
    assert examined.code == 0
    assert not home.exists()
    assert "made when it is first needed" in examined.says("ok")


def test_the_entry_point_knows_every_command() -> None:
    program.load_all()
    assert sorted(COMMANDS) == sorted(name for name, command in program.commands.items() if not command.hidden)
