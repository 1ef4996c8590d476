"""What a process says of itself holds no secret that it knows."""

from __future__ import annotations

import pytest

from stigmer_tui.core import known_secrets
from stigmer_tui.core.known_secrets import clean, remember, remember_environment, remember_values, without_credentials
from stigmer_tui.core.redaction import Redactor

pytestmark = pytest.mark.usefixtures("logging_as_before")


def test_values_are_left_out_once_they_are_known() -> None:
    text = "the key is sk-4711-4711"
    assert clean(text) == text
    remember_values(["sk-4711-4711"])
    assert "4711" not in clean(text)


def test_what_a_redactor_is_told_later_counts_too() -> None:
    redactor = Redactor(["first-secret"])
    remember(redactor)
    redactor.add(["later-secret"])
    cleaned = clean("first-secret, later-secret")
    assert "first-secret" not in cleaned and "later-secret" not in cleaned


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "github_token", "DB_PASSWORD", "DB_PASSWD", "AWS_SECRET_ACCESS"])
def test_variables_whose_names_say_so_are_secrets(name: str) -> None:
    remember_environment({name: "value-of-8"})
    assert "value-of-8" not in clean("it is value-of-8")


@pytest.mark.parametrize(
    ("name", "value"), [("SSH_KEY", "no-such"), ("KEYBOARD", "qwertz-de"), ("TOKENS", "sixteen-k")]
)
def test_other_variables_and_short_values_are_none(name: str, value: str) -> None:
    remember_environment({name: value})
    assert clean(f"it is {value}") == f"it is {value}"


def test_only_the_newest_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_secrets, "MAX_KNOWN", 2)
    remember_values(["secret-one"])
    remember_values(["secret-two"])
    remember_values(["secret-one"])
    remember_values([])
    remember_values(["secret-three"])
    assert clean("secret-two") == "secret-two"
    assert "one" not in clean("secret-one") and "three" not in clean("secret-three")


@pytest.mark.parametrize(
    ("address", "cleaned"),
    [
        ("https://ann:pw@host:1/a/b?key=1#x", "https://host:1/a/b?…"),
        ("see http://host/a#token, or 'ftp://u@h'", "see http://host/a?… or 'ftp://h'"),
        ("https://host/a b?c", "https://host/a b?c"),
        ("no address: a@b?c", "no address: a@b?c"),
    ],
)
def test_of_an_address_only_host_and_path_are_told(address: str, cleaned: str) -> None:
    assert without_credentials(address) == cleaned
    assert clean(address) == cleaned
