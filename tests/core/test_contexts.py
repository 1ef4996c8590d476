"""Which backend is used: flag and environment, then config.yaml, then the daemon."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer_tui.core.configuration import Configuration, load_configuration
from stigmer_tui.core.configuration_file import ConfigurationFile
from stigmer_tui.core.contexts import CLOUD_ADDRESS, OUR_DAEMON, Context, parse_server, read_contexts
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home

FILE = """\
contexts:
  box: {server: "10.0.0.1:7234", organization: acme}
  far: {server: "https://far.example", ca: far.pem, token_variable: FAR_TOKEN}
  scratch: {home: scratch}
"""


def load(home: Path, content: str = FILE, **environment: str) -> Configuration:
    (home / "config.yaml").write_text(content)
    return load_configuration({"STIGMER_HOME": str(home), **environment})


def test_the_daemon_is_used_where_nobody_says_otherwise(tmp_path: Path) -> None:
    configuration = load(tmp_path)
    assert (configuration.context, configuration.context_origin, configuration.server) == (OUR_DAEMON, "", "")


def test_what_a_context_says(tmp_path: Path) -> None:
    box = load(tmp_path, STIGMER_CONTEXT="box")
    assert (box.server, box.organization, box.context_origin) == ("10.0.0.1:7234", "acme", "STIGMER_CONTEXT")
    assert load(tmp_path, STIGMER_CONTEXT="box", STIGMER_ORG="initech").organization == "initech"
    far = load(tmp_path, STIGMER_CONTEXT="far").context
    assert far == Context("far", "far.example:443", True, tmp_path / "far.pem", "FAR_TOKEN")


def test_another_daemon_has_its_home_and_the_configuration_there(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "config.yaml").write_text("organization: there\ncurrent_context: of-another-file\n")
    configuration = load(tmp_path, STIGMER_CONTEXT="scratch")
    assert (configuration.home, configuration.organization) == (Home(tmp_path / "scratch"), "there")
    assert configuration.server == ""


@pytest.mark.parametrize(
    ("more", "environment", "name"),
    [
        ("current_context: box", {}, "box"),
        ("current_context: box", {"STIGMER_CONTEXT": "far"}, "far"),
        ("current_context: box", {"MODE": "local"}, "local"),
        ("current_context: box", {"MODE": "production"}, "box"),
        ("current_context: box\nbackend: {type: cloud}", {}, "box"),
        ("backend: {type: cloud}", {}, "cloud"),
        ("backend: {type: cloud}", {"MODE": "local"}, "local"),
        ("", {"MODE": "cloud", "STIGMER_CONTEXT": "box"}, "box"),
        ("", {"MODE": "Cloud"}, "cloud"),
        ("", {"STIGMER_SERVER_ADDR": "10.0.0.2:1", "STIGMER_CONTEXT": "box"}, ""),
    ],
)
def test_what_wins(tmp_path: Path, more: str, environment: dict[str, str], name: str) -> None:
    assert load(tmp_path, FILE + more, **environment).context.name == name


def test_the_cloud_of_an_existing_installation(tmp_path: Path) -> None:
    assert load(tmp_path, MODE="cloud").server == CLOUD_ADDRESS
    there = load(tmp_path, "backend: {type: cloud, cloud: {endpoint: 'c.example:1', token: abc-123, org_id: o-1}}")
    assert (there.server, there.context.tls, there.organization) == ("c.example:1", True, "o-1")
    assert there.context.token(there.home, {}) == "abc-123"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("current_context: bx\n" + FILE, "There is no context bx, which config.yaml:1 names\n\nDid you mean box?"),
        ("backend: {type: moon}", "config.yaml:1: there is no backend of type moon"),
        ("contexts: 3\ncurrent_context: a", "config.yaml:1 must hold contexts"),
        ("contexts: {a: {organization: b}}\ncurrent_context: a", "the context a has no server"),
        ("contexts: {a: {server: '-'}}\ncurrent_context: a", "config.yaml:1: not the address of a server"),
        ("contexts: {a: {server: 'x:1', home: b}}\ncurrent_context: a", "a server or a home, not both"),
        ("contexts: {local: {server: 'x:1'}}\ncurrent_context: a", "local is always the daemon"),
    ],
)
def test_what_is_wrong_with_the_file(tmp_path: Path, content: str, expected: str) -> None:
    with pytest.raises(StigmerError) as refusal:
        load(tmp_path, content)
    assert expected in str(refusal.value)


@pytest.mark.parametrize("text", ["x", "http://x:1", "https://", "https://a@x", "x:1/path", "x:99999", "ftp://x:1"])
def test_no_address_of_a_server(text: str) -> None:
    with pytest.raises(StigmerError, match="not the address"):
        parse_server(text, "here")


def test_a_token_from_the_environment(tmp_path: Path) -> None:
    home, far = Home(tmp_path), Context("far", "far.example:443", tls=True, token_variable="FAR_TOKEN")
    assert far.token(home, {"FAR_TOKEN": " abc-123 "}) == "abc-123"
    with pytest.raises(StigmerError, match="from FAR_TOKEN, which is not set"):
        far.token(home, {})
    clear = Context("far", "far.example:443", token_variable="FAR_TOKEN")
    with pytest.raises(StigmerError, match="would send its token in clear"):
        clear.token(home, {"FAR_TOKEN": "abc-123"})
    assert Context("near", "127.0.0.1:1", token_variable="FAR_TOKEN").token(home, {"FAR_TOKEN": "abc-123"}) == "abc-123"


def test_all_that_there_are(tmp_path: Path) -> None:
    file = ConfigurationFile.parse(tmp_path / "config.yaml", FILE)
    assert list(read_contexts(file)) == ["local", "cloud", "box", "far", "scratch"]
