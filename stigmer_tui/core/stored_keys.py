"""Keys of model providers that a person has stored, each with the address that it is for.

The keys themselves are in the keyring of the system, or encrypted in the list of them. What stands in clear is only
which there are, so that the keyring is not touched where nothing is stored.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Protocol

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.known_secrets import remember_values
from stigmer_tui.core.paths import Home
from stigmer_tui.core.private_files import make_private_folders, read_private, write_private
from stigmer_tui.core.sealed_text import seal, unseal

SERVICE = "stigmer-tui"
"""The name of our entries in the keyring."""

SAFE_PRIORITY = 1
"""Of a backend of the package `keyring`: those below keep nothing, or keep it in clear."""


class KeyPlace(StrEnum):
    KEYRING = "keyring"
    FILE = "file"
    """Encrypted by a passphrase that nobody stores."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    variable: str
    """The environment variable that it stands for."""
    address: str
    """The base URL that it is for; empty for the provider's own address. It is never sent to another one."""
    place: KeyPlace = KeyPlace.KEYRING
    sealed: str = ""
    """The key itself, encrypted, where it is in our file."""


class Keyring(Protocol):
    """Raises StigmerError where there is none, or where it stays locked."""

    def read(self, name: str) -> str: ...

    def write(self, name: str, value: str) -> None: ...

    def delete(self, name: str) -> None: ...


class SystemKeyring:
    """The keyring of the operating system, by the package `keyring`."""

    def read(self, name: str) -> str:
        return self._call("get_password", name) or ""

    def write(self, name: str, value: str) -> None:
        self._call("set_password", name, value)

    def delete(self, name: str) -> None:
        if self.read(name):
            self._call("delete_password", name)

    def _call(self, function: str, *arguments: str) -> str | None:
        try:
            result: str | None = getattr(encrypting_backend(), function)(SERVICE, *arguments)
        except StigmerError:
            raise
        except Exception as error:
            # Backends raise errors of their own libraries, too.
            raise _unusable(f"{type(error).__name__}: {error}") from error
        return result


def encrypting_backend() -> Any:
    """The system's keyring, by the package `keyring`. Raises StigmerError where none is there that encrypts."""
    # Imported lazily: it looks for its backends, which takes a while.
    import keyring

    backend = keyring.get_keyring()
    # A chain would fall back to one that keeps secrets in clear.
    best = max([*getattr(backend, "backends", ())] or [backend], key=lambda each: each.priority)
    if best.priority < SAFE_PRIORITY:
        raise _unusable(f"there is none that encrypts ({type(best).__module__} does not)")
    return best


def _unusable(reason: str) -> StigmerError:
    return StigmerError(
        f"The keyring of this system cannot be used: {reason}",
        "On Linux a secret service keeps keys, such as gnome-keyring or KeePassXC. It may have to be unlocked.",
    )


class KeyStore:
    """The stored keys of one home folder."""

    def __init__(self, home: Home, keyring: Keyring | None = None) -> None:
        self._home = home
        self._keyring = keyring or SystemKeyring()

    def list(self) -> tuple[StoredKey, ...]:
        """Which keys are stored. Raises StigmerError for a list that cannot be read."""
        path = self._home.stored_keys
        try:
            entries = json.loads(read_private(path))
            return tuple(map(_stored_key, entries))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise StigmerError(f"Cannot read {path}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StigmerError(
                f"{path} is damaged", "Remove it, and store the keys again: stigmer-tui secrets set NAME"
            ) from error

    def read(self, stored: StoredKey) -> str:
        """The key itself, from the keyring; empty if it is gone from there. Raises StigmerError."""
        key = self._keyring.read(self._name(stored))
        remember_values([key] if key else [])
        return key

    def unlock(self, stored: StoredKey, passphrase: str) -> str:
        """The key itself, from our file. Raises StigmerError for another passphrase."""
        key = unseal(stored.sealed, passphrase)
        remember_values([key])
        return key

    def store(self, stored: StoredKey, key: str, passphrase: str = "") -> None:
        """Replaces the one for the same address. A passphrase is for the file.

        Raises StigmerError, and has stored nothing then.
        """
        remember_values([key])
        former = [one for one in self.list() if _is_same(one, stored)]
        if stored.place is KeyPlace.KEYRING:
            self._keyring.write(self._name(stored), key)
        else:
            stored = replace(stored, sealed=seal(key, passphrase))
        self._write([*(one for one in self.list() if one not in former), stored])
        if stored.place is KeyPlace.FILE and any(one.place is KeyPlace.KEYRING for one in former):
            self._keyring.delete(self._name(stored))

    def delete(self, variable: str) -> tuple[StoredKey, ...]:
        """All keys of a variable; returns them. Raises StigmerError for what the keyring does not let go."""
        listed = self.list()
        found = tuple(one for one in listed if one.variable == variable)
        for one in found:
            if one.place is KeyPlace.KEYRING:
                self._keyring.delete(self._name(one))
        if found:
            self._write([one for one in listed if one not in found])
        return found

    def _name(self, stored: StoredKey) -> str:
        """In the keyring, which several home folders share."""
        return " ".join(filter(None, (stored.variable, stored.address, str(self._home.root))))

    def _write(self, stored: Sequence[StoredKey]) -> None:
        make_private_folders([self._home.data])
        write_private(self._home.stored_keys, json.dumps([asdict(one) for one in stored], indent=2))


def find_stored(stored: Sequence[StoredKey], variable: str, address: str) -> StoredKey | None:
    """The one for this variable and exactly this address."""
    return next((one for one in stored if _is_same(one, StoredKey(variable, address))), None)


def _is_same(one: StoredKey, other: StoredKey) -> bool:
    return (one.variable, one.address) == (other.variable, other.address)


def _stored_key(entry: Any) -> StoredKey:
    variable, address = str(entry["variable"]), str(entry["address"])
    return StoredKey(variable, address, KeyPlace(entry["place"]), str(entry.get("sealed", "")))
