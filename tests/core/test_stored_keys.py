"""Keys of providers that are stored: in the keyring, each for one address; only their names stand in clear."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keyring
import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home
from stigmer_tui.core.stored_keys import KeyPlace, KeyStore, StoredKey, SystemKeyring, find_stored
from tests.core.memory_keyring import MemoryBackend, MemoryKeyring

KEY = "sk-stored-0123456789"
OPENAI = StoredKey("OPENAI_API_KEY", "")
ROUTER = StoredKey("OPENAI_API_KEY", "https://router.example/v1")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_a_key_is_stored_read_and_deleted(home: Home) -> None:
    ring = MemoryKeyring()
    store = KeyStore(home, ring)
    assert store.list() == ()
    store.store(OPENAI, KEY)
    assert KeyStore(home, ring).list() == (OPENAI,)
    assert KeyStore(home, ring).read(OPENAI) == KEY
    assert store.delete("OPENAI_API_KEY") == (OPENAI,)
    assert (store.list(), ring.values) == ((), {})
    assert store.delete("OPENAI_API_KEY") == ()


def test_each_address_has_a_key_of_its_own(home: Home) -> None:
    store = KeyStore(home, MemoryKeyring())
    store.store(OPENAI, KEY)
    store.store(ROUTER, "sk-router")
    store.store(ROUTER, "sk-router-2")
    assert store.list() == (OPENAI, ROUTER)
    assert (store.read(OPENAI), store.read(ROUTER)) == (KEY, "sk-router-2")
    assert find_stored(store.list(), "OPENAI_API_KEY", "https://elsewhere.example") is None
    assert find_stored(store.list(), "OPENAI_API_KEY", ROUTER.address) is not None


def test_nothing_secret_is_on_the_disk_and_the_list_is_private(home: Home) -> None:
    KeyStore(home, MemoryKeyring()).store(OPENAI, KEY)
    assert home.stored_keys.stat().st_mode & 0o077 == 0
    assert not [path for path in home.root.rglob("*") if path.is_file() and KEY in path.read_text(encoding="utf-8")]


def test_two_homes_share_no_key(home: Home, tmp_path: Path) -> None:
    ring = MemoryKeyring()
    KeyStore(home, ring).store(OPENAI, KEY)
    assert KeyStore(Home(tmp_path / "other"), ring).read(OPENAI) == ""


def test_what_the_keyring_refuses_is_not_listed(home: Home) -> None:
    store = KeyStore(home, MemoryKeyring(problem="It is locked"))
    with pytest.raises(StigmerError, match="It is locked"):
        store.store(OPENAI, KEY)
    assert store.list() == ()


@pytest.mark.parametrize(
    "text", ["no json", "{}x", '[{"variable": "A"}]', "[1]", '[{"variable": "A", "address": "", "place": "x"}]']
)
def test_a_damaged_list_is_named_with_what_to_do(home: Home, text: str) -> None:
    home.data.mkdir(parents=True)
    home.stored_keys.write_text(text, encoding="utf-8")
    with pytest.raises(StigmerError, match="damaged") as caught:
        KeyStore(home, MemoryKeyring()).list()
    assert "secrets set" in caught.value.advice


@pytest.fixture
def backend() -> Iterator[MemoryBackend]:
    before = keyring.get_keyring()
    backend = MemoryBackend()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def test_the_keyring_of_the_system_keeps_them(home: Home, backend: MemoryBackend) -> None:
    store = KeyStore(home, SystemKeyring())
    store.store(OPENAI, KEY)
    assert backend.values == {("stigmer-tui", f"OPENAI_API_KEY {home.root}"): KEY}
    assert store.read(OPENAI) == KEY
    store.delete("OPENAI_API_KEY")
    assert backend.values == {}


@pytest.mark.parametrize("priority", [-1, 0, 0.5])
def test_a_keyring_that_does_not_encrypt_is_none(home: Home, backend: MemoryBackend, priority: float) -> None:
    backend.priority = priority  # type: ignore[assignment]
    with pytest.raises(StigmerError, match="there is none that encrypts"):
        KeyStore(home, SystemKeyring()).store(OPENAI, KEY)
    assert (backend.values, KeyStore(home).list()) == ({}, ())


def test_a_key_in_a_file_is_encrypted_and_asks_no_keyring(home: Home) -> None:
    store = KeyStore(home, MemoryKeyring(problem="It is locked"))
    store.store(StoredKey("OPENAI_API_KEY", "", KeyPlace.FILE), KEY, "open sesame")
    (stored,) = store.list()
    assert stored.place is KeyPlace.FILE
    assert KEY not in home.stored_keys.read_text(encoding="utf-8")
    assert store.unlock(stored, "open sesame") == KEY
    for passphrase, sealed in (
        ("open sesam", stored.sealed),
        ("open sesame", stored.sealed[:-8] + "AAAAAAA="),
        ("x", "?"),
    ):
        with pytest.raises(StigmerError, match="passphrase"):
            store.unlock(replace(stored, sealed=sealed), passphrase)
    assert store.delete("OPENAI_API_KEY") == (stored,)


def test_a_key_is_in_one_place_only(home: Home) -> None:
    ring = MemoryKeyring()
    store = KeyStore(home, ring)
    store.store(OPENAI, KEY)
    store.store(replace(OPENAI, place=KeyPlace.FILE), KEY, "open sesame")
    assert ([one.place for one in store.list()], ring.values) == ([KeyPlace.FILE], {})
    store.store(OPENAI, KEY)
    assert store.list() == (OPENAI,)
