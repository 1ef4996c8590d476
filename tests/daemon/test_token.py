"""The token of an instance: made once, for its owner only."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home
from stigmer_tui.daemon.token import create_token, read_token


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.prepare()
    return home


def test_a_token_is_made_once(home: Home) -> None:
    assert read_token(home.token) == ""
    token = create_token(home.token)
    assert len(token) >= 43
    assert (read_token(home.token), create_token(home.token)) == (token, token)
    assert home.token.stat().st_mode & 0o777 == 0o600


def test_each_instance_has_its_own(tmp_path: Path) -> None:
    homes = Home(tmp_path / "a"), Home(tmp_path / "b")
    for home in homes:
        home.prepare()
    assert create_token(homes[0].token) != create_token(homes[1].token)


def test_a_token_that_others_could_read_is_closed_to_them(home: Home) -> None:
    home.token.write_text(" given \n", encoding="utf-8")
    home.token.chmod(0o644)
    assert create_token(home.token) == "given"
    assert home.token.stat().st_mode & 0o777 == 0o600


def test_an_empty_file_is_no_token(home: Home) -> None:
    home.token.write_text("\n", encoding="utf-8")
    assert create_token(home.token)
    assert read_token(home.token)


def test_a_file_that_cannot_be_used_is_named(home: Home) -> None:
    home.token.mkdir()
    with pytest.raises(StigmerError) as raised:
        read_token(home.token)
    assert raised.value.message == f"Cannot read the token {home.token}: Is a directory"
    home.token.rmdir()
    home.data.rename(home.root / "elsewhere")
    with pytest.raises(StigmerError) as raised:
        create_token(home.token)
    assert raised.value.message.startswith(f"Cannot write the token {home.token}: ")
