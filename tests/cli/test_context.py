"""The commands of `context`."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from stigmer_tui.cli.entry import is_for_app, use_context
from stigmer_tui.cli.invocation import run_command
from stigmer_tui.core import stored_keys
from stigmer_tui.core.contexts import Context
from stigmer_tui.core.paths import Home
from tests.core.memory_keyring import MemoryKeyring

pytestmark = pytest.mark.usefixtures("logging_as_before")

TOKEN = "tok-0123456789"


@dataclass(frozen=True, slots=True)
class Said:
    code: int
    out: str
    err: str


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    keyring = MemoryKeyring()
    monkeypatch.setattr(stored_keys, "SystemKeyring", lambda: keyring)
    return keyring


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    monkeypatch.setenv("STIGMER_HOME", str(tmp_path))
    for variable in ("STIGMER_CONTEXT", "STIGMER_SERVER_ADDR", "MODE"):
        # Set first, so that what a command sets is undone.
        monkeypatch.setenv(variable, "")

    def command(*arguments: str, text: str = "") -> Said:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        code = run_command(arguments)
        return Said(code, *capsys.readouterr())

    return command


def test_comments_and_unknown_keys_stay(tmp_path: Path, say: Callable[..., Said]) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("# mine\nmystery: 1 # kept\n")
    assert say("context", "set", "box", "--server", "box.example:1").out.startswith("✓ box is box.example:1\n")
    assert say("context", "use", "box").code == 0
    assert file.read_text().startswith("# mine\nmystery: 1 # kept\n")
    shown = json.loads(say("context", "show", "--output", "json").out)
    assert (shown["name"], shown["server"], shown["chosen_by"]) == ("box", "box.example:1", "config.yaml:6")
    assert "* box" in say("context", "list").out
    assert "current_context" in say("config", "list", "--origin").out
    assert say("context", "delete", "box").code == 0
    assert file.read_text() == "# mine\nmystery: 1 # kept\n"


def test_a_token_is_in_the_keyring_and_nowhere_else(
    tmp_path: Path, say: Callable[..., Said], keyring: MemoryKeyring
) -> None:
    set_far = ("context", "set", "far", "--server", "far.example:443", "--tls", "--token")
    said = say(*set_far, text=f"{TOKEN}\n")
    assert (said.code, list(keyring.values.values())) == (0, [TOKEN])
    far = Context("far", "far.example:443", tls=True)
    assert far.token(Home(tmp_path), {}) == TOKEN
    # At another address it is not this server's.
    assert Context("far", "other.example:443", tls=True).token(Home(tmp_path), {}) == ""
    outputs = [say("context", "show", "far"), say("context", "list"), said]
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(TOKEN in said.out + said.err for said in outputs)
    assert not any(TOKEN.encode() in content for content in kept)
    assert "with its token" in say("context", "delete", "far").out
    assert keyring.values == {}


def test_without_a_keyring_the_token_is_refused(say: Callable[..., Said], monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring as system
    from keyring.backends import null

    monkeypatch.setattr(system, "get_keyring", null.Keyring)
    said = say("context", "set", "far", "--server", "far.example:443", "--tls", "--token", text=TOKEN)
    assert (said.code, "there is none that encrypts" in said.err, "--token-variable" in said.err) == (1, True, True)
    assert "far" not in say("context", "list").out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("set", "local", "--server", "x:1"), "local is always the daemon on this machine"),
        (("set", "a b", "--server", "x:1"), "Not a name for a context: a b"),
        (("set", "a"), "There is no context a yet"),
        (("set", "a", "--server", "x"), "not the address of a server"),
        (("set", "a", "--tls"), "--tls belongs to an address"),
        (("set", "a", "--server", "x:1", "--ca", "f"), "--ca is for TLS only"),
        (("set", "a", "--server", "x:1", "--home", "f"), "a server or a home, not both"),
        (("set", "a", "--server", "x:1", "--token-variable", "sk-1"), "not the name of a variable"),
        (("use", "clod"), "Did you mean cloud?"),
        (("show", "nobody"), "There is no context nobody"),
        (("delete", "cloud"), "cloud comes with the program"),
    ],
)
def test_what_is_refused(tmp_path: Path, say: Callable[..., Said], arguments: tuple[str, ...], expected: str) -> None:
    said = say("context", *arguments)
    assert (said.code, expected in said.err) == (1, True), said
    assert not (tmp_path / "config.yaml").exists()


def test_the_flag_stands_before_a_command_or_after_it(say: Callable[..., Said]) -> None:
    say("context", "set", "box", "--server", "127.0.0.1:1")
    for arguments in (("--context", "box", "server", "start"), ("server", "start", "--context", "box")):
        said = say(*arguments)
        assert "The context box names the server that is used, 127.0.0.1:1; no daemon is started" in said.err


@pytest.mark.parametrize("arguments", [["--context", "box", "folder"], ["--context=box", "folder"]])
def test_the_app_takes_the_flag(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    monkeypatch.setenv("STIGMER_CONTEXT", "")
    assert use_context(arguments) == ["folder"]
    assert is_for_app(["folder"])


def test_a_daemon_of_another_home_is_asked(tmp_path: Path, say: Callable[..., Said]) -> None:
    say("context", "set", "scratch", "--home", str(tmp_path / "scratch"))
    assert json.loads(say("--context", "scratch", "server", "status", "--output", "json").out) == {"running": False}
    shown = json.loads(say("context", "show", "scratch", "--output", "json").out)
    assert shown["home"] == str(tmp_path / "scratch")
